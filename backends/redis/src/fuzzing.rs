//! What the fuzzer of this project reaches without a server. It is for nobody else, and may change at any time.

use session_core::Record;

use crate::address::Address;
use crate::layout;

/// What a store reads where these bytes are stored under a session's key.
pub fn decode(stored: &[u8]) -> Option<Record> {
    let (_deadline, _head) = (layout::deadline(stored), layout::head(stored));
    layout::decode(stored.to_vec()).ok()
}

/// What it stores.
pub fn encode(record: &Record) -> Vec<u8> {
    layout::encode(record)
}

/// Why this is no address of Redis; `None` where it is one.
pub fn refuses(url: &str) -> Option<String> {
    Address::parse(url).err().map(|error| format!("{error} {error:?}"))
}
