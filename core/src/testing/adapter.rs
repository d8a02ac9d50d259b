//! An adapter's behaviour over HTTP.
//!
//! The cases drive a *playground*: a small server that shows the whole session API over HTTP and exists once per adapter (`POST
//! /ops` runs a JSON array of operations on the request's session, `GET /untouched` does not ask for it, `/login/{account}`,
//! `/logout`, `/read`, `/write`, `/healthz` are what they say). It runs with default settings, but `Secure` off, on a store that is
//! fresh.
//!
//! The kit brings no HTTP client: [`conformance`] is handed a function that sends a [`Request`] and returns the [`Response`] as it
//! is, redirects not followed, over a real connection. [`races()`] takes one for several servers.

mod races;
mod strangers;

pub use races::races;
use strangers::{
    a_forged_cookie_is_not_adopted, a_logout_after_a_cancelled_request_holds, a_token_in_the_address_is_none,
    another_spelling_of_the_name_is_another_cookie, nobody_finds_what_is_another_s,
    what_a_proxy_says_changes_no_cookie,
};

use futures_util::future::join_all;
use serde_json::{Value, json};

/// What to send.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a client takes it apart")]
pub struct Request {
    /// `GET`, `HEAD` or `POST`.
    pub method: &'static str,
    /// Path and query.
    pub path: String,
    /// The values of its `Cookie` headers; any bytes that a header may have.
    pub cookies: Vec<Vec<u8>>,
    /// Other headers.
    pub headers: Vec<(&'static str, &'static str)>,
    /// The body; JSON where there is one.
    pub body: Vec<u8>,
}

/// What came back.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a client puts it together")]
pub struct Response {
    /// The status.
    pub status: u16,
    /// All headers; names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// Where the playground's sessions live, and so what can be asked of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no fourth place")]
pub enum Lives {
    /// In a store, in this project's format.
    InStore,
    /// In a store, in Django's format: no accounts, and an old key is as unknown as any other.
    InDjangoStore,
    /// In the cookie itself: an old one is as good as a new one, and no request sees another.
    InCookie,
}

/// Runs every case that is about such sessions.
///
/// # Panics
///
/// Where the adapter does otherwise.
pub async fn conformance(lives: Lives, send: impl AsyncFn(Request) -> Response) {
    macro_rules! run {
        ($($case:ident),+ $(,)?) => { $(
            eprintln!("case adapter::{} ...", stringify!($case));
            $case(&send).await;
        )+ };
    }
    run!(
        a_request_that_asks_for_nothing_changes_nothing,
        a_new_session_sets_its_cookie,
        reading_sets_no_cookie,
        a_dead_cookie_is_removed,
        a_flush_removes_the_cookie,
        a_rotation_changes_the_cookie,
        a_failed_response_saves_nothing,
        a_flush_holds_in_a_failed_response,
        the_expiry_is_in_the_cookie,
        malformed_cookies_are_no_session,
        of_several_cookies_the_live_one_is_found,
        a_forged_cookie_is_not_adopted,
        a_token_in_the_address_is_none,
        another_spelling_of_the_name_is_another_cookie,
        nobody_finds_what_is_another_s,
        what_a_proxy_says_changes_no_cookie,
        bad_bodies_are_bad_requests,
        a_failed_operation_changes_nothing,
        answers_without_a_body_have_the_headers,
        what_follows_a_redirect_sees_what_was_written,
        a_cancelled_request_breaks_nothing,
        the_plain_routes_do_what_they_say,
    );
    if lives == Lives::InCookie {
        run!(what_a_cookie_cannot_do_is_unsupported);
        return;
    }
    run!(
        an_old_cookie_opens_nothing,
        a_logout_after_a_cancelled_request_holds,
        concurrent_increments_all_count,
        a_late_writer_is_interrupted,
    );
    if lives == Lives::InStore {
        run!(a_late_reader_does_not_remove_a_new_cookie, devices_are_listed_and_ended);
    } else {
        run!(accounts_are_unsupported);
    }
}

/// A browser's side: the session's cookie, kept between requests.
#[derive(Clone, Default)]
struct Jar(Option<String>);

impl Jar {
    async fn ops(
        &mut self,
        send: &impl AsyncFn(Request) -> Response,
        status: u16,
        ops: Value,
    ) -> (Response, Value) {
        let response = self.send(send, "POST", &format!("/ops?status={status}"), ops.to_string()).await;
        let answer: Value = serde_json::from_slice(&response.body).unwrap_or(Value::Null);
        (response, answer)
    }

