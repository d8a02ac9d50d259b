//! Records for the kit, in the format of the store that is tested.

use std::time::Duration;

use bytes::Bytes;

use crate::any_store::AnyStore;
use crate::backend::Backend;
use crate::clock::Time;
use crate::codec::Codec;
use crate::details::Details;
use crate::expiry::Expiry;
use crate::id::{RecordKey, SecretHash, TokenFormat};
use crate::record::{Previous, Record, Rotated, Version};
use crate::settings::Settings;
use crate::store::SessionStore;

const HOUR: Duration = Duration::from_secs(3600);
const MOST: usize = 16 << 20;

/// A record with something in each field that this kind of store keeps. It lasts an hour.
///
/// # Panics
///
/// Where the store is one of Django's tables or files without
/// [`AnyStore::with_django_format`](crate::AnyStore::with_django_format).
pub fn sample(store: &AnyStore, now: Time) -> Record {
    let mut details = Details::new(now);
    details.expiry = Some(Expiry::Inactivity(HOUR));
    if is_split(store) {
        details.absolute_at = Some(now + 24 * HOUR);
        details.authenticated_at = Some(now);
        details.previous =
            Some(Previous { secret: SecretHash::from_bytes([3; 32]), why: Rotated::Renewal, until: None });
        details.meta =
            crate::Meta::from([("user_agent".to_owned(), "A \"browser\"; with \\ and \u{1F36A}".to_owned())]);
    }
    let record = Record {
        version: version(1),
        created_at: now,
        last_active: now,
        expires_at: now + HOUR,
        account: None,
        secret: is_split(store).then(|| SecretHash::from_bytes([0xFE; 32])),
        details,
        data: Bytes::new(),
    };
    with_data(store, &record, r#"{"a":1}"#)
}

/// The same with this JSON object for its data.
pub(super) fn with_data(store: &AnyStore, record: &Record, json: &str) -> Record {
    let mut record = Record { data: json.to_owned().into(), ..record.clone() };
    codec(store).write(&any_key(), &mut record, MOST).expect("it can be written");
    record
}

/// The record's JSON object.
pub(super) fn data(store: &AnyStore, record: &Record) -> String {
    let content = codec(store).read(&any_key(), &mut record.clone(), MOST).expect("it can be read");
    String::from_utf8(content.entries.to_json()).expect("JSON is text")
}

/// What the next write would store, without a change.
pub(super) fn next(store: &AnyStore, record: &Record) -> Record {
    let next = Record { version: version(record.version.seq + 1), ..record.clone() };
    // Where there is no column for a version the text is another one.
    if is_split(store) { next } else { with_data(store, &next, &data(store, record)) }
}

/// Of a record, what this kind of store keeps: where the rest has no columns, it stands in the data.
pub(super) fn kept(store: &AnyStore, record: Record) -> Record {
    if is_split(store) {
        return record;
    }
    let never = Time::from_millis(0);
    Record {
        created_at: never,
        last_active: never,
        account: None,
        secret: None,
        details: Details::new(never),
        ..record
    }
}

/// The highest bit is set: a store that keeps signed numbers must give it back.
pub(super) fn version(seq: u64) -> Version {
    Version { seq, nonce: random() | 1 << 63 }
}

pub(super) fn random() -> u64 {
    crate::id::random_nonce().expect("random bytes")
}

pub(super) fn is_split(store: &AnyStore) -> bool {
    store.capabilities().tokens == TokenFormat::Split
}

fn codec(store: &AnyStore) -> Codec {
    let backend = Backend::Server(store.clone());
    Settings::default().codec(&backend).expect("a store of Django's has its format")
}

/// What is neither encrypted nor sealed is the same under every key.
fn any_key() -> RecordKey {
    RecordKey::random().expect("random bytes")
}
