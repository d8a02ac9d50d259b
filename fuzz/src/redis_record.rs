//! What Redis has under a session's key.

use session_core::testing::store::sample;
use session_core::{AnyStore, Details, Record};
use session_redis::fuzzing::{decode, encode};

use crate::visits::{NOW, settings, use_record, wait};

pub(crate) fn run(input: &[u8]) {
    // Details are read by two readers, one of them written by hand.
    if let Ok(details) = Details::decode(input) {
        assert_eq!(Details::decode(&details.encode()), Ok(details));
    }
    let Some(record) = decode(input) else { return };
    assert_eq!(decode(&encode(&record)).as_ref(), Some(&record), "it is written as it was read");
    wait(use_record(record, settings()));
}

pub(crate) fn hostile() -> Vec<Vec<u8>> {
    let record = sample(&AnyStore::new(session_backends::memory::MemoryStore::new()), NOW);
    let bare = Record {
        account: Some("ada".to_owned()),
        secret: None,
        details: Details::decode(&[1, 0, 0, 0, 0, 0, 0]).expect("six empty fields"),
        ..record.clone()
    };
    let good = encode(&record);
    let lie = |at: usize| {
        let mut stored = good.clone();
        stored[at..at + 4].copy_from_slice(&0xFFFF_FFFE_u32.to_be_bytes());
        stored
    };
    vec![good.clone(), encode(&bare), record.details.encode(), lie(77), lie(81), vec![b's'; 1 << 20]]
}
