//! The conformance kit on a cached store, and what a cache must not do.

#![expect(clippy::unwrap_used, reason = "a test fails where it is")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use session_cached::{CacheEvent, CachedStore};
use session_core::store::{StoreError, StoreErrorKind, StoreResult};
use session_core::testing::{Probe, Verb, Visitor, When};
use session_core::{
    AnyStore, Cache, Cached, Clock as _, Error, ManualClock, Record, RecordKey, Sessions, Settings, Time,
};
use session_memory::{MemoryCache, MemoryStore};

/// A cache that fails while it is told to.
#[derive(Debug, Default)]
struct Breaking {
    inner: MemoryCache,
    broken: Arc<AtomicBool>,
}

impl Breaking {
    fn check(&self) -> StoreResult<()> {
        if self.broken.load(Ordering::SeqCst) {
            return Err(StoreError::new(StoreErrorKind::Unavailable, "the cache is away"));
        }
        Ok(())
    }
}

impl Cache for Breaking {
    async fn get(&self, key: &RecordKey, now: Time) -> StoreResult<Cached> {
        self.check()?;
        self.inner.get(key, now).await
    }
    async fn put_if_newer(
        &self,
        key: &RecordKey,
        record: &Record,
        until: Time,
        now: Time,
    ) -> StoreResult<bool> {
        self.check()?;
        self.inner.put_if_newer(key, record, until, now).await
    }
    async fn tombstone(&self, key: &RecordKey, keep: Duration, now: Time) -> StoreResult<()> {
        self.check()?;
        self.inner.tombstone(key, keep, now).await
    }
    fn is_shared(&self) -> bool {
        false
    }
}

/// A cache that fails, and takes a while for it.
#[derive(Debug)]
struct Silent;

impl Silent {
    async fn fail<T>() -> StoreResult<T> {
        tokio::time::sleep(Duration::from_millis(50)).await;
        Err(StoreError::new(StoreErrorKind::Unavailable, "the cache does not answer"))
    }
}

impl Cache for Silent {
    async fn get(&self, _: &RecordKey, _: Time) -> StoreResult<Cached> {
        Self::fail().await
    }
    async fn put_if_newer(&self, _: &RecordKey, _: &Record, _: Time, _: Time) -> StoreResult<bool> {
        Self::fail().await
    }
    async fn tombstone(&self, _: &RecordKey, _: Duration, _: Time) -> StoreResult<()> {
        Self::fail().await
    }
    fn is_shared(&self) -> bool {
        true
    }
}

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
        let cached = CachedStore::new(store.clone(), MemoryCache::default());
        Sessions::new(cached, Settings::default().with_clock(clock.clone())).unwrap()
    };
    Nodes { here: node(), there: node(), clock, store }
}

