//! Each operation of the contract, and each of its errors.

mod accounts;
mod data;

use serde_json::{Value, json};
use session_core::store::{StoreError, StoreErrorKind};
use session_core::{
    AnySealer, Error, ManualClock, Record, Result, Sealer, Session, Sessions, Settings, Time,
};
use session_memory::MemoryStore;

use super::{Failure, run_at};
use crate::playground::PlaygroundError;

/// A request, and the sessions that it is one of. Its clock stands at 2023-11-14T22:13:20Z.
struct Request {
    clock: ManualClock,
    sessions: Sessions,
    session: Session,
}

impl Request {
    fn new() -> Self {
        let clock = ManualClock::default();
        let settings = Settings::default().with_clock(clock.clone());
        let sessions = Sessions::new(MemoryStore::new(), settings).unwrap();
        let session = sessions.create();
        Self { clock, sessions, session }
    }

    fn with_sealed_sessions() -> Self {
        let clock = ManualClock::default();
        let settings = Settings::default().with_clock(clock.clone());
        let sessions = Sessions::new(AnySealer::new(NoSealer), settings).unwrap();
        let session = sessions.create();
        Self { clock, sessions, session }
    }

    /// Another request of the same session, which has to be stored.
    async fn another(&self) -> Self {
        let handle = self.session.session_key().unwrap();
        let session = self.sessions.open(&handle).await.unwrap().unwrap();
        Self { clock: self.clock.clone(), sessions: self.sessions.clone(), session }
    }

    async fn try_run(&self, ops: Value) -> Result<Value, PlaygroundError> {
        run_at(&self.clock, &self.session, &self.sessions, ops.to_string().as_bytes()).await
    }

    async fn run(&self, ops: Value) -> Value {
        self.try_run(ops).await.unwrap()["results"].take()
    }

    /// The result of one operation.
    async fn one(&self, op: Value) -> Value {
        self.run(json!([op])).await[0].take()
    }

    async fn expect(&self, op: Value, result: Value) {
        assert_eq!(self.one(op.clone()).await, result, "{op}");
    }
}

/// Sessions that live at the client. No test here gets as far as sealing one.
#[derive(Debug)]
struct NoSealer;

impl Sealer for NoSealer {
    fn seal(&self, _: &Record, _: Time) -> Result<String> {
        Ok(String::new())
    }

    fn open(&self, _: &[u8], _: Time) -> Option<Record> {
        None
    }
}

fn ok(value: impl Into<Value>) -> Value {
    json!({ "ok": value.into() })
}

fn error(code: &str) -> Value {
    json!({ "error": code })
}

#[tokio::test]
async fn what_is_no_array_of_operations_is_malformed_and_nothing_is_run() {
    let request = Request::new();
    let bodies = [
        "",
        "{",
        "null",
        "{}",
        "1",
        "[1]",
        "[[]]",
        "[{}]",
        r#"[{"op":1}]"#,
        r#"[{"op":"clear"},{"key":"a"}]"#,
        r#"[{"op":"clear"}] x"#,
        "[\"\u{0}\"]",
    ];
    for body in bodies {
        let result = run_at(&request.clock, &request.session, &request.sessions, body.as_bytes()).await;
        let error = result.unwrap_err();
        assert_eq!(error.status(), 400, "{body}");
        assert!(serde_json::from_str::<Value>(&error.to_json()).unwrap()["error"].is_string());
    }
    assert!(!request.session.is_modified());
    assert_eq!(request.run(json!([])).await, json!([]));
}

#[tokio::test]
async fn an_operation_that_fails_changes_nothing_and_the_next_ones_run() {
    let request = Request::new();
    let results = request
        .run(json!([
            { "op": "set", "key": "a", "value": 1 },
            { "op": "update", "values": { "a": 2, "_b": 3 } },
            { "op": "fly" },
            { "op": "get", "key": "a" },
        ]))
        .await;
    assert_eq!(results, json!([ok(()), error("reserved_key"), error("unknown_op"), ok(1)]));
}

#[tokio::test]
async fn modified_is_said_and_set() {
    let request = Request::new();
    request.expect(json!({ "op": "modified" }), ok(false)).await;
    request.expect(json!({ "op": "set_modified" }), ok(())).await;
    request.expect(json!({ "op": "modified" }), ok(true)).await;
}

