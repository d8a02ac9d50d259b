//! What a session takes of memory: in a test binary of its own, as it watches the whole process.
#![cfg(target_os = "linux")]

use std::fs;

use session_core::Clock as _;
use session_core::store::{Inserted, SessionStore};
use session_core::{AnyStore, Record, RecordKey, Sessions, Settings, SystemClock, Version};
use session_memory::MemoryStore;

/// Per session, with the table and what the allocator adds.
const BOUND: usize = 200;
const FROM: usize = 60_000;
/// More than twice as many, so that all of the table has grown between.
const TO: usize = 130_000;

/// What the operating system has given this process.
fn resident() -> usize {
    let statm = fs::read_to_string("/proc/self/statm").expect("Linux has it");
    let pages = statm.split_whitespace().nth(1).and_then(|pages| pages.parse::<usize>().ok());
    pages.expect("its second word is a number of pages") * 4096
}

#[tokio::test]
async fn a_small_session_takes_200_bytes() {
    let record = small_session().await;
    let now = SystemClock.now();
    // Before the first look, so that they are not counted.
    let mut keys = Vec::with_capacity(TO);
    (0..TO).for_each(|_| keys.push(RecordKey::random().unwrap()));
    let store = MemoryStore::new();
    let before = resident();
    let mut most = 0;
    for (n, key) in keys.iter().enumerate() {
        let version = Version { seq: 1, nonce: n as u64 };
        let inserted = store.insert(key, &Record { version, ..record.clone() }, now).await.unwrap();
        assert_eq!(inserted, Inserted::Done);
        if n >= FROM && n % 1000 == 0 {
            most = most.max((resident() - before) / n);
        }
    }
    assert!((100..=BOUND).contains(&most), "{most} bytes per session at the worst moment");
    assert_eq!(store.len(), TO);
}

/// As the store is given it.
async fn small_session() -> Record {
    let store = AnyStore::new(MemoryStore::new());
    let sessions = Sessions::new(store.clone(), Settings::default()).expect("settings that hold");
    let session = sessions.create();
    session.insert("user_id", 12_345_678).expect("a number");
    session.insert("theme", "dark").expect("a text");
    session.save().await.expect("room in memory");
    let handle = session.session_key().expect("it is saved");
    let record = store.load(&handle, SystemClock.now()).await.expect("memory is there");
    record.expect("it is saved")
}
