//! The races between two processes on one table of PostgreSQL, each with a cache in its own memory: trusted for a while, and with
//! every copy's version asked for.

#![expect(clippy::unwrap_used, reason = "the program fails where what it is made of fails")]

mod common;

use session_cached::CachedStore;
use session_memory::MemoryCache;

#[tokio::main]
async fn main() {
    let cached = async |store, _: &str| CachedStore::new(store, MemoryCache::default());
    common::race(cached).await;
}
