//! Values: reading, writing, counting.

use serde_json::json;
use session_core::{ManualClock, Sessions, Settings};
use session_memory::MemoryStore;

use super::{Request, error, ok};

#[tokio::test]
async fn get_answers_any_json_or_the_default_or_null() {
    let request = Request::new();
    for value in [json!(null), json!(1.5), json!("ä"), json!([1, { "b": null }])] {
        request.one(json!({ "op": "set", "key": "a", "value": value })).await;
        request.expect(json!({ "op": "get", "key": "a", "default": 7 }), ok(value)).await;
    }
    request.expect(json!({ "op": "get", "key": "b", "default": [7] }), ok(json!([7]))).await;
    request.expect(json!({ "op": "get", "key": "b" }), ok(())).await;
}

#[tokio::test]
async fn delete_and_pop_remove_and_miss() {
    let request = Request::new();
    request.one(json!({ "op": "update", "values": { "a": 1, "b": null } })).await;
    request.expect(json!({ "op": "delete", "key": "a" }), ok(())).await;
    request.expect(json!({ "op": "delete", "key": "a" }), error("missing_key")).await;
    request.expect(json!({ "op": "pop", "key": "b", "default": 1 }), ok(())).await;
    request.expect(json!({ "op": "pop", "key": "b", "default": null }), ok(())).await;
    request.expect(json!({ "op": "pop", "key": "b" }), error("missing_key")).await;
    request.expect(json!({ "op": "delete", "key": "_x" }), error("missing_key")).await;
}

#[tokio::test]
async fn setdefault_answers_what_is_there_afterwards() {
    let request = Request::new();
    request.expect(json!({ "op": "setdefault", "key": "a", "value": 1 }), ok(1)).await;
    request.expect(json!({ "op": "setdefault", "key": "a", "value": 2 }), ok(1)).await;
    request.expect(json!({ "op": "setdefault", "key": "_a", "value": 2 }), error("reserved_key")).await;
}

#[tokio::test]
async fn increment_counts_integers_and_floats() {
    let request = Request::new();
    request.expect(json!({ "op": "increment", "key": "n" }), ok(1)).await;
    request.expect(json!({ "op": "increment", "key": "n", "by": -3 }), ok(-2)).await;
    request.expect(json!({ "op": "increment", "key": "n", "by": 0.5 }), ok(-1.5)).await;
    request.expect(json!({ "op": "increment", "key": "_n" }), error("reserved_key")).await;
}

#[tokio::test]
async fn increment_of_what_is_no_number_is_wrong_type_and_no_change() {
    for value in [json!("1"), json!(null), json!([]), json!(true), json!({})] {
        let first = Request::new();
        first.one(json!({ "op": "set", "key": "n", "value": value })).await;
        first.one(json!({ "op": "save" })).await;
        let request = first.another().await;
        request.expect(json!({ "op": "increment", "key": "n" }), error("wrong_type")).await;
        request.expect(json!({ "op": "get", "key": "n" }), ok(value)).await;
        request.expect(json!({ "op": "modified" }), ok(false)).await;
    }
}

#[tokio::test]
async fn of_concurrent_increments_none_is_lost() {
    let first = Request::new();
    first.run(json!([{ "op": "increment", "key": "n" }, { "op": "save" }])).await;
    let (a, b) = (first.another().await, first.another().await);
    a.one(json!({ "op": "increment", "key": "n", "by": 10 })).await;
    b.one(json!({ "op": "increment", "key": "n", "by": 100 })).await;
    a.one(json!({ "op": "save" })).await;
    b.one(json!({ "op": "save" })).await;
    b.expect(json!({ "op": "get", "key": "n" }), ok(111)).await;
}

/// The value became a text, or `null`, between this request's load and its save.
#[tokio::test]
async fn an_increment_that_meets_what_is_no_number_leaves_it() {
    for value in [json!("text"), json!(null)] {
        let first = Request::new();
        first.run(json!([{ "op": "increment", "key": "n" }, { "op": "save" }])).await;
        let (a, b) = (first.another().await, first.another().await);
        b.one(json!({ "op": "increment", "key": "n" })).await;
        a.run(json!([{ "op": "set", "key": "n", "value": value }, { "op": "save" }])).await;
        b.one(json!({ "op": "save" })).await;
        b.expect(json!({ "op": "get", "key": "n" }), ok(value)).await;
    }
}

#[tokio::test]
async fn keys_are_sorted_and_items_are_an_object() {
    let request = Request::new();
    request.one(json!({ "op": "update", "values": { "b": 2, "a": [1], "c": null } })).await;
    request.expect(json!({ "op": "keys" }), ok(json!(["a", "b", "c"]))).await;
    request.expect(json!({ "op": "items" }), ok(json!({ "a": [1], "b": 2, "c": null }))).await;
    request.expect(json!({ "op": "contains", "key": "a" }), ok(true)).await;
    request.expect(json!({ "op": "contains", "key": "d" }), ok(false)).await;
}

#[tokio::test]
async fn clear_keeps_the_key_and_flush_does_not() {
    let request = Request::new();
    request.expect(json!({ "op": "is_empty" }), ok(true)).await;
    request.expect(json!({ "op": "session_key" }), ok(())).await;
    request.run(json!([{ "op": "set", "key": "a", "value": 1 }, { "op": "save" }])).await;
    let key = request.one(json!({ "op": "session_key" })).await;
    assert!(key["ok"].is_string());
    request.expect(json!({ "op": "clear" }), ok(())).await;
    request.expect(json!({ "op": "keys" }), ok(json!([]))).await;
    request.expect(json!({ "op": "session_key" }), key).await;
    request.expect(json!({ "op": "is_empty" }), ok(false)).await;
    request.expect(json!({ "op": "flush" }), ok(())).await;
    request.expect(json!({ "op": "session_key" }), ok(())).await;
    request.expect(json!({ "op": "is_empty" }), ok(true)).await;
}

#[tokio::test]
async fn limits_have_their_codes() {
    let settings = Settings::default().with_max_keys(1).with_max_bytes(50);
    let sessions = Sessions::new(MemoryStore::new(), settings).unwrap();
    let session = sessions.create();
    let request = Request { clock: ManualClock::default(), sessions, session };
    request.one(json!({ "op": "set", "key": "a", "value": 1 })).await;
    request.expect(json!({ "op": "set", "key": "b", "value": 1 }), error("too_many_keys")).await;
    let large = json!({ "op": "set", "key": "a", "value": "x".repeat(50) });
    request.expect(large, error("session_too_large")).await;
    request.expect(json!({ "op": "items" }), ok(json!({ "a": 1 }))).await;
}