    /// Runs operations that all succeed, and returns their results.
    async fn ok(&mut self, send: &impl AsyncFn(Request) -> Response, ops: Value) -> Vec<Value> {
        let (response, answer) = self.ops(send, 200, ops).await;
        assert_eq!(response.status, 200, "{answer}");
        let results = answer["results"].as_array().expect("results");
        results.iter().map(|result| result.get("ok").unwrap_or_else(|| panic!("{result}")).clone()).collect()
    }

    async fn send(
        &mut self,
        send: &impl AsyncFn(Request) -> Response,
        method: &'static str,
        path: &str,
        body: impl Into<Vec<u8>>,
    ) -> Response {
        let cookies = self.0.iter().map(|value| format!("sessionid={value}").into_bytes()).collect();
        let request = Request { method, path: path.to_owned(), cookies, headers: vec![], body: body.into() };
        let response = send(request).await;
        if let Some(header) = response.set_cookie() {
            let value = header.split(';').next().and_then(|pair| pair.strip_prefix("sessionid="));
            let value = value.expect("the session's cookie").to_owned();
            self.0 = (!header.contains("Max-Age=0")).then_some(value);
        }
        response
    }
}

impl Response {
    fn all(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(n, _)| n == name).map(|(_, value)| value.as_str()).collect()
    }

    fn set_cookie(&self) -> Option<&str> {
        let all = self.all("set-cookie");
        assert!(all.len() <= 1, "one Set-Cookie at most: {all:?}");
        all.first().copied()
    }

    fn varies(&self) -> bool {
        self.all("vary").iter().any(|value| value.to_ascii_lowercase().contains("cookie"))
    }

    fn attributes(&self) -> Vec<String> {
        let header = self.set_cookie().expect("a Set-Cookie");
        header.split("; ").skip(1).map(str::to_owned).collect()
    }

    fn max_age(&self) -> Option<u64> {
        self.attributes().iter().find_map(|part| part.strip_prefix("Max-Age=")?.parse().ok())
    }
}

async fn a_request_that_asks_for_nothing_changes_nothing(send: &impl AsyncFn(Request) -> Response) {
    let mut live = Jar::default();
    live.ok(send, json!([{"op": "set", "key": "a", "value": 1}])).await;
    for mut jar in [Jar::default(), live, Jar(Some("x".repeat(50))), Jar(Some("malformed".to_owned()))] {
        let response = jar.send(send, "GET", "/untouched", "").await;
        assert_eq!((response.status, &response.body[..]), (200, &b"ok"[..]));
        assert_eq!((response.set_cookie(), response.varies()), (None, false));
    }
}

/// C3: a name that tells nothing of what made it.
async fn a_new_session_sets_its_cookie(send: &impl AsyncFn(Request) -> Response) {
    let mut jar = Jar::default();
    let (response, _) = jar.ops(send, 200, json!([{"op": "set", "key": "a", "value": 1}])).await;
    let mut attributes = response.attributes();
    attributes.retain(|part| !part.starts_with("Expires="));
    attributes.sort();
    assert_eq!(attributes, ["HttpOnly", "Max-Age=1209600", "Path=/", "SameSite=Lax"], "D59, C5, C6");
    assert!(response.varies(), "T6");
    assert!(response.all("cache-control").join(",").contains("private"), "T7");
    assert_eq!(jar.ok(send, json!([{"op": "get", "key": "a"}])).await, [json!(1)]);
}

