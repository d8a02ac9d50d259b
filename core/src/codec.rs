//! Between the application's values and the bytes of a record.
//!
//! Data is the text of a JSON object, so it begins with `{`. Another form (compressed, encrypted) begins with another byte, and
//! an older reader then says that it cannot read it; it never takes it for an empty session.

use bytes::Bytes;

use crate::entries::Entries;
use crate::error::{Error, Result};

pub(crate) fn encode(entries: &Entries) -> Bytes {
    entries.to_json().into()
}

pub(crate) fn decode(data: &Bytes) -> Result<Entries> {
    match data.first() {
        Some(b'{') => Entries::from_json(data),
        Some(other) => Err(Error::Undecodable(format!("unknown form {other:#04x}"))),
        None => Err(Error::Undecodable("no data at all".to_owned())),
    }
}
