//! A disk without room, which is a small file system in memory. Only root can mount one.

use std::time::Duration;

use session_core::store::{Filter, Inserted, Replaced, Select, SessionStore, StoreErrorKind};
use session_core::testing::SmallDisk;
use session_core::{ManualClock, Record, RecordKey, Sessions, Settings, Sweeper};
use session_file::FileStore;

use crate::{NOW, files, kind, listed, new_key, next, of_account};

fn large(store: &FileStore) -> Record {
    Record { data: vec![b'x'; 60_000].into(), ..of_account(store, "ada") }
}

/// Writes until there is no more room; what was written till then.
async fn fill(store: &FileStore, record: &Record) -> Vec<RecordKey> {
    let mut written = Vec::new();
    loop {
        let key = new_key();
        match store.insert(&key, record, NOW).await {
            Ok(Inserted::Done) => written.push(key),
            Ok(Inserted::Taken) => panic!("a new key"),
            Err(error) => {
                assert_eq!(error.kind(), StoreErrorKind::Full, "{error}");
                assert!(error.to_string().contains("room"), "{error}");
                written.sort_unstable();
                return written;
            }
        }
    }
}

#[tokio::test]
async fn a_full_disk_is_full_and_nothing_is_half_written() {
    let Some(disk) = SmallDisk::mount("size=1m") else { return };
    let store = FileStore::open(disk.path().join("sessions")).unwrap();
    let record = large(&store);
    let written = fill(&store, &record).await;
    assert!(written.len() > 5, "{}", written.len());
    assert_eq!(listed(&store, Filter::All).await, written);
    assert_eq!(listed(&store, Filter::Account("ada")).await, written);
    assert_eq!(
        files(&disk.path().join("sessions/records")).len(),
        written.len(),
        "no temporary file is left"
    );
    assert_eq!(files(&disk.path().join("sessions/accounts")).len(), written.len());

    let key = written[0];
    let larger = Record { data: vec![b'y'; 200_000].into(), ..next(&record) };
    assert_eq!(kind(store.replace(&key, &key, &larger, &record, NOW).await), StoreErrorKind::Full);
    assert_eq!(store.load(&key, NOW).await.unwrap().as_ref(), Some(&record), "it is as it was");
    // Ending sessions makes room, and needs none.
    assert_eq!(store.remove(Select::One(&written[1]), NOW).await.unwrap(), 1);
    let smaller = Record { data: vec![b'z'; 20_000].into(), ..next(&record) };
    assert_eq!(store.replace(&key, &key, &smaller, &record, NOW).await.unwrap(), Replaced::Done);
    let all = Select::Account { account: "ada", except: None };
    assert_eq!(store.remove(all, NOW).await.unwrap(), written.len() as u64 - 1);
    // A sweeper finds no room for its lease, and makes some.
    let mut written = fill(&store, &record).await;
    written.extend(fill(&store, &smaller).await);
    written.extend(fill(&store, &Record { data: b"{}"[..].into(), ..record.clone() }).await);
    let clock = ManualClock::at(record.expires_at);
    let sessions = Sessions::new(store.clone(), Settings::default().with_clock(clock)).unwrap();
    let sweeper = Sweeper::new(&sessions).with_interval(Duration::from_secs(3600));
    let swept = sweeper.run(tokio::time::sleep(Duration::from_millis(500))).await;
    assert_eq!((swept.removed, swept.failures), (written.len() as u64, 0));
    assert_eq!(store.insert(&new_key(), &record, NOW).await.unwrap(), Inserted::Done);
}

#[tokio::test]
async fn a_disk_that_takes_no_more_files_is_full() {
    let Some(disk) = SmallDisk::mount("size=16m,nr_inodes=100") else { return };
    let store = FileStore::open(disk.path().join("sessions")).unwrap();
    let record = Record { data: "{}".into(), ..large(&store) };
    let written = fill(&store, &record).await;
    assert_eq!(listed(&store, Filter::All).await, written);
    assert_eq!(listed(&store, Filter::Account("ada")).await, written);
}