async fn reading_sets_no_cookie(send: &impl AsyncFn(Request) -> Response) {
    let mut live = Jar::default();
    live.ok(send, json!([{"op": "set", "key": "a", "value": 1}])).await;
    for mut jar in [Jar::default(), live] {
        let (response, _) = jar.ops(send, 200, json!([{"op": "get", "key": "a"}, {"op": "keys"}])).await;
        assert_eq!((response.set_cookie(), response.varies()), (None, true), "D55");
        let (response, _) = jar.ops(send, 200, json!([])).await;
        assert_eq!((response.set_cookie(), response.varies()), (None, false), "nothing was read");
    }
}

/// D53, D54.
async fn a_dead_cookie_is_removed(send: &impl AsyncFn(Request) -> Response) {
    let mut jar = Jar(Some("a".repeat(50)));
    let (response, answer) =
        jar.ops(send, 200, json!([{"op": "get", "key": "a"}, {"op": "session_key"}])).await;
    assert_eq!(answer, json!({"results": [{"ok": null}, {"ok": null}]}));
    let mut attributes = response.attributes();
    attributes.sort();
    let want = ["Expires=Thu, 01 Jan 1970 00:00:00 GMT", "HttpOnly", "Max-Age=0", "Path=/", "SameSite=Lax"];
    assert_eq!(attributes, want);
    assert!(response.varies());
}

/// D13, T3, C22: also twice, and for somebody who has none.
async fn a_flush_removes_the_cookie(send: &impl AsyncFn(Request) -> Response) {
    let mut jar = Jar::default();
    jar.ok(send, json!([{"op": "set", "key": "a", "value": 1}])).await;
    assert!(jar.0.is_some());
    let results = jar.ok(send, json!([{"op": "flush"}, {"op": "flush"}, {"op": "session_key"}])).await;
    assert_eq!((results[2].clone(), jar.0), (Value::Null, None));
    let (response, _) = Jar::default().ops(send, 200, json!([{"op": "flush"}])).await;
    assert_eq!((response.set_cookie(), response.varies()), (None, true), "D60");

    // Signed out, with a message for the next page: that is another session.
    let mut jar = Jar::default();
    jar.ok(send, json!([{"op": "set", "key": "a", "value": 1}])).await;
    let before = jar.clone();
    jar.ok(send, json!([{"op": "flush"}, {"op": "set", "key": "message", "value": "bye"}])).await;
    assert!(jar.0.is_some() && jar.0 != before.0);
    assert_eq!(jar.ok(send, json!([{"op": "items"}])).await, [json!({"message": "bye"})]);
}

/// D15, T21, C14.
async fn a_rotation_changes_the_cookie(send: &impl AsyncFn(Request) -> Response) {
    let mut jar = Jar::default();
    jar.ok(send, json!([{"op": "set", "key": "a", "value": 1}])).await;
    for step in [json!([{"op": "cycle_key"}]), json!([{"op": "login", "account": "ada"}])] {
        let old = jar.clone();
        jar.ok(send, step).await;
        assert!(jar.0.is_some() && jar.0 != old.0);
        assert_eq!(jar.ok(send, json!([{"op": "get", "key": "a"}])).await, [json!(1)], "the data stays");
    }
    jar.ok(send, json!([{"op": "login", "account": "bob"}])).await;
    assert_eq!(
        jar.ok(send, json!([{"op": "items"}])).await,
        [json!({})],
        "another account gets nothing of hers"
    );
}

/// D56, D57.
async fn a_failed_response_saves_nothing(send: &impl AsyncFn(Request) -> Response) {
    let mut jar = Jar::default();
    for (status, saved) in [(200, true), (302, true), (404, true), (500, false), (503, false)] {
        let (response, _) =
            jar.ops(send, status, json!([{"op": "set", "key": "last", "value": status}])).await;
        assert_eq!((response.status, response.set_cookie().is_some()), (status, saved));
        assert!(response.varies());
    }
    assert_eq!(jar.ok(send, json!([{"op": "get", "key": "last"}])).await, [json!(404)]);
}

