//! Sessions as they lie in their store.

use std::num::NonZeroU32;

use session_core::store::{Filter, SessionStore as _};
use session_core::testing::Visitor;
use session_core::{
    AnyStore, Clock as _, Error, Record, SecretKeys, Sessions, Settings, Sweeper, SystemClock,
};
use session_memory::MemoryStore;

const TWO: NonZeroU32 = NonZeroU32::new(2).unwrap();

#[tokio::test]
async fn pages_show_every_session_with_what_is_in_it() {
    let sessions = Sessions::new(MemoryStore::new(), Settings::default()).unwrap();
    for n in 0..5 {
        let visit = async |s: session_core::Session| {
            s.insert("n", n)?;
            s.set_meta("device", Some("phone".to_owned()))?;
            if n == 3 { s.login("ada").await } else { Ok(()) }
        };
        Visitor::new(&sessions).visit(200, visit).await.unwrap();
    }
    let (mut after, mut seen) = (None, Vec::new());
    loop {
        let page = sessions.page(Filter::All, after, TWO).await.unwrap();
        assert!(page.sessions.len() <= 2);
        seen.extend(page.sessions);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let mut values: Vec<_> = seen.iter().map(|session| session.get::<u32>("n").unwrap()).collect();
    values.sort_unstable();
    assert_eq!(values, [0, 1, 2, 3, 4]);
    let ada_s = sessions.page(Filter::Account("ada"), None, TWO).await.unwrap().sessions.remove(0);
    assert_eq!((ada_s.account(), ada_s.to_json().as_str(), ada_s.size()), (Some("ada"), r#"{"n":3}"#, 7));
    assert_eq!(ada_s.meta()["device"], "phone");
    let again = sessions.look_up(&ada_s.handle()).await.unwrap().unwrap();
    assert_eq!((again.expires(), again.authenticated()), (ada_s.expires(), ada_s.authenticated()));
    assert!(again.authenticated().is_some() && again.absolute_end().is_none() && again.expiry().is_none());
}

/// It is listed, so that somebody can end it; but it has no values.
#[tokio::test]
async fn what_cannot_be_read_says_why() {
    let store = AnyStore::new(MemoryStore::new());
    let keys = SecretKeys::new("a secret of thirty-two bytes, or of more");
    let encrypted = Settings::default().with_encryption(&keys).unwrap();
    let mut visitor = Visitor::new(&Sessions::new(store.clone(), encrypted).unwrap());
    visitor.visit(200, async |s| s.insert("n", 1)).await.unwrap();
    let sessions = Sessions::new(store, Settings::default()).unwrap();
    let session = sessions.page(Filter::All, None, TWO).await.unwrap().sessions.remove(0);
    assert!(matches!(session.fault(), Some(Error::Undecodable(_))));
    assert_eq!((session.get::<u32>("n"), session.to_json().as_str()), (None, "{}"));
    assert!(sessions.revoke(&session.handle()).await.unwrap());
}

/// A sweeper's lease is a record, and no session.
#[tokio::test]
async fn what_core_keeps_beside_sessions_is_none() {
    let store = AnyStore::new(MemoryStore::new());
    let sessions = Sessions::new(store.clone(), Settings::default()).unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let sweeper = Sweeper::new(&sessions).with_batch(NonZeroU32::MIN);
    // It stands still in its pause, with its lease, because one has expired.
    let mut visitor = Visitor::new(&sessions);
    visitor.visit(200, async |s| s.insert("n", 1)).await.unwrap();
    let page = store.page(Filter::All, None, TWO, SystemClock.now()).await.unwrap();
    let (key, record) = &page.records[0];
    let ended = Record { expires_at: SystemClock.now(), ..record.clone() };
    let _ = store.replace(key, key, &ended, record, SystemClock.now()).await.unwrap();
    let sweeper = sweeper.with_pause(std::time::Duration::from_secs(3600));
    let running = tokio::spawn(async move { sweeper.run(async { drop(stopped.await) }).await });
    let lease = async || store.page(Filter::All, None, TWO, SystemClock.now()).await.unwrap().records.pop();
    while lease().await.is_none() {
        tokio::task::yield_now().await;
    }
    assert!(sessions.page(Filter::All, None, TWO).await.unwrap().sessions.is_empty());
    assert!(sessions.look_up(&lease().await.unwrap().0).await.unwrap().is_none());
    stop.send(()).unwrap();
    running.await.unwrap();
}
