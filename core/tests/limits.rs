//! What a session may hold: what is over it is refused where it is written, and changes nothing.

#![expect(clippy::unwrap_used, reason = "a test fails where it is")]

use std::time::Duration;

use session_core::testing::Visitor;
use session_core::{Error, Session, Sessions, Settings};
use session_memory::MemoryStore;

fn site(settings: Settings) -> Visitor {
    Visitor::new(&Sessions::new(MemoryStore::new(), settings).unwrap())
}

/// The status that a browser sees, and what is refused.
fn is_too_large<T>(refused: Result<T, Error>) -> bool {
    refused.is_err_and(|error| matches!(error, Error::TooLarge { limit: 100, .. }) && error.status() == 413)
}

fn is_too_many<T>(refused: Result<T, Error>) -> bool {
    refused.is_err_and(|error| matches!(error, Error::TooManyKeys { limit: 3 }) && error.status() == 413)
}

/// None is meant, and what a zero would do nobody would see: a login that holds for no time at all, a store that is never asked.
#[test]
fn a_zero_is_refused() {
    let none = Some(Duration::ZERO);
    for (setting, settings) in [
        ("idle_timeout", Settings::default().with_idle_timeout(none)),
        ("absolute_timeout", Settings::default().with_absolute_timeout(none)),
        ("store_timeout", Settings::default().with_store_timeout(none)),
        ("max_waiting", Settings::default().with_max_waiting(0)),
    ] {
        let error = Sessions::new(MemoryStore::new(), settings).unwrap_err();
        assert!(error.to_string().contains(setting), "{error}");
    }
}

#[tokio::test]
async fn a_size_is_a_limit_to_every_way_of_writing() {
    let mut visitor = site(Settings::default().with_max_bytes(100));
    let large = "x".repeat(101);
    let writes = async |s: Session| {
        s.insert("small", 1)?;
        assert!(is_too_large(s.insert("large", &large)));
        assert!(is_too_large(s.insert("small", &large)), "in the place of what fits");
        assert!(is_too_large(s.extend([("a", "fits"), ("b", &large)])));
        let longer = large.clone();
        assert!(is_too_large(s.update("text", move |text: &mut String| text.clone_from(&longer))));
        assert!(is_too_large(s.get_or_insert_with("large", || large.clone())));
        assert!(is_too_large(s.set_meta("agent", Some(large.clone()))));
        s.insert("other", 2)
    };
    visitor.visit(200, writes).await.unwrap();
    let stored = visitor.visit(200, async |s| Ok((s.keys(), s.get::<u32>("small")?, s.meta("agent")))).await;
    assert_eq!(stored.unwrap(), (vec!["other".to_owned(), "small".to_owned()], Some(1), None));
}

/// Neither at once nor when the request's changes are made again, on what another one has written meanwhile.
#[tokio::test]
async fn what_was_refused_is_not_written_later() {
    let mut visitor = site(Settings::default().with_max_bytes(100));
    visitor.visit(200, async |s| s.insert("n", 0)).await.unwrap();
    let slow = visitor.begin();
    let session = slow.session().await.unwrap();
    session.insert("n", 1).unwrap();
    assert!(is_too_large(session.extend([("n", "2".to_owned()), ("large", "x".repeat(101))])));
    visitor.visit(200, async |s| s.insert("other", 1)).await.unwrap();
    assert!(slow.finish(200).await.error.is_none());
    assert_eq!(visitor.visit(200, async |s| s.get::<u32>("n")).await.unwrap(), Some(1));
}

#[tokio::test]
async fn a_number_of_keys_is_a_limit_to_every_way_of_writing() {
    let mut visitor = site(Settings::default().with_max_keys(3));
    let writes = async |s: Session| {
        s.extend([("a", 1), ("b", 2), ("c", 3)])?;
        assert!(is_too_many(s.insert("d", 4)));
        assert!(is_too_many(s.extend([("a", 5), ("d", 4)])));
        assert!(is_too_many(s.update("d", |n: &mut u32| *n += 1)));
        assert!(is_too_many(s.get_or_insert_with("d", || 4)));
        s.insert("a", 6)
    };
    visitor.visit(200, writes).await.unwrap();
    let stored = visitor.visit(200, async |s| Ok((s.keys(), s.get::<u32>("a")?))).await.unwrap();
    assert_eq!(stored, (["a", "b", "c"].map(str::to_owned).to_vec(), Some(6)));
}

/// Each of two requests fits, and both together do not: the later one is refused, and the earlier one's stays.
#[tokio::test]
async fn what_two_requests_write_together_is_limited_too() {
    let mut visitor = site(Settings::default().with_max_keys(3));
    visitor.visit(200, async |s| s.insert("a", 1)).await.unwrap();
    let requests = [visitor.begin(), visitor.begin()];
    for (request, keys) in requests.iter().zip([["b", "c"], ["d", "e"]]) {
        request.session().await.unwrap().extend(keys.map(|key| (key, 2))).unwrap();
    }
    let [first, second] = requests;
    assert!(first.finish(200).await.error.is_none());
    assert!(is_too_many(second.finish(200).await.error.map_or(Ok(()), Err)));
    let keys = visitor.visit(200, async |s| Ok(s.keys())).await.unwrap();
    assert_eq!(keys, ["a", "b", "c"]);
}
