//! A primary hands over to its replica while sessions are written. A program of its own: meanwhile other tests would wait.

#![cfg(any(feature = "cluster", feature = "sentinel"))]
#![expect(clippy::unwrap_used, reason = "a test fails where what it is made of fails")]

mod common;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use common::{NOW, eventually, new_key, new_record, new_store, next};
use redis::aio::MultiplexedConnection;
use session_core::store::{Inserted, Replaced, SessionStore, StoreErrorKind, StoreResult};
use session_core::{Record, RecordKey};
use session_redis::RedisStore;

/// Writers of new sessions, each of which is written once more, and what was acknowledged to them.
#[derive(Clone)]
struct Load {
    store: RedisStore,
    acknowledged: Arc<Mutex<HashMap<RecordKey, Record>>>,
    failures: Arc<AtomicU64>,
    slowest: Arc<Mutex<Duration>>,
    stop: Arc<AtomicBool>,
}

impl Load {
    fn on(store: RedisStore) -> Self {
        Self {
            store,
            acknowledged: Arc::default(),
            failures: Arc::default(),
            slowest: Arc::default(),
            stop: Arc::default(),
        }
    }

    fn start(&self) -> Vec<tokio::task::JoinHandle<()>> {
        (0..8).map(|_| tokio::spawn(self.clone().write())).collect()
    }

    async fn write(self) {
        while !self.stop.load(Ordering::SeqCst) {
            let (key, first) = (new_key(), new_record(&self.store, Some("ada")));
            let Some(inserted) = self.watch(self.store.insert(&key, &first, NOW)).await else { continue };
            assert_eq!(inserted, Inserted::Done);
            self.acknowledged.lock().unwrap().insert(key, first.clone());
            let second = next(&first);
            let Some(replaced) = self.watch(self.store.replace(&key, &key, &second, &first, NOW)).await
            else {
                continue;
            };
            assert_eq!(replaced, Replaced::Done);
            self.acknowledged.lock().unwrap().insert(key, second);
        }
    }

    /// What fails, fails soon, and says that it may pass.
    async fn watch<T>(&self, call: impl Future<Output = StoreResult<T>>) -> Option<T> {
        let began = Instant::now();
        let answer = call.await;
        let mut slowest = self.slowest.lock().unwrap();
        *slowest = slowest.max(began.elapsed());
        match answer {
            Ok(answer) => Some(answer),
            Err(error) => {
                assert_eq!(
                    error.kind(),
                    StoreErrorKind::Unavailable,
                    "{error}: {}",
                    common::everything(&error)
                );
                self.failures.fetch_add(1, Ordering::SeqCst);
                None
            }
        }
    }

    /// What was acknowledged is there, or the write after it, of which no more is known than that it may have been done.
    async fn check(self) {
        let acknowledged = self.acknowledged.lock().unwrap().clone();
        let (failures, slowest) = (self.failures.load(Ordering::SeqCst), *self.slowest.lock().unwrap());
        eprintln!("{} acknowledged, {failures} failed, the slowest took {slowest:?}", acknowledged.len());
        assert!(slowest < Duration::from_secs(6), "{slowest:?}");
        // A store that wrote nothing: it is not asked to confirm anything.
        for (key, record) in acknowledged {
            let there = self.store.load(&key, NOW).await.unwrap().expect("it was acknowledged");
            assert!(there.version.seq >= record.version.seq, "{key:?}");
        }
    }
}

async fn survives(store: RedisStore, fail_over: impl AsyncFnOnce()) {
    let store = store.with_replicas(1.try_into().unwrap(), Duration::from_millis(500));
    let load = Load::on(store);
    let writers = load.start();
    eventually(async || load.acknowledged.lock().unwrap().len() > 200).await;
    fail_over().await;
    let began = Instant::now();
    while load.store.insert(&new_key(), &new_record(&load.store, None), NOW).await.is_err() {
        assert!(began.elapsed() < Duration::from_secs(60), "it does not come back");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let before = load.acknowledged.lock().unwrap().len();
    eventually(async || load.acknowledged.lock().unwrap().len() > before + 200).await;
    load.stop.store(true, Ordering::SeqCst);
    for writer in writers {
        writer.await.unwrap();
    }
    load.check().await;
}

/// The connection that was made before the failover finds the new primary.
#[cfg(feature = "sentinel")]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_new_primary_is_found_and_has_all_that_was_acknowledged() {
    let Some(store) = new_store("redis-sentinel").await else { return };
    let url = common::url("redis-sentinel").unwrap();
    let (hosts, name) = url.rsplit_once('/').unwrap();
    let host = hosts.rsplit_once(['/', ',', '@']).unwrap().1;
    let mut sentinel = common::raw(&format!("redis://{host}")).await;
    let address = async |sentinel: &mut MultiplexedConnection| -> Vec<String> {
        redis::cmd("SENTINEL").arg("GET-MASTER-ADDR-BY-NAME").arg(name).query_async(sentinel).await.unwrap()
    };
    let before = address(&mut sentinel).await;
    survives(store, async || {
        // Sentinel refuses while it is still busy with an earlier one.
        let mut fail_over = redis::cmd("SENTINEL");
        fail_over.arg("FAILOVER").arg(name);
        eventually(async || fail_over.query_async::<()>(&mut sentinel.clone()).await.is_ok()).await;
        let mut asked = sentinel.clone();
        for _ in 0..600 {
            if address(&mut asked).await != before {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the sentinels did not choose another primary");
    })
    .await;
    assert_ne!(address(&mut sentinel).await, before);
}

#[cfg(feature = "cluster")]
async fn role(node: &mut MultiplexedConnection) -> String {
    let role: redis::Value = redis::cmd("ROLE").query_async(node).await.unwrap();
    let redis::Value::Array(role) = role else { panic!("a role is a list") };
    redis::from_redis_value(role[0].clone()).unwrap()
}

#[cfg(feature = "cluster")]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_cluster_goes_on_when_a_replica_takes_over() {
    let Some(store) = new_store("redis-cluster").await else { return };
    let url = common::url("redis-cluster").unwrap();
    let host =
        url.split(['/', ',', '@']).find(|part| part.contains(':') && !part.starts_with("redis")).unwrap();
    let mut node = common::raw(&format!("redis://{host}")).await;
    let nodes: String = redis::cmd("CLUSTER").arg("NODES").query_async(&mut node).await.unwrap();
    let replica = nodes.lines().find(|line| line.contains("slave")).expect("there is a replica");
    let address = replica.split(' ').nth(1).unwrap().split(['@', ',']).next().unwrap();
    let mut replica = common::raw(&format!("redis://{address}")).await;
    survives(store, async || {
        redis::cmd("CLUSTER").arg("FAILOVER").query_async::<()>(&mut replica).await.unwrap();
        eventually(async || role(&mut replica.clone()).await == "master").await;
    })
    .await;
}
