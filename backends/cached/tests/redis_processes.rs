//! The races between two processes on one table of PostgreSQL behind one cache in Redis: trusted for a while, and with every copy's
//! version asked for.

#![expect(clippy::unwrap_used, reason = "the program fails where what it is made of fails")]

mod common;

use session_cached::CachedStore;
use session_core::testing::server;
use session_redis::RedisCache;

#[tokio::main]
async fn main() {
    let Some(url) = server("redis") else { return };
    let cached = async |store, name: &str| {
        let cache = RedisCache::connect(&url).await.unwrap();
        CachedStore::new(store, cache.with_prefix(format!("test:{name}:").parse().unwrap()))
    };
    common::race(cached).await;
}