/// T16.
async fn a_flush_holds_in_a_failed_response(send: &impl AsyncFn(Request) -> Response) {
    let mut jar = Jar::default();
    jar.ok(send, json!([{"op": "set", "key": "a", "value": 1}])).await;
    let (response, _) = jar.ops(send, 500, json!([{"op": "logout"}])).await;
    assert_eq!((response.status, jar.0), (500, None));
}

/// T3, T16, T21, C14, C22: one that was there before a logout, a rotation or a login.
async fn an_old_cookie_opens_nothing(send: &impl AsyncFn(Request) -> Response) {
    for (status, step) in [
        (200, json!({"op": "flush"})),
        (500, json!({"op": "logout"})),
        (200, json!({"op": "cycle_key"})),
        (200, json!({"op": "login", "account": "ada"})),
    ] {
        let mut jar = Jar::default();
        jar.ok(send, json!([{"op": "set", "key": "a", "value": 1}])).await;
        let mut old = jar.clone();
        jar.ops(send, status, json!([step])).await;
        assert_eq!(old.ok(send, json!([{"op": "items"}])).await, [json!({})], "{step}");
    }
}

/// What a list of devices is made of needs a store that knows accounts.
async fn accounts_are_unsupported(send: &impl AsyncFn(Request) -> Response) {
    let mut jar = Jar::default();
    jar.ok(send, json!([{"op": "login", "account": "ada"}])).await;
    let ops = json!([{"op": "account_sessions"}, {"op": "revoke_others"}, {"op": "account"}]);
    let (_, answer) = jar.ops(send, 200, ops).await;
    let unsupported = json!({"error": "unsupported"});
    assert_eq!(answer, json!({"results": [unsupported, unsupported, {"ok": "ada"}]}));
}

async fn what_a_cookie_cannot_do_is_unsupported(send: &impl AsyncFn(Request) -> Response) {
    accounts_are_unsupported(send).await;
    let mut jar = Jar::default();
    let results = jar.ok(send, json!([{"op": "set", "key": "a", "value": 1}, {"op": "session_key"}])).await;
    assert_eq!(results[1], Value::Null);
    // Random text, which no compression makes small.
    let noise: String =
        (0..400).map(|_| crate::RecordKey::random().expect("random bytes").to_string()).collect();
    let (response, answer) = jar.ops(send, 200, json!([{"op": "set", "key": "large", "value": noise}])).await;
    assert_eq!(response.status, 413, "a cookie has 4096 bytes at most: {answer}");
    assert_eq!(
        jar.ok(send, json!([{"op": "get", "key": "a"}])).await,
        [json!(1)],
        "and what was there stays"
    );
}

/// D31-D38, and that it lasts.
async fn the_expiry_is_in_the_cookie(send: &impl AsyncFn(Request) -> Response) {
    let mut jar = Jar::default();
    for (expiry, age) in [
        (json!({"op": "set_expiry", "seconds": 300}), Some(300)),
        (json!({"op": "set", "key": "a", "value": 1}), Some(300)),
        (json!({"op": "set_expiry", "in": 600}), Some(600)),
        (json!({"op": "set_expiry", "browser_close": true}), None),
        (json!({"op": "set", "key": "a", "value": 2}), None),
        (json!({"op": "set_expiry"}), Some(1_209_600)),
    ] {
        let (response, _) = jar.ops(send, 200, json!([{"op": "set", "key": "n", "value": 0}, expiry])).await;
        // A second may pass where the end is a moment.
        let passed = age.unwrap_or(0) - response.max_age().unwrap_or(0);
        assert!(passed <= 1 && response.max_age().is_some() == age.is_some(), "{expiry}: {response:?}");
    }
}

