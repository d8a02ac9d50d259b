//! A site that moves from Django's table to an encrypted one of its own, behind a cache.

#![expect(clippy::unwrap_used, reason = "a test fails where it is")]

use session_backends::Connect;
use session_core::testing::Visitor;
use session_core::{AnyStore, Backend, MigratingStore, SecretKeys, Sessions, Settings};

const SECRET: &str = "a secret of thirty-two bytes, or of more";

async fn open(connect: Connect) -> AnyStore {
    match connect.open().await.unwrap() {
        Backend::Server(store) => store,
        Backend::Client(_) => panic!("a store was asked for"),
    }
}

/// What was ended is ended at once, though the cache had a copy; and a job finds by the former key what a request has moved.
#[tokio::test]
async fn a_moved_session_is_encrypted_and_leaves_the_cache_when_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let url = |name: &str| format!("sqlite:{}", folder.path().join(name).display());
    let keys = SecretKeys::new(SECRET);
    let django = Connect::new(url("django.db")).with_secret_keys(keys.clone()).with_django_format();
    let old = open(django).await;
    let mut visitor = Visitor::new(&Sessions::new(old.clone(), Settings::default()).unwrap());
    visitor.visit(200, async |s| s.insert("n", 1)).await.unwrap();
    let former = visitor.cookie().unwrap().to_owned();

    let new = open(Connect::new(url("ours.db")).with_cache("memory:")).await;
    let settings = Settings::default().with_encryption(&keys).unwrap();
    let sessions = Sessions::new(MigratingStore::from_django(old, new).unwrap(), settings).unwrap();
    let mut visitor = Visitor::with_cookie(&sessions, &*former);
    visitor.visit(200, async |s| s.insert("n", 2)).await.unwrap();
    assert_eq!(visitor.visit(200, async |s| s.get("n")).await.unwrap(), Some(2));
    let by_former_key = sessions.open(&former.parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(by_former_key.get::<u32>("n").unwrap(), Some(2));

    let copy = visitor.clone();
    visitor.visit(200, async |s| s.flush().await).await.unwrap();
    for cookie in [copy.cookie().unwrap(), &former] {
        let mut thief = Visitor::with_cookie(&sessions, cookie);
        assert_eq!(thief.visit(200, async |s| s.get::<u32>("n")).await.unwrap(), None);
    }
}
