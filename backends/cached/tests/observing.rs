//! What metrics get of a cache.

use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use session_cached::CachedStore;
use session_core::testing::Visitor;
use session_core::{AnyStore, Sessions, Settings};
use session_memory::{MemoryCache, MemoryStore};

#[test]
fn hits_and_misses_are_counted() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let story = async {
        let store = AnyStore::new(MemoryStore::new());
        let node = || {
            let cached = CachedStore::new(store.clone(), MemoryCache::default());
            Sessions::new(cached, Settings::default()).unwrap()
        };
        let mut visitor = Visitor::new(&node());
        visitor.visit(200, async |s| s.insert("n", 1)).await.unwrap();
        for _ in 0..3 {
            visitor.visit(200, async |s| s.get::<u32>("n")).await.unwrap();
        }
        let mut elsewhere = Visitor::with_cookie(&node(), visitor.cookie().unwrap());
        elsewhere.visit(200, async |s| s.get::<u32>("n")).await.unwrap();
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    metrics::with_local_recorder(&recorder, || runtime.block_on(story));
    let all = snapshotter.snapshot().into_vec();
    let count = |event: &str| {
        let found = all.iter().find(|(key, ..)| key.key().labels().any(|label| label.value() == event));
        found.map(|(.., value)| match value {
            DebugValue::Counter(count) => *count,
            other => panic!("{other:?}"),
        })
    };
    assert_eq!((count("hit"), count("miss")), (Some(3), Some(1)));
}
