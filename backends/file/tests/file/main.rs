//! The conformance kit, and what is special to a folder: who may be in it, what lies in it, its locks, its index, its disk.

#![expect(clippy::unwrap_used, reason = "a test fails where what it is made of fails")]

mod accounts;
mod conformance;
mod damage;
mod disk;
mod locks;
mod purge;
mod trust;

use std::fs;
use std::path::{Path, PathBuf};

use session_core::store::{Filter, Inserted, SessionStore, StoreErrorKind, StoreResult};
use session_core::testing::store::sample;
use session_core::{AnyStore, Record, RecordKey, Time, Version};
use session_file::FileStore;
use tempfile::TempDir;

const NOW: Time = Time::from_millis(1_700_000_000_000);

/// A store in a folder that goes with the test.
struct Place {
    folder: TempDir,
    store: FileStore,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = FileStore::open(folder.path().join("sessions")).unwrap();
        Self { folder, store }
    }

    /// Under the folder of the store.
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("sessions").join(name)
    }

    fn file_of(&self, key: &RecordKey) -> PathBuf {
        self.path("records").join(&key.as_str()[..2]).join(key.as_str())
    }

    /// The store as another process has it.
    fn another(&self) -> FileStore {
        FileStore::open(self.path("")).unwrap()
    }
}

fn new_key() -> RecordKey {
    RecordKey::random().unwrap()
}

fn record(store: &FileStore) -> Record {
    sample(&AnyStore::new(store.clone()), NOW)
}

fn of_account(store: &FileStore, account: &str) -> Record {
    Record { account: Some(account.to_owned()), ..record(store) }
}

fn next(record: &Record) -> Record {
    let version = Version { seq: record.version.seq + 1, nonce: record.version.nonce + 1 };
    Record { version, ..record.clone() }
}

async fn put(store: &FileStore, record: &Record) -> RecordKey {
    let key = new_key();
    assert_eq!(store.insert(&key, record, NOW).await.unwrap(), Inserted::Done);
    key
}

async fn listed(store: &FileStore, of: Filter<'_>) -> Vec<RecordKey> {
    let page = store.page(of, None, 1_000.try_into().unwrap(), NOW).await.unwrap();
    assert_eq!(page.next, None);
    page.records.into_iter().map(|(key, _)| key).collect()
}

fn kind<T: std::fmt::Debug>(answer: StoreResult<T>) -> StoreErrorKind {
    answer.unwrap_err().kind()
}

/// All files under a folder, with their folders before them.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else { return found };
    for entry in entries {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found.sort();
    found
}