async fn read(sessions: &Sessions, visitor: &Visitor) -> Option<u32> {
    let mut same = Visitor::with_cookie(sessions, visitor.cookie().unwrap());
    same.visit(200, async |s| s.get("n")).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn conforms() {
    session_core::testing::conformance(async || CachedStore::new(MemoryStore::new(), MemoryCache::default()))
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn conforms_while_the_cache_is_away() {
    let broken = Arc::new(AtomicBool::new(true));
    session_core::testing::conformance(async || {
        let cache = Breaking { inner: MemoryCache::default(), broken: Arc::clone(&broken) };
        CachedStore::new(MemoryStore::new(), cache)
    })
    .await;
}

#[tokio::test]
async fn a_hit_asks_the_store_nothing() {
    let n = nodes();
    let mut visitor = Visitor::new(&n.here);
    visitor.visit(200, async |s| s.insert("n", 1)).await.unwrap();
    n.store.reset();
    assert_eq!(read(&n.here, &visitor).await, Some(1));
    assert_eq!(n.store.calls(), 0, "written through");
    assert_eq!(read(&n.there, &visitor).await, Some(1));
    assert_eq!(read(&n.there, &visitor).await, Some(1));
    assert_eq!(n.store.calls_of(Verb::Load), 1, "filled by the miss");
}

/// D83, T40: a session that was ended on another node is read here for five seconds, and written never.
#[tokio::test]
async fn what_was_ended_elsewhere_is_read_within_its_bound_and_never_written() {
    let n = nodes();
    let mut visitor = Visitor::new(&n.here);
    visitor.visit(200, async |s| s.insert("n", 1)).await.unwrap();
    let old = visitor.clone();
    visitor.visit(200, async |s| s.update("n", |n: &mut u32| *n += 1)).await.unwrap();
    assert_eq!(read(&n.there, &old).await, Some(2));
    let mut elsewhere = Visitor::with_cookie(&n.there, old.cookie().unwrap());
    elsewhere.visit(200, async |s| s.flush().await).await.unwrap();

    assert_eq!(read(&n.here, &old).await, Some(2), "at once: the copy");
    let write = visitor.clone().visit(200, async |s| s.insert("n", 9)).await;
    assert!(matches!(write, Err(Error::Interrupted)));
    n.clock.advance(Duration::from_secs(5));
    assert_eq!(read(&n.here, &old).await, None);
}

/// Somebody signs in on one node and is sent to the other, which has a copy from before.
#[tokio::test]
async fn a_secret_that_is_newer_than_the_copy_opens_the_session_at_once() {
    let n = nodes();
    let mut visitor = Visitor::new(&n.here);
    visitor.visit(200, async |s| s.insert("n", 1)).await.unwrap();
    assert_eq!(read(&n.there, &visitor).await, Some(1));
    visitor.visit(200, async |s| s.login("ada").await).await.unwrap();
    let mut there = Visitor::with_cookie(&n.there, visitor.cookie().unwrap());
    let account = there.visit(200, async |s| Ok(s.account())).await.unwrap();
    assert_eq!((account.as_deref(), there.cookie()), (Some("ada"), visitor.cookie()), "and the cookie stays");
    n.store.reset();
    assert_eq!(read(&n.there, &visitor).await, Some(1));
    assert_eq!(n.store.calls(), 0, "the copy is the new one");
    // Who guesses costs the store a load each time, and learns nothing.
    let guess = format!("{}{}", &visitor.cookie().unwrap()[..25], "a".repeat(25));
    assert_eq!(read(&n.there, &Visitor::with_cookie(&n.there, guess)).await, None);
    assert_eq!(n.store.calls_of(Verb::Load), 1);
}

/// A stale copy costs a conflict and a reload, and loses nothing.
#[tokio::test]
async fn a_stale_copy_loses_no_write() {
    let n = nodes();
    let mut visitor = Visitor::new(&n.here);
    visitor.visit(200, async |s| s.insert("n", 0)).await.unwrap();
    for _ in 0..10 {
        for sessions in [&n.here, &n.there] {
            let mut same = Visitor::with_cookie(sessions, visitor.cookie().unwrap());
            same.visit(200, async |s| s.update("n", |n: &mut u32| *n += 1)).await.unwrap();
        }
    }
    n.clock.advance(Duration::from_secs(5));
    assert_eq!(read(&n.here, &visitor).await, Some(20));
}

/// peers.md ts 7: a load that began before a deletion does not bring the session back into the cache.
#[tokio::test]
async fn a_slow_load_does_not_fill_the_cache_with_the_dead() {
    let n = nodes();
    let mut visitor = Visitor::new(&n.there);
    visitor.visit(200, async |s| s.insert("n", 1)).await.unwrap();
    let pause = n.store.pause(Verb::Load, When::After);
    let slow = tokio::spawn({
        let (here, visitor) = (n.here.clone(), visitor.clone());
        async move { read(&here, &visitor).await }
    });
    pause.reached().await;
    // Ended on this node, while its own load stands still with the record in its hand.
    let handle = visitor.cookie().unwrap()[..25].parse().unwrap();
    assert!(n.here.revoke(&handle).await.unwrap());
    pause.resume();
    slow.await.unwrap();
    assert_eq!(read(&n.here, &visitor).await, None);
}

#[tokio::test]
async fn every_session_of_an_account_leaves_the_cache() {
    let n = nodes();
    let mut devices = Vec::new();
    for _ in 0..3 {
        let mut device = Visitor::new(&n.here);
        device
            .visit(200, async |s| {
                s.insert("n", 1)?;
                s.login("ada").await
            })
            .await
            .unwrap();
        devices.push(device);
    }
    assert_eq!(n.here.revoke_account("ada").await.unwrap(), 3);
    for device in &devices {
        assert_eq!(read(&n.here, device).await, None);
    }
}

/// A device that has signed in elsewhere since this node has read it.
#[tokio::test]
async fn a_device_is_revoked_that_this_node_has_seen_anonymous() {
    let n = nodes();
    let sign_in =
        async |visitor: &mut Visitor| visitor.visit(200, async |s| s.login("ada").await).await.unwrap();
    let mut device = Visitor::new(&n.there);
    device.visit(200, async |s| s.insert("n", 1)).await.unwrap();
    assert_eq!(read(&n.here, &device).await, Some(1));
    sign_in(&mut device).await;
    let mut owner = Visitor::new(&n.here);
    sign_in(&mut owner).await;
    let others = n.here.sessions_of("ada").await.unwrap();
    let handle = device.begin().session().await.unwrap().session_key().unwrap();
    assert!(others.iter().any(|info| info.handle == handle), "the list is the store's");
    assert!(owner.visit(200, async |s| s.revoke(&handle).await).await.unwrap());
    n.clock.advance(Duration::from_secs(5));
    assert_eq!(read(&n.there, &device).await, None);
}

/// Each tombstone takes its time then, and the call has a limit.
#[tokio::test]
async fn an_account_is_revoked_behind_a_cache_that_does_not_answer() {
    let store = CachedStore::new(MemoryStore::new(), Silent);
    let limit = Duration::from_millis(500);
    let sessions = Sessions::new(store, Settings::default().with_store_timeout(Some(limit))).unwrap();
    for _ in 0..20 {
        let session = sessions.create();
        session.login("ada").await.unwrap();
        session.save().await.unwrap();
    }
    assert_eq!(sessions.revoke_account("ada").await.unwrap(), 20);
    assert!(sessions.sessions_of("ada").await.unwrap().is_empty());
}

/// A clock that was set back makes no copy young.
#[tokio::test]
async fn a_copy_from_the_future_is_not_read() {
    let n = nodes();
    let mut visitor = Visitor::new(&n.here);
    visitor.visit(200, async |s| s.insert("n", 1)).await.unwrap();
    n.clock.set(Time::from_millis(n.clock.now().as_millis() - 60_000));
    let mut same = Visitor::with_cookie(&n.there, visitor.cookie().unwrap());
    same.visit(200, async |s| s.flush().await).await.unwrap();
    assert_eq!(read(&n.here, &visitor).await, None);
}

/// D80, T17: a cache that fails, and a listener that panics, are nobody's outage.
#[tokio::test]
async fn a_failing_cache_and_a_panicking_listener_break_nothing() {
    let broken = Arc::new(AtomicBool::new(false));
    let heard = Arc::new(AtomicU32::new(0));
    let cache = Breaking { inner: MemoryCache::default(), broken: Arc::clone(&broken) };
    let store = CachedStore::new(MemoryStore::new(), cache).with_listener({
        let heard = Arc::clone(&heard);
        move |event| {
            heard.fetch_add(1, Ordering::SeqCst);
            assert!(!matches!(event, CacheEvent::Failed(_) | CacheEvent::TombstoneLost(_)), "on purpose");
        }
    });
    let sessions = Sessions::from(session_core::Backend::Server(AnyStore::new(store)));
    let mut visitor = Visitor::new(&sessions);
    visitor.visit(200, async |s| s.insert("n", 1)).await.unwrap();
    broken.store(true, Ordering::SeqCst);
    assert_eq!(read(&sessions, &visitor).await, Some(1));
    visitor.visit(200, async |s| s.flush().await).await.unwrap();
    assert!(heard.load(Ordering::SeqCst) >= 3);
}

/// tower-sessions 7: what a cache did not hear of while it was away is shown for as long as any old copy, and never written.
#[tokio::test]
async fn a_logout_that_the_cache_missed_holds_within_the_bound() {
    let (broken, clock) = (Arc::new(AtomicBool::new(false)), ManualClock::default());
    let cache = Breaking { inner: MemoryCache::default(), broken: Arc::clone(&broken) };
    let cached = CachedStore::new(MemoryStore::new(), cache);
    let sessions = Sessions::new(cached, Settings::default().with_clock(clock.clone())).unwrap();
    let mut visitor = Visitor::new(&sessions);
    visitor.visit(200, async |s| s.insert("n", 1)).await.unwrap();
    let old = visitor.clone();
    broken.store(true, Ordering::SeqCst);
    visitor.visit(200, async |s| s.flush().await).await.unwrap();
    broken.store(false, Ordering::SeqCst);
    let write = old.clone().visit(200, async |s| s.update("n", |n: &mut u32| *n += 1)).await;
    assert!(matches!(write, Err(Error::Interrupted)), "{write:?}");
    clock.advance(Duration::from_secs(5));
    assert_eq!(read(&sessions, &old).await, None);
}

/// The three verbs, as every cache must have them.
#[tokio::test]
async fn the_memory_cache_keeps_the_dead_and_the_old_out() {
    let cache = MemoryCache::default();
    let now = Time::from_millis(1_700_000_000_000);
    let record = session_core::testing::store::sample(&AnyStore::new(MemoryStore::new()), now);
    let key = RecordKey::random().unwrap();
    let (until, mut newer) = (now + Duration::from_secs(60), record.clone());
    newer.version.seq += 1;
    assert!(cache.put_if_newer(&key, &newer, until, now).await.unwrap());
    assert!(!cache.put_if_newer(&key, &record, until, now).await.unwrap(), "an older copy");
    assert_eq!(cache.get(&key, now).await.unwrap(), Cached::Copy(Box::new(newer.clone()), now));
    assert_eq!(cache.get(&key, until).await.unwrap(), Cached::Nothing);
    cache.tombstone(&key, Duration::from_secs(10), now).await.unwrap();
    assert!(!cache.put_if_newer(&key, &newer, until, now).await.unwrap(), "a tombstone stands there");
    assert_eq!(cache.get(&key, now).await.unwrap(), Cached::Tombstone);
    let later = now + Duration::from_secs(10);
    assert!(cache.put_if_newer(&key, &newer, until, later).await.unwrap());
}

/// However many sessions pass through it.
#[tokio::test]
async fn the_memory_cache_is_bounded() {
    let cache = MemoryCache::with_capacity(640.try_into().unwrap());
    let now = Time::from_millis(1_700_000_000_000);
    let record = session_core::testing::store::sample(&AnyStore::new(MemoryStore::new()), now);
    let mut kept = 0;
    let mut keys = Vec::new();
    for _ in 0..20_000 {
        let key = RecordKey::random().unwrap();
        assert!(cache.put_if_newer(&key, &record, now + Duration::from_secs(60), now).await.unwrap());
        keys.push(key);
    }
    for key in &keys {
        kept += u32::from(cache.get(key, now).await.unwrap() != Cached::Nothing);
    }
    assert_eq!(kept, 640);
}
