//! Tokens, accounts, and an account's sessions.

use serde_json::json;

use super::{Request, error, ok};

#[tokio::test]
async fn cycle_key_keeps_the_data_under_a_new_token() {
    let request = Request::new();
    request.run(json!([{ "op": "set", "key": "a", "value": 1 }, { "op": "save" }])).await;
    let before = request.session.token().unwrap();
    request.expect(json!({ "op": "cycle_key" }), ok(())).await;
    request.expect(json!({ "op": "save" }), ok(())).await;
    assert_ne!(request.session.token().unwrap(), before);
    request.expect(json!({ "op": "get", "key": "a" }), ok(1)).await;
}

#[tokio::test]
async fn login_names_the_account_and_logout_flushes() {
    let request = Request::new();
    request.expect(json!({ "op": "account" }), ok(())).await;
    request.one(json!({ "op": "set", "key": "cart", "value": 1 })).await;
    request.expect(json!({ "op": "login", "account": "ada" }), ok(())).await;
    request.expect(json!({ "op": "account" }), ok("ada")).await;
    request.expect(json!({ "op": "get", "key": "cart" }), ok(1)).await;
    request.expect(json!({ "op": "logout" }), ok(())).await;
    request.expect(json!({ "op": "account" }), ok(())).await;
    request.expect(json!({ "op": "keys" }), ok(json!([]))).await;
}

#[tokio::test]
async fn the_sessions_of_an_account_are_listed_and_ended() {
    let here = Request::new();
    let login = |account| json!([{ "op": "login", "account": account }, { "op": "save" }]);
    here.run(login("ada")).await;
    let new = || Request {
        clock: here.clock.clone(),
        sessions: here.sessions.clone(),
        session: here.sessions.create(),
    };
    let (phone, tablet, stranger) = (new(), new(), new());
    phone.run(login("ada")).await;
    tablet.run(login("ada")).await;
    stranger.run(login("eve")).await;

    let listed = here.one(json!({ "op": "account_sessions" })).await;
    let listed = listed["ok"].as_array().unwrap();
    assert_eq!(listed.len(), 3);
    let own = listed.iter().find(|session| session["current"] == true).unwrap();
    let moment = "2023-11-14T22:13:20Z";
    let id = here.one(json!({ "op": "session_key" })).await["ok"].take();
    let whole = json!({ "id": id, "created": moment, "last_active": moment, "expires": "2023-11-28T22:13:20Z", "current": true });
    assert_eq!(own, &whole);

    let eves = here.one(json!({ "op": "account_sessions", "account": "eve" })).await;
    assert_eq!(eves["ok"].as_array().unwrap().len(), 1);
    let eves_id = eves["ok"][0]["id"].clone();
    here.expect(json!({ "op": "revoke", "id": eves_id }), ok(false)).await;
    here.expect(json!({ "op": "revoke", "id": "no handle" }), ok(false)).await;

    let phones_id = phone.one(json!({ "op": "session_key" })).await["ok"].take();
    here.expect(json!({ "op": "revoke", "id": phones_id }), ok(true)).await;
    here.expect(json!({ "op": "revoke", "id": phones_id }), ok(false)).await;
    here.expect(json!({ "op": "revoke_others" }), ok(1)).await;
    here.expect(json!({ "op": "revoke_others" }), ok(0)).await;
    assert_eq!(stranger.one(json!({ "op": "account_sessions" })).await["ok"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_login_of_the_same_request_is_in_the_list() {
    let request = Request::new();
    let results =
        request.run(json!([{ "op": "login", "account": "ada" }, { "op": "account_sessions" }])).await;
    assert_eq!(results[1]["ok"][0]["current"], true);
}

#[tokio::test]
async fn who_is_not_signed_in_has_no_sessions_and_lists_none_into_being() {
    let request = Request::new();
    request.one(json!({ "op": "set", "key": "a", "value": 1 })).await;
    request.expect(json!({ "op": "account_sessions" }), ok(json!([]))).await;
    request.expect(json!({ "op": "revoke_others" }), ok(0)).await;
    request.expect(json!({ "op": "revoke", "id": "kqpt0w3ws4gc1dtw8cm7h8wnx" }), ok(false)).await;
    request.expect(json!({ "op": "session_key" }), ok(())).await;
}

#[tokio::test]
async fn sessions_in_cookies_can_be_neither_listed_nor_ended_from_elsewhere() {
    let request = Request::with_sealed_sessions();
    request.expect(json!({ "op": "session_key" }), ok(())).await;
    for signed_in in [false, true] {
        for op in ["account_sessions", "revoke_others"] {
            request.expect(json!({ "op": op }), error("unsupported")).await;
        }
        request.expect(json!({ "op": "account_sessions", "account": "ada" }), error("unsupported")).await;
        request.expect(json!({ "op": "revoke", "id": "x" }), error("unsupported")).await;
        if !signed_in {
            request.expect(json!({ "op": "login", "account": "ada" }), ok(())).await;
        }
    }
}
