//! The conformance kit on each kind of server.

mod common;

#[cfg(any(feature = "cluster", feature = "sentinel"))]
use std::time::Duration;

use common::{connect, new_prefix};
use session_redis::RedisStore;

/// Each store has a prefix of its own.
async fn conforms(server: &str, with: impl Fn(RedisStore) -> RedisStore) {
    let Some(connection) = connect(server).await else {
        return;
    };
    let make = async || with(RedisStore::new(connection.clone()).with_prefix(new_prefix()));
    session_core::testing::conformance(make).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_server_conforms() {
    conforms("redis", |store| store).await;
}

#[cfg(feature = "cluster")]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_cluster_conforms() {
    conforms("redis-cluster", |store| store).await;
}

#[cfg(feature = "cluster")]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_cluster_that_waits_for_replicas_conforms() {
    conforms("redis-cluster", |store| store.with_replicas(1.try_into().unwrap(), Duration::from_secs(1)))
        .await;
}

#[cfg(feature = "sentinel")]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_primary_that_sentinels_name_conforms() {
    conforms("redis-sentinel", |store| store).await;
}

#[cfg(feature = "sentinel")]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_primary_that_waits_for_replicas_conforms() {
    conforms("redis-sentinel", |store| store.with_replicas(1.try_into().unwrap(), Duration::from_secs(1)))
        .await;
}
