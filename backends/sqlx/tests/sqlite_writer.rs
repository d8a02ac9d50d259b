//! The connection of an SQLite store that writes, and commits together what comes together.

#![expect(clippy::unwrap_used, reason = "a test fails where what it is made of fails")]

mod common;

use std::pin::pin;
use std::time::Duration;

use common::{NOW, new_key, next, put, record};
use futures_util::future::join_all;
use futures_util::poll;
use session_core::store::{Inserted, Replaced, Select, SessionStore, StoreErrorKind};
use session_core::{Record, Version};
use session_sqlx::SqliteStore;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use tempfile::TempDir;

/// A store in a file, and somebody else who can keep it from writing: what is asked meanwhile is one group.
struct File {
    folder: TempDir,
    store: SqliteStore,
}

impl File {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::connect(folder.path().join("s.db").to_str().unwrap()).await.unwrap();
        Self { folder, store }
    }

    async fn other(&self) -> SqliteConnection {
        SqliteConnectOptions::new().filename(self.folder.path().join("s.db")).connect().await.unwrap()
    }
}

#[tokio::test]
async fn each_of_a_group_has_its_own_outcome() {
    let file = File::new().await;
    let store = &file.store;
    let mut records = Vec::new();
    for _ in 0..6 {
        records.push(put(store).await);
    }
    let keys: Vec<_> = records.iter().map(|(key, _)| *key).collect();
    let there = records[0].1.clone();
    let (second, absent, new, moved) = (next(&there), new_key(), new_key(), new_key());
    let stale = Record { version: Version { seq: 9, nonce: 9 }, ..there.clone() };
    let late = there.expires_at + Duration::from_secs(60);

    let mut other = file.other().await;
    let writing = other.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let mut saved = pin!(store.replace(&keys[0], &keys[0], &second, &there, NOW));
    let mut again = pin!(store.replace(&keys[0], &keys[0], &second, &stale, NOW));
    let mut gone = pin!(store.replace(&absent, &absent, &second, &there, NOW));
    let mut inserted = pin!(store.insert(&new, &there, NOW));
    let mut taken = pin!(store.insert(&keys[1], &there, NOW));
    let mut touched = pin!(store.touch(&keys[2], late, &records[2].1, NOW));
    let mut removed = pin!(store.remove(Select::One(&keys[3]), NOW));
    let mut to_a_taken_key = pin!(store.replace(&keys[4], &keys[5], &second, &records[4].1, NOW));
    let mut to_a_new_key = pin!(store.replace(&keys[4], &moved, &second, &records[4].1, NOW));
    let mut purged = pin!(store.purge(NOW, 9.try_into().unwrap()));
    assert!(poll!(saved.as_mut()).is_pending());
    assert!(poll!(again.as_mut()).is_pending());
    assert!(poll!(gone.as_mut()).is_pending());
    assert!(poll!(inserted.as_mut()).is_pending());
    assert!(poll!(taken.as_mut()).is_pending());
    assert!(poll!(touched.as_mut()).is_pending());
    assert!(poll!(removed.as_mut()).is_pending());
    assert!(poll!(to_a_taken_key.as_mut()).is_pending());
    assert!(poll!(to_a_new_key.as_mut()).is_pending());
    assert!(poll!(purged.as_mut()).is_pending());
    writing.rollback().await.unwrap();

    assert_eq!(saved.await.unwrap(), Replaced::Done);
    assert_eq!(again.await.unwrap(), Replaced::Conflict(Box::new(second.clone())));
    assert_eq!(gone.await.unwrap(), Replaced::Gone);
    assert_eq!(inserted.await.unwrap(), Inserted::Done);
    assert_eq!(taken.await.unwrap(), Inserted::Taken);
    assert!(touched.await.unwrap());
    assert_eq!(removed.await.unwrap(), 1);
    assert_eq!(to_a_taken_key.await.unwrap_err().kind(), StoreErrorKind::Unavailable);
    assert_eq!(to_a_new_key.await.unwrap(), Replaced::Done);
    assert_eq!(purged.await.unwrap(), 0);
    for (key, expected) in [(keys[0], Some(&second)), (new, Some(&there)), (keys[3], None)] {
        assert_eq!(store.load(&key, NOW).await.unwrap().as_ref(), expected);
    }
    for (key, expected) in [(moved, Some(&second)), (keys[4], None), (keys[5], Some(&records[5].1))] {
        assert_eq!(store.load(&key, NOW).await.unwrap().as_ref(), expected);
    }
}