/// T33, T5.
async fn malformed_cookies_are_no_session(send: &impl AsyncFn(Request) -> Response) {
    let headers: Vec<Vec<u8>> = vec![
        b"sessionid=".to_vec(),
        b"sessionid".to_vec(),
        b"sessionid[]=a".to_vec(),
        b"sessionid=../../routes".to_vec(),
        b"sessionid=%00%2e%2e".to_vec(),
        b";;; = ;sessionid=\"".to_vec(),
        b"sessionid=\xff\xfe\x80".to_vec(),
        "sessionid=\u{1F36A}".as_bytes().to_vec(),
        [b"sessionid=".as_slice(), &[b'a'; 7_000]].concat(),
        "sessionid=x; ".repeat(500).into_bytes(),
    ];
    for header in headers {
        let body = json!([{"op": "get", "key": "a"}, {"op": "session_key"}]).to_string().into_bytes();
        let request = Request {
            method: "POST",
            path: "/ops".to_owned(),
            cookies: vec![header.clone()],
            headers: vec![],
            body,
        };
        let response = send(request).await;
        assert_eq!(response.status, 200, "{}", String::from_utf8_lossy(&header));
        assert_eq!(response.body, br#"{"results":[{"ok":null},{"ok":null}]}"#);
    }
    // What no server must take: refused before us, or no session; never a fault of ours.
    let huge = [b"sessionid=".to_vec(), vec![b'a'; 64 * 1024]].concat();
    let response = send(Request {
        method: "GET",
        path: "/read".to_owned(),
        cookies: vec![huge],
        headers: vec![],
        body: vec![],
    })
    .await;
    assert!(
        response.status < 500 && response.set_cookie().is_none_or(|c| c.contains("Max-Age=0")),
        "{response:?}"
    );
}

async fn of_several_cookies_the_live_one_is_found(send: &impl AsyncFn(Request) -> Response) {
    let mut jar = Jar::default();
    jar.ok(send, json!([{"op": "set", "key": "a", "value": 1}])).await;
    let value = jar.0.expect("a cookie");
    let header = format!("theme=dark; sessionid={}; sessionid={value}", "b".repeat(50)).into_bytes();
    let body = json!([{"op": "get", "key": "a"}]).to_string().into_bytes();
    let response = send(Request {
        method: "POST",
        path: "/ops".to_owned(),
        cookies: vec![header],
        headers: vec![],
        body,
    })
    .await;
    assert_eq!(response.body, br#"{"results":[{"ok":1}]}"#);
}

async fn bad_bodies_are_bad_requests(send: &impl AsyncFn(Request) -> Response) {
    for body in ["", "{", "{}", "1", "null", "[1]", "[{}]", "[{\"op\":1}]", "\u{0}", "[[[["] {
        let response = Jar::default().send(send, "POST", "/ops", body).await;
        let answer: Value = serde_json::from_slice(&response.body).expect("JSON");
        assert!(response.status == 400 && answer["error"].is_string(), "{body}: {answer}");
        assert_eq!(response.set_cookie(), None);
    }
}

async fn a_failed_operation_changes_nothing(send: &impl AsyncFn(Request) -> Response) {
    let mut jar = Jar::default();
    let (_, answer) = jar
        .ops(
            send,
            200,
            json!([
                {"op": "set", "key": "text", "value": "abc"},
                {"op": "increment", "key": "text"},
                {"op": "delete", "key": "none"},
                {"op": "pop", "key": "none"},
                {"op": "set", "key": "_secret", "value": 1},
                {"op": "set", "key": "no value"},
                {"op": "set_expiry", "at": "tomorrow"},
                {"op": "fly"},
                {"op": "get", "key": "text"},
            ]),
        )
        .await;
    let codes: Vec<_> =
        answer["results"].as_array().expect("results").iter().map(|r| r["error"].clone()).collect();
    let want = [
        Value::Null,
        json!("wrong_type"),
        json!("missing_key"),
        json!("missing_key"),
        json!("reserved_key"),
        json!("bad_argument"),
        json!("bad_argument"),
        json!("unknown_op"),
        Value::Null,
    ];
    assert_eq!(codes, want);
    assert_eq!(jar.ok(send, json!([{"op": "items"}])).await, [json!({"text": "abc"})]);
}

async fn concurrent_increments_all_count(send: &impl AsyncFn(Request) -> Response) {
    let mut jar = Jar::default();
    jar.ok(send, json!([{"op": "set", "key": "n", "value": 0}])).await;
    let mut jars = vec![jar.clone(); 32];
    let ops = json!([{"op": "increment", "key": "n"}, {"op": "sleep_ms", "ms": 50}]);
    join_all(jars.iter_mut().map(|jar| jar.ok(send, ops.clone()))).await;
    assert_eq!(jar.ok(send, json!([{"op": "get", "key": "n"}])).await, [json!(32)]);
}

/// D58, T11.
async fn a_late_writer_is_interrupted(send: &impl AsyncFn(Request) -> Response) {
    let mut jar = Jar::default();
    jar.ok(send, json!([{"op": "set", "key": "n", "value": 0}])).await;
    let (mut slow, mut fast, mut after) = (jar.clone(), jar.clone(), jar.clone());
    let write =
        slow.ops(send, 200, json!([{"op": "set", "key": "n", "value": 1}, {"op": "sleep_ms", "ms": 400}]));
    let logout = async {
        // Sleeps before it flushes, so that the writer has loaded.
        fast.ok(send, json!([{"op": "sleep_ms", "ms": 150}, {"op": "flush"}])).await
    };
    let ((response, answer), _) = futures_util::join!(write, logout);
    assert_eq!((response.status, answer), (400, json!({"error": "session_interrupted"})));
    assert_eq!(response.set_cookie(), None);
    assert_eq!(after.ok(send, json!([{"op": "get", "key": "n"}])).await, [Value::Null]);
}

/// D62, T38.
async fn a_late_reader_does_not_remove_a_new_cookie(send: &impl AsyncFn(Request) -> Response) {
    let mut jar = Jar::default();
    jar.ok(send, json!([{"op": "set", "key": "n", "value": 0}])).await;
    let mut old = jar.clone();
    jar.ok(send, json!([{"op": "cycle_key"}])).await;
    let (response, answer) = old.ops(send, 200, json!([{"op": "get", "key": "n"}])).await;
    assert_eq!((response.set_cookie(), answer), (None, json!({"results": [{"ok": null}]})));
}

/// T6, T7: a `HEAD` is a `GET` whose body is left out, and a 304 is an answer as any other.
async fn answers_without_a_body_have_the_headers(send: &impl AsyncFn(Request) -> Response) {
    let mut jar = Jar::default();
    let has_all = |response: &Response| {
        assert!(response.body.is_empty(), "{response:?}");
        assert!(response.set_cookie().is_some() && response.varies(), "{response:?}");
        assert!(response.all("cache-control").join(",").contains("private"), "{response:?}");
    };
    let response = jar.send(send, "HEAD", "/write", "").await;
    assert_eq!(response.status, 200);
    has_all(&response);
    let (response, _) = jar.ops(send, 304, json!([{"op": "increment", "key": "n"}])).await;
    assert_eq!(response.status, 304);
    has_all(&response);
    assert_eq!(jar.send(send, "GET", "/read", "").await.body, b"2");
    let response = jar.send(send, "HEAD", "/read", "").await;
    assert_eq!((response.status, response.set_cookie(), response.varies()), (200, None, true));
}

/// T39.
async fn what_follows_a_redirect_sees_what_was_written(send: &impl AsyncFn(Request) -> Response) {
    let mut jar = Jar::default();
    for (n, status) in [302, 303, 307].into_iter().enumerate() {
        let (response, _) = jar.ops(send, status, json!([{"op": "increment", "key": "n"}])).await;
        assert_eq!((response.status, response.set_cookie().is_some()), (status, true));
        assert_eq!(jar.send(send, "GET", "/read", "").await.body, (n + 1).to_string().into_bytes());
    }
}

/// A client that does not wait: whether its request still counts is the framework's, but half of it never does, and the session
/// lives on.
async fn a_cancelled_request_breaks_nothing(send: &impl AsyncFn(Request) -> Response) {
    let mut jar = Jar::default();
    jar.ok(send, json!([{"op": "update", "values": {"a": 0, "b": 0}}])).await;
    let mut cancelled = jar.clone();
    let ops = json!([
        {"op": "set", "key": "a", "value": 1}, {"op": "sleep_ms", "ms": 300}, {"op": "set", "key": "b", "value": 1},
    ]);
    let wait = tokio::time::timeout(std::time::Duration::from_millis(100), cancelled.ok(send, ops)).await;
    assert!(wait.is_err(), "it takes longer");
    let results = jar.ok(send, json!([{"op": "sleep_ms", "ms": 500}])).await;
    assert_eq!(results.len(), 1);
    let results = jar.ok(send, json!([{"op": "get", "key": "a"}, {"op": "get", "key": "b"}])).await;
    assert_eq!(results[0], results[1], "both or none");
    jar.ok(send, json!([{"op": "increment", "key": "a"}])).await;
}

/// C26, C24.
async fn devices_are_listed_and_ended(send: &impl AsyncFn(Request) -> Response) {
    // Of its own, so that a store that an earlier run has used is as good as a fresh one.
    let account = format!("devices {}", crate::RecordKey::random().expect("random bytes"));
    let mut devices = vec![Jar::default(); 3];
    for jar in &mut devices {
        jar.ok(send, json!([{"op": "login", "account": account}])).await;
    }
    let list = devices[0].ok(send, json!([{"op": "account_sessions"}])).await.remove(0);
    let list = list.as_array().expect("a list");
    assert_eq!((list.len(), list.iter().filter(|s| s["current"] == true).count()), (3, 1));
    let tokens: Vec<_> = devices.iter().filter_map(|jar| jar.0.clone()).collect();
    assert!(
        list.iter().all(|s| !tokens.iter().any(|token| s["id"] == token.as_str())),
        "a handle is no token"
    );
    let other = list.iter().find(|s| s["current"] == false).expect("another")["id"].clone();
    let results =
        devices[0].ok(send, json!([{"op": "revoke", "id": other}, {"op": "revoke", "id": other}])).await;
    assert_eq!(results, [json!(true), json!(false)]);
    assert_eq!(devices[0].ok(send, json!([{"op": "revoke_others"}])).await, [json!(1)]);
    let mut signed_in = Vec::new();
    for jar in &mut devices {
        signed_in.push(jar.ok(send, json!([{"op": "account"}])).await.remove(0));
    }
    assert_eq!(signed_in, [json!(account), Value::Null, Value::Null]);
}

async fn the_plain_routes_do_what_they_say(send: &impl AsyncFn(Request) -> Response) {
    let mut jar = Jar::default();
    assert_eq!(jar.send(send, "GET", "/read", "").await.body, b"0");
    for n in [b"1", b"2"] {
        assert_eq!(jar.send(send, "GET", "/write", "").await.body, n);
    }
    assert_eq!(jar.send(send, "GET", "/read", "").await.body, b"2");
    assert!(jar.send(send, "POST", "/login/ada", "").await.status < 400);
    assert_eq!(jar.ok(send, json!([{"op": "account"}])).await, [json!("ada")]);
    assert!(jar.send(send, "POST", "/logout", "").await.status < 400);
    assert_eq!(jar.0, None);
    assert_eq!(jar.send(send, "GET", "/healthz", "").await.status, 200);
}
