//! The cache, on each kind of server.

#![expect(clippy::unwrap_used, reason = "a test fails where what it is made of fails")]

mod common;

use std::time::Duration;

use common::{NOW, connect, eventually, new_key, new_prefix, new_record, servers, url};
use redis::AsyncCommands as _;
use session_core::store::StoreErrorKind;
use session_core::{Cache, Cached, Record, RecordKey, Version};
use session_redis::{RedisCache, RedisStore};
use test_services::{Fault, FaultProxy};

const MINUTE: Duration = Duration::from_secs(60);

struct Stage {
    server: &'static str,
    cache: RedisCache,
    key: RecordKey,
    record: Record,
}

async fn stages() -> Vec<Stage> {
    let mut stages = Vec::new();
    for server in servers() {
        if let Some(connection) = connect(server).await {
            let record = new_record(&RedisStore::new(connection.clone()), Some("ada"));
            let cache = RedisCache::new(connection).with_prefix(new_prefix());
            stages.push(Stage { server, cache, key: new_key(), record });
        }
    }
    stages
}

impl Stage {
    async fn put(&self, record: &Record) -> bool {
        self.cache.put_if_newer(&self.key, record, NOW + MINUTE, NOW).await.unwrap()
    }

    async fn get(&self) -> Cached {
        self.cache.get(&self.key, NOW).await.unwrap()
    }

    fn version(&self, seq: u64, nonce: u64) -> Record {
        Record { version: Version { seq, nonce }, ..self.record.clone() }
    }
}

#[tokio::test]
async fn a_copy_is_read_back_until_its_time_is_up() {
    for stage in stages().await {
        assert_eq!(stage.get().await, Cached::Nothing);
        assert!(stage.put(&stage.record).await);
        let copy = Cached::Copy(Box::new(stage.record.clone()), NOW);
        assert_eq!(stage.get().await, copy, "{}", stage.server);
        assert_eq!(stage.cache.get(&stage.key, NOW + MINUTE).await.unwrap(), Cached::Nothing);
        let short = Record { expires_at: NOW + MINUTE / 2, ..stage.record.clone() };
        assert!(stage.put(&short).await, "the same version: its deadline has moved");
        let late = NOW + MINUTE / 2;
        assert_eq!(
            stage.cache.get(&stage.key, late).await.unwrap(),
            Cached::Nothing,
            "nor the session's own"
        );
        assert!(stage.cache.is_shared());
    }
}

/// A version's number is 64 bits, of which Lua's numbers hold 53.
#[tokio::test]
async fn a_copy_never_replaces_a_later_version() {
    for stage in stages().await {
        let numbers =
            [5, 6, 255, 256, (1 << 32) - 1, 1 << 32, (1 << 53) + 1, (1 << 53) + 2, u64::MAX - 1, u64::MAX];
        for pair in numbers.windows(2) {
            let (older, later) = (stage.version(pair[0], 9), stage.version(pair[1], 1));
            assert!(stage.put(&older).await && stage.put(&later).await, "{pair:?}");
            assert!(!stage.put(&older).await, "{pair:?}");
            assert_eq!(stage.get().await, Cached::Copy(Box::new(later), NOW));
        }
        // Neither of these is the later one; the store knows which of them it has.
        assert!(stage.put(&stage.version(u64::MAX, 7)).await);
        assert!(stage.put(&stage.version(u64::MAX, 1)).await);
        // A copy whose time is up hinders nobody: the store may have gone back, by a failover.
        let after = NOW + MINUTE;
        let older = stage.version(3, 3);
        assert!(stage.cache.put_if_newer(&stage.key, &older, after + MINUTE, after).await.unwrap());
    }
}

/// The race of a load with a deletion: the copy comes late.
#[tokio::test]
async fn a_tombstone_keeps_every_copy_out_for_its_time() {
    for stage in stages().await {
        assert!(stage.put(&stage.record).await);
        stage.cache.tombstone(&stage.key, MINUTE, NOW).await.unwrap();
        assert_eq!(stage.get().await, Cached::Tombstone, "{}", stage.server);
        assert!(!stage.put(&stage.record).await && !stage.put(&stage.version(u64::MAX, 1)).await);
        assert_eq!(stage.get().await, Cached::Tombstone);
        let after = NOW + MINUTE;
        assert_eq!(stage.cache.get(&stage.key, after).await.unwrap(), Cached::Nothing);
        assert!(stage.cache.put_if_newer(&stage.key, &stage.record, after + MINUTE, after).await.unwrap());
        stage.cache.tombstone(&stage.key, Duration::ZERO, NOW).await.unwrap();
        assert_eq!(stage.get().await, Cached::Nothing, "of no time");
    }
}

#[tokio::test]
async fn a_cache_and_a_store_share_a_prefix_only_by_mistake() {
    let Some(url) = url("redis") else { return };
    let (connection, prefix) = (connect("redis").await.unwrap(), new_prefix());
    let store = RedisStore::new(connection.clone()).with_prefix(prefix.clone());
    let cache = RedisCache::new(connection).with_prefix(prefix.clone());
    let (key, record) = common::put(&store, None).await;
    let error = cache.get(&key, NOW).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Undecodable);
    let error = cache.put_if_newer(&key, &record, NOW + MINUTE, NOW).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Undecodable);
    let left: i64 = common::raw(&url).await.pttl(format!("{prefix}{key}")).await.unwrap();
    assert!(left > 3_600_000, "it was left as it was");
}

/// An application starts also while its cache is away, and has it when it is back.
#[tokio::test]
async fn a_cache_that_is_away_at_the_start_is_used_when_it_is_back() {
    for server in servers() {
        let Some(url) = url(server) else { continue };
        let proxy = FaultProxy::start(&by_one_address(&url), 1).unwrap();
        proxy.inject(Fault::Refuse);
        while proxy.injected() == 0 {
            tokio::task::yield_now().await;
        }
        let cache = RedisCache::connect(proxy.url()).await.unwrap().with_prefix(new_prefix());
        let key = new_key();
        let error = cache.get(&key, NOW).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{server}: {error:?}");
        proxy.mend();
        eventually(async || cache.get(&key, NOW).await.is_ok()).await;
    }
    let error = RedisCache::connect("redis://a b").await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Misconfigured);
}

/// A URL of several servers, with the first alone.
fn by_one_address(url: &str) -> String {
    let Some((front, rest)) = url.split_once(',') else { return url.to_owned() };
    format!("{front}{}", rest.find('/').map_or("", |at| &rest[at..]))
}
