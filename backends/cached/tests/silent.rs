//! A cache that says nothing, as behind a firewall that drops what it is sent: who waits for it, and how long.

#![expect(clippy::unwrap_used, reason = "a test fails where it is")]

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use session_cached::CachedStore;
use session_core::store::StoreResult;
use session_core::testing::{Probe, Verb, Visitor};
use session_core::{Cache, Cached, Record, RecordKey, Sessions, Settings, Time};
use session_memory::{MemoryCache, MemoryStore};

const PATIENCE: Duration = Duration::from_millis(300);

#[derive(Clone, Debug, Default)]
struct Mute {
    inner: Arc<MemoryCache>,
    silent: Arc<AtomicBool>,
    asked: Arc<AtomicU32>,
    buried: Arc<AtomicU32>,
}

impl Mute {
    async fn answer<T>(
        &self,
        count: &AtomicU32,
        answer: impl Future<Output = StoreResult<T>>,
    ) -> StoreResult<T> {
        count.fetch_add(1, Ordering::SeqCst);
        if self.silent.load(Ordering::SeqCst) { pending().await } else { answer.await }
    }
}

impl Cache for Mute {
    async fn get(&self, key: &RecordKey, now: Time) -> StoreResult<Cached> {
        self.answer(&self.asked, self.inner.get(key, now)).await
    }
    async fn put_if_newer(
        &self,
        key: &RecordKey,
        record: &Record,
        until: Time,
        now: Time,
    ) -> StoreResult<bool> {
        self.answer(&self.asked, self.inner.put_if_newer(key, record, until, now)).await
    }
    async fn tombstone(&self, key: &RecordKey, keep: Duration, now: Time) -> StoreResult<()> {
        self.answer(&self.buried, self.inner.tombstone(key, keep, now)).await
    }
    fn is_shared(&self) -> bool {
        true
    }
}

async fn read(visitor: &Visitor) -> Option<u32> {
    visitor.clone().visit(200, async |s| s.get("n")).await.unwrap()
}

#[tokio::test]
async fn a_silent_cache_is_passed_by_and_found_again() {
    let (mute, store) = (Mute::default(), Probe::new(MemoryStore::new()));
    let cached = CachedStore::new(store.clone(), mute.clone()).with_cache_timeout(PATIENCE);
    let sessions = Sessions::new(cached, Settings::default()).unwrap();
    let mut visitor = Visitor::new(&sessions);
    visitor.visit(200, async |s| s.insert("n", 1)).await.unwrap();
    mute.silent.store(true, Ordering::SeqCst);

    // The first ones find out. Then one at a time asks, for the copy and to put one, and the others go past it.
    assert_eq!(join_all((0..5).map(|_| read(&visitor))).await, [Some(1); 5]);
    mute.asked.store(0, Ordering::SeqCst);
    assert_eq!(join_all((0..100).map(|_| read(&visitor))).await, [Some(1); 100]);
    assert!(mute.asked.load(Ordering::SeqCst) <= 2, "{mute:?}");

    mute.silent.store(false, Ordering::SeqCst);
    assert_eq!(read(&visitor).await, Some(1));
    store.reset();
    assert_eq!(join_all((0..100).map(|_| read(&visitor))).await, [Some(1); 100]);
    assert_eq!(store.calls_of(Verb::Load), 0, "there is a copy again");
}

/// It may be back by then, and have a copy.
#[tokio::test]
async fn a_logout_passes_no_cache_by() {
    let mute = Mute::default();
    let cached = CachedStore::new(MemoryStore::new(), mute.clone()).with_cache_timeout(PATIENCE);
    let sessions = Sessions::new(cached, Settings::default()).unwrap();
    let mut visitor = Visitor::new(&sessions);
    visitor.visit(200, async |s| s.insert("n", 1)).await.unwrap();
    mute.silent.store(true, Ordering::SeqCst);
    join_all((0..5).map(|_| read(&visitor))).await;

    let old = visitor.clone();
    let began = Instant::now();
    visitor.visit(200, async |s| s.flush().await).await.unwrap();
    assert_eq!(mute.buried.load(Ordering::SeqCst), 2);
    assert!(began.elapsed() < PATIENCE * 8, "{:?}", began.elapsed());
    assert_eq!(read(&old).await, None);
}
