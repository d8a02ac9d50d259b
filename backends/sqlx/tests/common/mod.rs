//! What the tests of the engines share.

#![allow(dead_code, reason = "each test program uses a part of it")]

use session_core::store::{Inserted, SessionStore, StoreError};
use session_core::testing::store::sample;
use session_core::{AnyStore, Record, RecordKey, Time, Version};

pub(crate) const NOW: Time = Time::from_millis(1_700_000_000_000);

pub(crate) fn new_key() -> RecordKey {
    RecordKey::random().unwrap()
}

/// A record with something in each column.
pub(crate) fn record(store: &(impl SessionStore + Clone)) -> Record {
    Record { account: Some("ada".to_owned()), ..sample(&AnyStore::new(store.clone()), NOW) }
}

pub(crate) async fn put(store: &(impl SessionStore + Clone)) -> (RecordKey, Record) {
    let (key, record) = (new_key(), record(store));
    assert_eq!(store.insert(&key, &record, NOW).await.unwrap(), Inserted::Done);
    (key, record)
}

/// What another write makes of it.
pub(crate) fn next(record: &Record) -> Record {
    let version = Version { seq: record.version.seq + 1, nonce: 5 };
    Record { version, ..record.clone() }
}

/// All that a log could show of an error.
pub(crate) fn everything(error: &StoreError) -> String {
    let mut told = vec![format!("{error} {error:?}")];
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        told.push(format!("{error} {error:?}"));
        source = error.source();
    }
    told.join(" ")
}