/// More than stand in one text, and more than are one group.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_crowd_is_written_whole() {
    let file = File::new().await;
    let mut other = file.other().await;
    for crowd in [2, 31, 32, 33, 64, 300] {
        let writing = other.begin_with("BEGIN IMMEDIATE").await.unwrap();
        let tasks: Vec<_> = (0..crowd)
            .map(|_| {
                let store = file.store.clone();
                tokio::spawn(async move { put(&store).await })
            })
            .collect();
        writing.rollback().await.unwrap();
        for written in join_all(tasks).await {
            let (key, record) = written.unwrap();
            assert_eq!(file.store.load(&key, NOW).await.unwrap(), Some(record));
        }
    }
}

/// A group that is kept waiting too long is refused as a whole, and soon: not each of it waits for its own time.
#[tokio::test]
async fn a_group_that_may_not_begin_is_unavailable() {
    let file = File::new().await;
    let mut other = file.other().await;
    let writing = other.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let (keys, there) = ([(); 20].map(|()| new_key()), record(&file.store));
    let writes = keys.iter().map(|key| file.store.insert(key, &there, NOW));
    for refused in join_all(writes).await {
        assert_eq!(refused.unwrap_err().kind(), StoreErrorKind::Unavailable);
    }
    writing.rollback().await.unwrap();
    for key in &keys {
        assert_eq!(file.store.load(key, NOW).await.unwrap(), None);
    }
    put(&file.store).await;
}

/// Whoever goes before their turn has asked nothing; and nobody else is the worse for it.
#[tokio::test]
async fn who_is_cancelled_in_the_queue_writes_nothing() {
    let file = File::new().await;
    let there = record(&file.store);
    let (first, cancelled, last) = (new_key(), new_key(), new_key());
    let mut other = file.other().await;
    let writing = other.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let mut before = pin!(file.store.insert(&first, &there, NOW));
    assert!(poll!(before.as_mut()).is_pending());
    // The writer waits for the other with the first alone.
    for _ in 0..10_000 {
        tokio::task::yield_now().await;
    }
    {
        let mut goes = pin!(file.store.insert(&cancelled, &there, NOW));
        assert!(poll!(goes.as_mut()).is_pending());
    }
    let mut after = pin!(file.store.insert(&last, &there, NOW));
    assert!(poll!(after.as_mut()).is_pending());
    writing.rollback().await.unwrap();
    assert_eq!(before.await.unwrap(), Inserted::Done);
    assert_eq!(after.await.unwrap(), Inserted::Done);
    assert_eq!(file.store.load(&cancelled, NOW).await.unwrap(), None);
}

#[test]
fn a_store_outlives_the_runtime_it_was_made_on() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let first = runtime();
    let file = first.block_on(File::new());
    let (key, there) = first.block_on(put(&file.store));
    drop(first);
    runtime().block_on(async {
        assert_eq!(file.store.load(&key, NOW).await.unwrap(), Some(there));
        put(&file.store).await;
    });
}

/// The last connection to a file takes its log with it.
#[tokio::test]
async fn the_last_clone_closes_the_connections() {
    let File { folder, store } = File::new().await;
    let clone = store.clone();
    put(&store).await;
    drop(store);
    put(&clone).await;
    let log = folder.path().join("s.db-wal");
    assert!(log.exists());
    drop(clone);
    while log.exists() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn an_address_says_how_durable_a_write_is() {
    let folder = tempfile::tempdir().unwrap();
    let url = |parameters| format!("sqlite:{}?{parameters}", folder.path().join("s.db").display());
    for good in [
        "synchronous=full",
        "synchronous=normal&mode=rwc",
        "connections=2",
        "synchronous=normal&connections=1",
    ] {
        put(&SqliteStore::connect(&url(good)).await.unwrap()).await;
    }
    for bad in ["synchronous=off", "synchronous=", "connections=0", "connections=many"] {
        let error = SqliteStore::connect(&url(bad)).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Misconfigured, "{bad}");
        assert!(error.to_string().contains(bad.split('=').next().unwrap()), "{error}");
    }
}
