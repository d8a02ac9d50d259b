//! What lies in the store: compressed, encrypted, readable by whom it should be and by nobody else.

#![expect(clippy::unwrap_used, reason = "a test fails where it is")]

use session_core::store::{Filter, SessionStore};
use session_core::testing::Visitor;
use session_core::{AnyStore, Clock, Error, SecretKeys, Sessions, Settings, SettingsError, SystemClock};
use session_memory::MemoryStore;

const NEW: &str = "a new secret of more than thirty-two bytes";
const OLD: &str = "an old secret of more than thirty-two bytes";

fn sessions(store: &AnyStore, settings: Settings) -> Sessions {
    Sessions::new(session_core::Backend::Server(store.clone()), settings).unwrap()
}

async fn stored(store: &AnyStore) -> Vec<u8> {
    let page = store.page(Filter::All, None, 10.try_into().unwrap(), SystemClock.now()).await.unwrap();
    page.records[0].1.data.to_vec()
}

#[tokio::test]
async fn compressed_sessions_are_smaller_and_read_by_everybody() {
    let store = AnyStore::new(MemoryStore::new());
    let compressing = sessions(&store, Settings::default().with_compression(true));
    let mut visitor = Visitor::new(&compressing);
    visitor.visit(200, async |s| s.insert("text", "abc".repeat(1000))).await.unwrap();
    assert!(stored(&store).await.len() < 200);
    let text = visitor.visit(200, async |s| s.get::<String>("text")).await.unwrap();
    assert_eq!(text, Some("abc".repeat(1000)));
    let plain = sessions(&store, Settings::default());
    let mut same = Visitor::with_cookie(&plain, visitor.cookie().unwrap());
    assert_eq!(same.visit(200, async |s| s.get::<String>("text")).await.unwrap(), text);
}

/// C35.
#[tokio::test]
async fn encrypted_sessions_say_nothing_and_follow_their_keys() {
    let store = AnyStore::new(MemoryStore::new());
    let with = |keys: &SecretKeys| sessions(&store, Settings::default().with_encryption(keys).unwrap());
    let mut visitor = Visitor::new(&with(&SecretKeys::new(OLD)));
    visitor.visit(200, async |s| s.insert("name", "Ada Lovelace")).await.unwrap();
    assert!(!stored(&store).await.windows(8).any(|part| part == b"Lovelace"));

    let cookie = visitor.cookie().unwrap().to_owned();
    let both = with(&SecretKeys::new(NEW).with_fallback(OLD));
    let mut moved = Visitor::with_cookie(&both, &cookie);
    let name = moved.visit(200, async |s| s.get::<String>("name")).await.unwrap();
    assert_eq!(name.as_deref(), Some("Ada Lovelace"));

    // A key that is missing is a fault of the application: no cookie goes, and nothing is written over.
    let before = stored(&store).await;
    let mut locked_out = Visitor::with_cookie(&with(&SecretKeys::new(NEW)), &cookie);
    let error = locked_out.visit(200, async |s| s.insert("name", "Eve")).await.unwrap_err();
    assert!(matches!(error, Error::Undecodable(_)) && error.status() == 500, "{error}");
    assert_eq!((locked_out.cookie(), stored(&store).await), (Some(&*cookie), before));

    // What is written again is under the new key.
    moved.visit(200, async |s| s.insert("seen", true)).await.unwrap();
    assert_eq!(locked_out.visit(200, async |s| s.get::<String>("name")).await.unwrap(), name);
}

#[tokio::test]
async fn an_application_may_begin_to_encrypt() {
    let store = AnyStore::new(MemoryStore::new());
    let mut visitor = Visitor::new(&sessions(&store, Settings::default()));
    visitor.visit(200, async |s| s.insert("n", 1)).await.unwrap();
    let cookie = visitor.cookie().unwrap();
    let strict = Settings::default().with_encryption(&SecretKeys::new(NEW)).unwrap();
    let refused =
        Visitor::with_cookie(&sessions(&store, strict), cookie).visit(200, async |s| s.get::<u8>("n")).await;
    assert!(matches!(refused, Err(Error::Undecodable(_))));
    let moving = Settings::default().with_encryption_from_now_on(&SecretKeys::new(NEW)).unwrap();
    let mut moving = Visitor::with_cookie(&sessions(&store, moving), cookie);
    moving.visit(200, async |s| s.update("n", |n: &mut u8| *n += 1)).await.unwrap();
    assert!(!stored(&store).await.starts_with(b"{"));
}

/// A store and a format that do not go together are an error when the application starts, not in the first request.
#[test]
fn a_format_goes_with_its_store() {
    let wrong = AnyStore::new(MemoryStore::new()).with_django_format(&SecretKeys::new("secret"));
    let sessions = Sessions::new(wrong.clone(), Settings::default());
    assert!(matches!(sessions, Err(SettingsError::Format(_))));
}
