//! The conformance kit, and that a folder outlives its store.

use std::cell::Cell;

use session_core::store::{SessionStore, StoreErrorKind};
use session_file::{Durability, FileStore};

use crate::{NOW, Place, kind, new_key, next, put, record};

async fn conforms(durability: Durability) {
    let folder = tempfile::tempdir().unwrap();
    let next = Cell::new(0);
    let make = async || {
        next.set(next.get() + 1);
        FileStore::open(folder.path().join(next.get().to_string())).unwrap().with_durability(durability)
    };
    session_core::testing::conformance(make).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn conforms_when_it_waits_for_the_disk() {
    conforms(Durability::Full).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn conforms_when_it_does_not() {
    conforms(Durability::Fast).await;
}

/// The kit's races again, where no two tasks share a store: as between processes.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_stores_on_one_folder_lose_no_write() {
    let place = Place::new();
    let key = put(&place.store, &record(&place.store)).await;
    let writers: Vec<_> = (0..8)
        .map(|_| {
            let store = place.another();
            tokio::spawn(async move {
                for _ in 0..20 {
                    let mut base = store.load(&key, NOW).await.unwrap().unwrap();
                    while let session_core::store::Replaced::Conflict(fresh) =
                        store.replace(&key, &key, &next(&base), &base, NOW).await.unwrap()
                    {
                        base = *fresh;
                    }
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(place.store.load(&key, NOW).await.unwrap().unwrap().version.seq, 1 + 8 * 20);
}

#[tokio::test]
async fn a_folder_outlives_its_store() {
    let place = Place::new();
    assert!(place.store.capabilities().durable && place.store.capabilities().shared);
    let record = record(&place.store);
    let key = put(&place.store, &record).await;
    assert_eq!(place.another().load(&key, NOW).await.unwrap(), Some(record));
}

/// Rotation leaves the key as it is, so moving a record is what this store is never asked for.
#[tokio::test]
async fn a_record_keeps_its_key() {
    let place = Place::new();
    let record = record(&place.store);
    let key = put(&place.store, &record).await;
    let moved = place.store.replace(&key, &new_key(), &next(&record), &record, NOW).await;
    assert_eq!(kind(moved), StoreErrorKind::Unsupported);
    assert_eq!(place.store.load(&key, NOW).await.unwrap(), Some(record));
}