#[tokio::test]
async fn every_kind_of_expiry_is_set_and_told() {
    let request = Request::new();
    let day = 24 * 3600;
    let cases = [
        (json!({ "seconds": 300 }), 300, "2023-11-14T22:18:20Z", false),
        (json!({ "seconds": 0 }), 14 * day, "2023-11-28T22:13:20Z", true),
        (json!({ "in": 300 }), 300, "2023-11-14T22:18:20Z", false),
        (json!({ "in": 1.9 }), 1, "2023-11-14T22:13:21.9Z", false),
        (json!({ "in": -5 }), 0, "2023-11-14T22:13:15Z", false),
        (json!({ "in": -5.5 }), 0, "2023-11-14T22:13:14.5Z", false),
        (json!({ "at": "2023-11-15T00:13:20+01:00" }), 3600, "2023-11-14T23:13:20Z", false),
        (json!({ "browser_close": true }), 14 * day, "2023-11-28T22:13:20Z", true),
        (json!({}), 14 * day, "2023-11-28T22:13:20Z", false),
    ];
    for (mut op, age, date, closes) in cases {
        op["op"] = json!("set_expiry");
        request.expect(op.clone(), ok(())).await;
        let told = request
            .run(json!([
                { "op": "get_expiry_age" },
                { "op": "get_expiry_date" },
                { "op": "get_expire_at_browser_close" },
            ]))
            .await;
        assert_eq!(told, json!([ok(age), ok(date), ok(closes)]), "{op}");
    }
}

#[tokio::test]
async fn the_test_cookie_works() {
    let request = Request::new();
    request.expect(json!({ "op": "test_cookie_worked" }), ok(false)).await;
    request.expect(json!({ "op": "delete_test_cookie" }), error("missing_key")).await;
    request.expect(json!({ "op": "set_test_cookie" }), ok(())).await;
    request.expect(json!({ "op": "test_cookie_worked" }), ok(true)).await;
    request.expect(json!({ "op": "delete_test_cookie" }), ok(())).await;
    request.expect(json!({ "op": "test_cookie_worked" }), ok(false)).await;
}

#[tokio::test(start_paused = true)]
async fn sleep_waits_that_long_and_not_for_ever() {
    let request = Request::new();
    let start = tokio::time::Instant::now();
    request.expect(json!({ "op": "sleep_ms", "ms": 10_000 }), ok(())).await;
    assert_eq!(start.elapsed().as_secs(), 10);
    for ms in [json!(10_001), json!(-1), json!(1.5), json!("1")] {
        request.expect(json!({ "op": "sleep_ms", "ms": ms }), error("bad_argument")).await;
    }
}

#[tokio::test]
async fn missing_and_ill_typed_arguments_are_bad() {
    let request = Request::new();
    request.one(json!({ "op": "set", "key": "n", "value": 1 })).await;
    let bad = [
        json!({ "op": "get" }),
        json!({ "op": "get", "key": 1 }),
        json!({ "op": "set", "key": "a" }),
        json!({ "op": "set", "value": 1 }),
        json!({ "op": "delete", "key": null }),
        json!({ "op": "pop" }),
        json!({ "op": "setdefault", "key": "a" }),
        json!({ "op": "update" }),
        json!({ "op": "update", "values": [] }),
        json!({ "op": "increment", "key": "n", "by": "1" }),
        json!({ "op": "increment" }),
        json!({ "op": "contains" }),
        json!({ "op": "set_expiry", "seconds": -1 }),
        json!({ "op": "set_expiry", "seconds": "1" }),
        json!({ "op": "set_expiry", "seconds": 1e300 }),
        json!({ "op": "set_expiry", "in": null }),
        json!({ "op": "set_expiry", "at": "tomorrow" }),
        json!({ "op": "set_expiry", "at": "2023-11-14" }),
        json!({ "op": "set_expiry", "at": 1 }),
        json!({ "op": "set_expiry", "browser_close": false }),
        json!({ "op": "set_expiry", "seconds": 1, "browser_close": true }),
        json!({ "op": "sleep_ms" }),
        json!({ "op": "login" }),
        json!({ "op": "login", "account": "" }),
        json!({ "op": "account_sessions", "account": 1 }),
        json!({ "op": "revoke" }),
        json!({ "op": "revoke", "id": 1 }),
    ];
    for op in bad {
        request.expect(op, error("bad_argument")).await;
    }
    request.expect(json!({ "op": "items" }), ok(json!({ "n": 1 }))).await;
}

#[tokio::test]
async fn a_session_that_another_request_ended_fails_the_whole_request() {
    let first = Request::new();
    first.run(json!([{ "op": "set", "key": "a", "value": 1 }, { "op": "save" }])).await;
    let late = first.another().await;
    first.one(json!({ "op": "flush" })).await;
    let error =
        late.try_run(json!([{ "op": "set", "key": "a", "value": 2 }, { "op": "save" }])).await.unwrap_err();
    assert_eq!((error.status(), &*error.to_json()), (400, r#"{"error":"session_interrupted"}"#));
}

/// "Down is not gone": an outage is no result of an operation.
#[test]
fn an_outage_fails_the_whole_request_and_a_refusal_does_not() {
    let failure = |kind| Failure::from(Error::from(StoreError::new(kind, "")));
    let Failure::Request(error) = failure(StoreErrorKind::Unavailable) else {
        panic!("an outage is no result")
    };
    assert_eq!(PlaygroundError::from(error).status(), 503);
    assert!(matches!(Failure::from(Error::Conflict), Failure::Request(_)));
    assert!(matches!(failure(StoreErrorKind::Unsupported), Failure::Operation("unsupported")));
    assert!(matches!(Failure::from(Error::Unsupported("x")), Failure::Operation("unsupported")));
}
