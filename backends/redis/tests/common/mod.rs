//! What the tests share: servers, prefixes, records, and a look past the store.

#![allow(dead_code, reason = "no test uses all of it")]
#![allow(clippy::unwrap_used, reason = "a test fails where what it is made of fails")]

use redis::aio::MultiplexedConnection;
use session_core::store::{Inserted, SessionStore};
use session_core::testing::store::sample;
use session_core::{AnyStore, Record, RecordKey, Time, Version};
use session_redis::{KeyPrefix, RedisConnection, RedisStore};

pub(crate) const NOW: Time = Time::from_millis(1_700_000_000_000);

/// The kinds of servers that this build can connect to.
pub(crate) fn servers() -> Vec<&'static str> {
    let mut servers = vec!["redis"];
    if cfg!(feature = "cluster") {
        servers.push("redis-cluster");
    }
    if cfg!(feature = "sentinel") {
        servers.push("redis-sentinel");
    }
    servers
}

pub(crate) fn url(server: &str) -> Option<String> {
    session_core::testing::server(server)
}

pub(crate) async fn connect(server: &str) -> Option<RedisConnection> {
    Some(RedisConnection::connect(&url(server)?).await.unwrap())
}

/// Nobody else's sessions have this prefix.
pub(crate) fn new_prefix() -> KeyPrefix {
    format!("test:{}:", new_key()).parse().unwrap()
}

pub(crate) async fn new_store(server: &str) -> Option<RedisStore> {
    Some(RedisStore::new(connect(server).await?).with_prefix(new_prefix()))
}

/// A store on the single server, its prefix, and a connection that goes past it.
pub(crate) async fn one_server() -> Option<(RedisStore, KeyPrefix, MultiplexedConnection)> {
    let prefix = new_prefix();
    let store = RedisStore::new(connect("redis").await?).with_prefix(prefix.clone());
    Some((store, prefix, raw(&url("redis")?).await))
}

pub(crate) async fn raw(url: &str) -> MultiplexedConnection {
    redis::Client::open(url).unwrap().get_multiplexed_async_connection().await.unwrap()
}

pub(crate) fn new_key() -> RecordKey {
    RecordKey::random().unwrap()
}

/// A new record; of the store only the format of its tokens matters.
pub(crate) fn new_record(store: &RedisStore, account: Option<&str>) -> Record {
    let version = Version { seq: 1, nonce: random() };
    Record { version, account: account.map(str::to_owned), ..sample(&AnyStore::new(store.clone()), NOW) }
}

/// The same session, written once more.
pub(crate) fn next(record: &Record) -> Record {
    Record { version: Version { seq: record.version.seq + 1, nonce: random() }, ..record.clone() }
}

fn random() -> u64 {
    new_key().as_str().bytes().fold(0, |sum, c| sum.wrapping_mul(31).wrapping_add(u64::from(c)))
}

pub(crate) async fn put(store: &RedisStore, account: Option<&str>) -> (RecordKey, Record) {
    let (key, record) = (new_key(), new_record(store, account));
    assert_eq!(store.insert(&key, &record, NOW).await.unwrap(), Inserted::Done);
    (key, record)
}

/// Waits until what nobody waits for has been done.
pub(crate) async fn eventually(mut is_so: impl AsyncFnMut() -> bool) {
    for _ in 0..500 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("it did not come to be so in five seconds");
}

/// All that a log could show of an error.
pub(crate) fn everything(error: &dyn std::error::Error) -> String {
    let mut told = vec![format!("{error} {error:?}")];
    let mut source = error.source();
    while let Some(error) = source {
        told.push(format!("{error} {error:?}"));
        source = error.source();
    }
    told.join(" ")
}
