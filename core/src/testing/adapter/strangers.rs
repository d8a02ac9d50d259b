//! What strangers bring: cookies that nobody was given, tokens in other places, and all of it at once.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;

use super::{Jar, Request, Response};

/// T22: what is written with a cookie of the client's choice is in a session of another name.
pub(super) async fn a_forged_cookie_is_not_adopted(send: &impl AsyncFn(Request) -> Response) {
    for forged in ["a".repeat(50), "a".repeat(32), "attacker-chosen".to_owned()] {
        let mut jar = Jar(Some(forged.clone()));
        jar.ok(send, json!([{"op": "set", "key": "a", "value": 1}])).await;
        let given = jar.0.expect("a cookie");
        assert!(!given.starts_with(&forged[..15]), "{given}");
        assert_eq!(Jar(Some(forged)).ok(send, json!([{"op": "items"}])).await, [json!({})]);
    }
}

/// T23: a token is looked for in its cookie alone.
pub(super) async fn a_token_in_the_address_is_none(send: &impl AsyncFn(Request) -> Response) {
    let mut jar = Jar::default();
    jar.ok(send, json!([{"op": "set", "key": "n", "value": 7}])).await;
    let token = jar.0.expect("a cookie");
    let response = Jar::default().send(send, "GET", &format!("/read?sessionid={token}"), "").await;
    assert_eq!((&response.body[..], response.set_cookie()), (&b"0"[..], None));
}

/// T26.
pub(super) async fn another_spelling_of_the_name_is_another_cookie(send: &impl AsyncFn(Request) -> Response) {
    let mut jar = Jar::default();
    jar.ok(send, json!([{"op": "set", "key": "a", "value": 1}])).await;
    let token = jar.0.expect("a cookie");
    for name in ["SESSIONID", "Sessionid", "%73essionid", "xsessionid", "sessionidx", "__Host-sessionid"] {
        let cookies = vec![format!("{name}={token}").into_bytes()];
        let body = json!([{"op": "get", "key": "a"}]).to_string().into_bytes();
        let response =
            send(Request { method: "POST", path: "/ops".to_owned(), cookies, headers: vec![], body }).await;
        assert_eq!(response.body, br#"{"results":[{"ok":null}]}"#, "{name}");
        assert_eq!(response.set_cookie(), None, "{name}");
    }
}

/// T32: of many who come at once each finds what is theirs.
pub(super) async fn nobody_finds_what_is_another_s(send: &impl AsyncFn(Request) -> Response) {
    let everybody = (0..8).map(|who| async move {
        let mut jar = Jar::default();
        for times in 1..=25 {
            let ops =
                json!([{"op": "setdefault", "key": "who", "value": who}, {"op": "increment", "key": "n"}]);
            assert_eq!(jar.ok(send, ops).await, [json!(who), json!(times)]);
        }
    });
    join_all(everybody).await;
}

/// `axum_session` 2: whether the framework drops a request whose client has gone or runs it to its end.
pub(super) async fn a_logout_after_a_cancelled_request_holds(send: &impl AsyncFn(Request) -> Response) {
    let mut jar = Jar::default();
    jar.ok(send, json!([{"op": "set", "key": "a", "value": 1}])).await;
    let mut cancelled = jar.clone();
    let ops = json!([{"op": "set", "key": "a", "value": 2}, {"op": "sleep_ms", "ms": 300}]);
    let wait = tokio::time::timeout(Duration::from_millis(100), cancelled.ok(send, ops)).await;
    assert!(wait.is_err(), "it takes longer");
    let mut old = jar.clone();
    jar.ok(send, json!([{"op": "flush"}])).await;
    assert_eq!(jar.0, None);
    jar.ok(send, json!([{"op": "sleep_ms", "ms": 500}])).await;
    assert_eq!(old.ok(send, json!([{"op": "items"}])).await, [json!({})]);
}

/// T20: anybody can send what a proxy says; the settings alone decide about a cookie's attributes.
pub(super) async fn what_a_proxy_says_changes_no_cookie(send: &impl AsyncFn(Request) -> Response) {
    let says = |scheme| {
        let forwarded =
            if scheme == "https" { "proto=https;host=evil.test" } else { "proto=http;host=evil.test" };
        vec![
            ("X-Forwarded-Proto", scheme),
            ("X-Forwarded-Scheme", scheme),
            ("X-Forwarded-Host", "evil.test"),
            ("X-Forwarded-Prefix", "/evil"),
            ("Forwarded", forwarded),
        ]
    };
    let attributes = async |headers| {
        let body = json!([{"op": "set", "key": "a", "value": 1}]).to_string().into_bytes();
        let response =
            send(Request { method: "POST", path: "/ops".to_owned(), cookies: vec![], headers, body }).await;
        let mut attributes = response.attributes();
        attributes.retain(|part| !part.starts_with("Expires="));
        attributes
    };
    let own = attributes(vec![]).await;
    for scheme in ["https", "http"] {
        assert_eq!(attributes(says(scheme)).await, own, "{scheme}");
    }
}
