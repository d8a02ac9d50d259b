//! The parts of a record that no store looks into: a byte, the length of the details in another one, the details, and the data.
//!
//! The byte says what the settings are, whether the data is compressed here, and whether the record is the last that a counter can
//! count.

use std::sync::OnceLock;

use session_core::{Details, Record, SecretKeys, Settings, Version};

use crate::django::{deflate, many_keys};
use crate::visits::{MOST, NOW, settings, use_record, wait};

pub(crate) fn run(input: &[u8]) {
    let &[how, length, ref rest @ ..] = input else { return };
    let Some((details, data)) = rest.split_at_checked(usize::from(length)) else { return };
    let details = Details::decode(details).unwrap_or_else(|_| no_details());
    let data = if how & 1 == 0 { data.to_vec() } else { [&[1], &deflate(data)[..]].concat() };
    let seq = if how & 8 == 0 { 1 } else { u64::MAX };
    let record = Record {
        version: Version { seq, nonce: 1 },
        created_at: NOW,
        last_active: NOW,
        expires_at: NOW,
        account: None,
        secret: None,
        details,
        data: data.into(),
    };
    wait(use_record(record, if how & 2 == 0 { settings() } else { encrypting() }));
}

fn no_details() -> Details {
    Details::decode(&[1, 0, 0, 0, 0, 0, 0]).expect("six empty fields")
}

fn encrypting() -> Settings {
    static SETTINGS: OnceLock<Settings> = OnceLock::new();
    let make = || {
        let begun = settings().with_compression(true).with_encryption_from_now_on(&SecretKeys::new([7; 32]));
        begun.expect("a good secret")
    };
    SETTINGS.get_or_init(make).clone()
}

pub(crate) fn hostile() -> Vec<Vec<u8>> {
    let session = |how: u8, data: &[u8]| [&[how, 0], data].concat();
    let compressed = |json: String| session(b'0', &[&[1], &deflate(json.as_bytes())[..]].concat());
    vec![
        compressed(format!("{{\"a\":\"{}\"}}", "0".repeat(MOST))),
        compressed(format!("{{\"a\":\"{}\"}}", "0".repeat(MOST - 8))),
        compressed(format!("{{\"a\":{}{}}}", "[".repeat(MOST / 3), "]".repeat(MOST / 3))),
        compressed(many_keys(MOST)),
        session(b'0', "{\"a\":".repeat(200_000).as_bytes()),
        session(b'8', b"{\"a\":1}"),
        // With an end at the last moment that 64 bits can say, which is in no calendar.
        [&[b'0', 18, 1, 0, 0, 0, 1, 1, 0xFE][..], &[0xFF; 8], &[1, 0, 0], b"{\"a\":1}"].concat(),
    ]
}
