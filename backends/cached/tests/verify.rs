//! A cache that asks the store for each session's version: what happens on another node is seen at once, for one short question.

#![expect(clippy::unwrap_used, reason = "a test fails where it is")]

use std::time::Duration;

use session_cached::CachedStore;
use session_core::store::{Select, SessionStore, StoreErrorKind};
use session_core::testing::{Probe, Verb, Visitor, When};
use session_core::{AnyStore, Clock as _, Error, ManualClock, Record, RecordKey, Sessions, Settings, Time};
use session_memory::{MemoryCache, MemoryStore};

/// One store behind the caches of two nodes.
struct Nodes {
    store: Probe,
    clock: ManualClock,
    here: Sessions,
    there: Sessions,
}

fn nodes() -> Nodes {
    let (store, clock) = (Probe::new(MemoryStore::new()), ManualClock::default());
    let node = || {
        let cached = CachedStore::new(store.clone(), MemoryCache::default()).with_verify();
        Sessions::new(cached, Settings::default().with_clock(clock.clone())).unwrap()
    };
    Nodes { here: node(), there: node(), clock, store }
}

impl Nodes {
    /// Somebody who has been on both nodes, so that both have a copy.
    async fn visitor(&self) -> Visitor {
        let mut visitor = Visitor::new(&self.here);
        let login = visitor.visit(200, async |s| {
            s.insert("n", 1)?;
            s.login("ada").await
        });
        login.await.unwrap();
        assert_eq!(self.read_there(&visitor).await.unwrap(), Some(1));
        self.store.reset();
        visitor
    }

    async fn read_there(&self, visitor: &Visitor) -> Result<Option<u32>, Error> {
        let mut same = Visitor::with_cookie(&self.there, visitor.cookie().unwrap());
        same.visit(200, async |s| s.get("n")).await
    }

    /// What the store was asked since the last look: heads, whole records, and all.
    fn asked(&self) -> (u64, u64, u64) {
        let asked = (self.store.calls_of(Verb::Head), self.store.calls_of(Verb::Load), self.store.calls());
        self.store.reset();
        asked
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn conforms_strictly() {
    session_core::testing::conformance(async || {
        let store = CachedStore::new(MemoryStore::new(), MemoryCache::default()).with_verify();
        assert_eq!(store.capabilities().max_staleness, Duration::ZERO);
        store
    })
    .await;
}

#[tokio::test]
async fn what_nobody_changed_costs_its_head_and_no_data() {
    let n = nodes();
    let visitor = n.visitor().await;
    for _ in 0..3 {
        assert_eq!(n.read_there(&visitor).await.unwrap(), Some(1));
    }
    assert_eq!(n.asked(), (3, 0, 3), "no record was read");
}

/// Within no time at all: the clock stands still.
#[tokio::test]
async fn what_was_ended_elsewhere_is_gone_at_once() {
    for how in ["logout", "revoke_account", "by hand", "rotate"] {
        let n = nodes();
        let visitor = n.visitor().await;
        let (mut same, key) = (visitor.clone(), visitor.cookie().unwrap()[..25].parse().unwrap());
        match how {
            "logout" => same.visit(200, async |s| s.flush().await).await.unwrap(),
            "revoke_account" => assert_eq!(n.here.revoke_account("ada").await.unwrap(), 1),
            // In SQL, past every cache.
            "by hand" => {
                assert_eq!(n.store.remove(Select::One(&key), n.clock.now()).await.unwrap(), 1);
            }
            // Who has the old secret is nobody.
            _ => same.visit(200, async |s| s.rotate()).await.unwrap(),
        }
        n.store.reset();
        assert_eq!(n.read_there(&visitor).await.unwrap(), None, "{how}");
        let record_is_read = u64::from(how == "rotate");
        assert_eq!(n.asked(), (1, record_is_read, 1 + record_is_read), "{how}");
    }
}

#[tokio::test]
async fn what_was_changed_elsewhere_is_read_at_once_and_once() {
    let n = nodes();
    let mut visitor = n.visitor().await;
    visitor.visit(200, async |s| s.insert("n", 2)).await.unwrap();
    n.store.reset();
    assert_eq!(n.read_there(&visitor).await.unwrap(), Some(2));
    assert_eq!(n.asked(), (1, 1, 2), "another version: the record is read");
    assert_eq!(n.read_there(&visitor).await.unwrap(), Some(2));
    assert_eq!(n.asked(), (1, 0, 1), "and kept");
}

/// A touch changes no version, so the deadlines come with it.
#[tokio::test]
async fn a_touch_elsewhere_is_seen_at_once() {
    let now = Time::from_millis(1_700_000_000_000);
    let (store, minute) = (Probe::new(MemoryStore::new()), Duration::from_secs(60));
    let cached = CachedStore::new(store.clone(), MemoryCache::default()).with_verify();
    let record = session_core::testing::store::sample(&AnyStore::new(store.clone()), now);
    let key = RecordKey::random().unwrap();
    let _ = cached.insert(&key, &record, now).await.unwrap();
    let until = record.expires_at + minute;
    assert!(store.touch(&key, until, &record, now + minute).await.unwrap());
    store.reset();
    let touched = Record { expires_at: until, last_active: now + minute, ..record.clone() };
    assert_eq!(cached.load(&key, now + minute).await.unwrap(), Some(touched));
    assert_eq!(store.calls_of(Verb::Load), 0);
    // The copy ends when its own deadline has passed, and the session does not.
    assert!(cached.load(&key, record.expires_at).await.unwrap().is_some());
    assert_eq!(cached.load(&key, until).await.unwrap(), None);
}

/// A copy of what cannot be looked at is no session, and no end of one either.
#[tokio::test]
async fn a_store_that_is_down_is_down() {
    let n = nodes();
    let visitor = n.visitor().await;
    n.store.fail_next(Verb::Head, When::Before);
    let error = n.read_there(&visitor).await.unwrap_err();
    assert_eq!(error.status(), 503);
    assert!(matches!(error, Error::Store(error) if error.kind() == StoreErrorKind::Unavailable));
    assert_eq!(n.read_there(&visitor).await.unwrap(), Some(1));
}
