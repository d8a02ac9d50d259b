//! An SQLite file on a disk without room. Only root can mount one.

#![expect(clippy::unwrap_used, reason = "a test fails where it is")]

mod common;

use std::collections::BTreeMap;

use common::{NOW, new_key, next, record};
use session_core::store::{Filter, Inserted, Replaced, Select, SessionStore, StoreErrorKind};
use session_core::testing::SmallDisk;
use session_core::{Record, RecordKey};
use session_sqlx::SqliteStore;

/// Writes until there is no more room; what was written till then.
async fn fill(store: &SqliteStore, record: &Record) -> BTreeMap<RecordKey, Record> {
    let mut written = BTreeMap::new();
    loop {
        let key = new_key();
        match store.insert(&key, record, NOW).await {
            Ok(Inserted::Done) => _ = written.insert(key, record.clone()),
            Ok(Inserted::Taken) => panic!("a new key"),
            Err(error) => {
                is_full::<()>(Err(error));
                return written;
            }
        }
    }
}

async fn listed(store: &SqliteStore, of: Filter<'_>) -> BTreeMap<RecordKey, Record> {
    store.page(of, None, 1_000.try_into().unwrap(), NOW).await.unwrap().records.into_iter().collect()
}

/// Of the disk, what somebody else takes and gives back.
const BALLAST: usize = 300 << 10;

#[tokio::test]
async fn a_full_disk_is_full_and_nothing_is_half_written() {
    let Some(disk) = SmallDisk::mount("size=1m") else { return };
    let (path, ballast) = (disk.path().join("sessions.db"), disk.path().join("ballast"));
    std::fs::write(&ballast, vec![b'x'; BALLAST]).unwrap();
    let store = SqliteStore::connect(path.to_str().unwrap()).await.unwrap();
    let large = Record { data: vec![b'x'; 30_000].into(), ..record(&store) };
    let mut written = fill(&store, &large).await;
    assert!(written.len() > 3, "{}", written.len());
    assert_eq!(listed(&store, Filter::All).await, written);
    assert_eq!(listed(&store, Filter::Account("ada")).await, written);

    let key = *written.keys().next().unwrap();
    let larger = Record { data: vec![b'y'; 300_000].into(), ..next(&large) };
    is_full(store.replace(&key, &key, &larger, &large, NOW).await);
    assert_eq!(store.load(&key, NOW).await.unwrap().as_ref(), Some(&large), "it is as it was");
    // The log of what is to be done needs room as well, for a removal too: then it says so.
    let removed = store.remove(Select::One(&key), NOW).await;
    if removed.is_ok() {
        written.remove(&key);
    } else {
        is_full(removed);
    }
    assert_eq!(listed(&store, Filter::All).await, written);

    // Somebody has made room.
    std::fs::remove_file(ballast).unwrap();
    let key = *written.keys().next().unwrap();
    let small = Record { data: vec![b'z'; 1_000].into(), ..next(&large) };
    assert_eq!(store.replace(&key, &key, &small, &large, NOW).await.unwrap(), Replaced::Done);
    written.insert(key, small);
    let other = *written.keys().nth(1).unwrap();
    assert_eq!(store.remove(Select::One(&other), NOW).await.unwrap(), 1);
    written.remove(&other);
    assert_eq!(listed(&store, Filter::All).await, written);
    // As another process finds it, which begins with the log that was left.
    let another = SqliteStore::connect(path.to_str().unwrap()).await.unwrap();
    assert_eq!(listed(&another, Filter::Account("ada")).await, written);
}

fn is_full<T: std::fmt::Debug>(answer: session_core::store::StoreResult<T>) {
    let error = answer.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Full, "{}", common::everything(&error));
    assert!(error.to_string().contains("room"), "{error}");
}
