//! A record in as little memory as it needs.
//!
//! A [`Record`] is a key of 41 bytes and some 350 more, with the parts that it does not have. Here it is one allocation, and a table
//! holds 8 bytes of it:
//!
//! ```text
//! count of holders · nonce · expires_at · created_at · length │ lead key [secret] seq last_active [account] details data
//! ```
//!
//! What every look needs is at the front, with its full width; the rest is written as short as it is. It is shared, so that a lock is
//! held only until the record is found, and a reader unpacks it afterwards.

use std::error::Error;

use bytes::Bytes;
use session_core::store::{StoreError, StoreErrorKind, StoreResult};
use session_core::{Details, Head, Record, RecordKey, SecretHash, Time, Version};
use triomphe::ThinArc;

#[derive(Clone)]
pub(crate) struct Packed(ThinArc<Front, u8>);

#[derive(Clone, Copy)]
struct Front {
    nonce: u64,
    expires_at: Time,
    created_at: Time,
}

/// The lead byte is the key's length, at most 40, and these.
const HAS_SECRET: u8 = 0x40;
const HAS_ACCOUNT: u8 = 0x80;
const SECRET: usize = 32;
/// Of most sessions, at most.
const DETAILS: usize = 24;

/// From this many bytes on a reader shares the data with the store: less is copied faster than shared.
const SHARED: usize = 4096;

impl Packed {
    pub(crate) fn new(key: &RecordKey, record: &Record) -> Self {
        // All of them, so that a new field of a record is not forgotten here.
        let Record { version, created_at, last_active, expires_at, account, secret, details, data } = record;
        let (key, account) = (key.as_bytes(), account.as_deref());
        let most = 1 + key.len() + SECRET + 4 * VARINT + account.map_or(0, str::len) + DETAILS + data.len();
        let mut out = Vec::with_capacity(most);
        let flag = |there: bool, flag: u8| if there { flag } else { 0 };
        // A key has at most 40 characters.
        let length = u8::try_from(key.len()).unwrap_or_default();
        out.push(length | flag(secret.is_some(), HAS_SECRET) | flag(account.is_some(), HAS_ACCOUNT));
        out.extend_from_slice(key);
        if let Some(secret) = secret {
            out.extend_from_slice(secret.as_bytes());
        }
        put_number(&mut out, version.seq);
        put_signed(&mut out, last_active.as_millis().wrapping_sub(created_at.as_millis()));
        if let Some(account) = account {
            put_number(&mut out, account.len() as u64);
            out.extend_from_slice(account.as_bytes());
        }
        put_details(&mut out, details);
        out.extend_from_slice(data);
        let front = Front { nonce: version.nonce, expires_at: *expires_at, created_at: *created_at };
        Self(ThinArc::from_header_and_slice(front, &out))
    }

    pub(crate) fn key(&self) -> &[u8] {
        crate::work::note();
        let length = usize::from(self.lead() & !(HAS_SECRET | HAS_ACCOUNT));
        &self.0.slice[1..=length]
    }

    /// The key as a store's user knows it.
    pub(crate) fn record_key(&self) -> Option<RecordKey> {
        std::str::from_utf8(self.key()).ok()?.parse().ok()
    }

    pub(crate) fn expires_at(&self) -> Time {
        crate::work::note();
        self.0.header.header.expires_at
    }

    pub(crate) fn is_live(&self, now: Time) -> bool {
        self.expires_at() > now
    }

    pub(crate) fn version(&self) -> Version {
        let (_, mut rest) = self.secret_and_rest();
        Version { seq: rest.number(), nonce: self.0.header.header.nonce }
    }

    pub(crate) fn head(&self) -> Head {
        let (_, mut rest) = self.secret_and_rest();
        let version = Version { seq: rest.number(), nonce: self.0.header.header.nonce };
        let last_active = rest.after(self.0.header.header.created_at);
        Head { version, last_active, expires_at: self.expires_at() }
    }

    pub(crate) fn secret(&self) -> Option<SecretHash> {
        self.secret_and_rest().0
    }

    pub(crate) fn has_account(&self) -> bool {
        self.lead() & HAS_ACCOUNT != 0
    }

    pub(crate) fn account(&self) -> Option<&str> {
        if !self.has_account() {
            return None;
        }
        let (_, mut rest) = self.secret_and_rest();
        let (_seq, _last_active) = (rest.number(), rest.number());
        std::str::from_utf8(rest.part()).ok()
    }

    /// The record as it was put in. An error where these bytes are none, which cannot be, as only [`new`](Self::new) makes them.
    pub(crate) fn record(&self) -> StoreResult<Record> {
        let (secret, mut rest) = self.secret_and_rest();
        let Front { nonce, expires_at, created_at } = self.0.header.header;
        let seq = rest.number();
        let last_active = rest.after(created_at);
        let account = if self.has_account() {
            Some(str::from_utf8(rest.part()).map_err(unreadable)?.to_owned())
        } else {
            None
        };
        let details = rest.part();
        Ok(Record {
            version: Version { seq, nonce },
            created_at,
            last_active,
            expires_at,
            account,
            secret,
            details: Details::decode(details).map_err(unreadable)?,
            data: self.last(rest.0.len()),
        })
    }

    /// So many bytes at the end.
    fn last(&self, length: usize) -> Bytes {
        let from = self.0.slice.len() - length;
        if length < SHARED {
            return Bytes::copy_from_slice(&self.0.slice[from..]);
        }
        Bytes::from_owner(Shared(self.clone())).slice(from..)
    }

    /// The same write, with another deadline.
    pub(crate) fn touched(&self, key: &RecordKey, until: Time, now: Time) -> StoreResult<Self> {
        Ok(Self::new(key, &Record { expires_at: until, last_active: now, ..self.record()? }))
    }

    /// Whether this is that very one, and not only equal to it.
    pub(crate) fn is(&self, that: &Self) -> bool {
        self.0.ptr() == that.0.ptr()
    }

    pub(crate) fn is_large(&self) -> bool {
        self.0.slice.len() >= SHARED
    }

    fn lead(&self) -> u8 {
        self.0.slice[0]
    }

    /// What follows the key.
    fn secret_and_rest(&self) -> (Option<SecretHash>, Reader<'_>) {
        let mut rest = Reader(&self.0.slice[1 + self.key().len()..]);
        let secret = (self.lead() & HAS_SECRET != 0).then(|| rest.take(SECRET).try_into().ok()).flatten();
        (secret.map(SecretHash::from_bytes), rest)
    }
}

/// What a reader's data is a part of.
struct Shared(Packed);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        &self.0.0.slice
    }
}

/// The bytes of a number, at most: seven bits in each.
const VARINT: usize = 10;

/// After their length, of which one byte is enough for most.
fn put_details(out: &mut Vec<u8>, details: &Details) {
    let at = out.len();
    out.push(0);
    details.encode_to(out);
    match u8::try_from(out.len() - at - 1) {
        Ok(length) if length < 0x80 => out[at] = length,
        _ => {
            let long = out.split_off(at + 1);
            out.pop();
            put_number(out, long.len() as u64);
            out.extend_from_slice(&long);
        }
    }
}

fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

/// So that a small one is short on either side of zero.
fn put_signed(out: &mut Vec<u8>, number: i64) {
    put_number(out, ((number << 1) ^ (number >> 63)).cast_unsigned());
}

fn unreadable(source: impl Error + Send + Sync + 'static) -> StoreError {
    StoreError::new(StoreErrorKind::Undecodable, "a session in memory cannot be read").with_source(source)
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at_checked(length).unwrap_or_default();
        self.0 = rest;
        taken
    }

    fn number(&mut self) -> u64 {
        let (mut number, mut shift) = (0, 0);
        while let Some(byte) = self.0.split_off_first() {
            number |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 || shift > u64::BITS {
                break;
            }
        }
        number
    }

    fn signed(&mut self) -> i64 {
        let number = self.number();
        (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
    }

    /// A time that is written as how long it is after this one.
    fn after(&mut self, time: Time) -> Time {
        Time::from_millis(time.as_millis().wrapping_add(self.signed()))
    }

    fn part(&mut self) -> &'a [u8] {
        let length = usize::try_from(self.number()).unwrap_or(usize::MAX);
        self.take(length)
    }
}

#[cfg(test)]
mod tests {
    use session_core::AnyStore;
    use session_core::testing::store::sample;

    use super::*;
    use crate::MemoryStore;

    /// `[records_are_read_back_as_written]`, at the edges of each part.
    #[test]
    fn a_record_is_unpacked_as_it_was_packed() {
        let plain = sample(&AnyStore::new(MemoryStore::new()), Time::from_millis(1_700_000_000_000));
        let key = RecordKey::random().unwrap();
        for at in [i64::MIN, -1, 0, 63, 64, 1_700_000_000_000, i64::MAX].map(Time::from_millis) {
            for seq in [0, 1, 127, 128, u64::MAX] {
                for account in [None, Some(String::new()), Some("Ünïcode".repeat(20))] {
                    for length in [0, 1, SHARED - 1, SHARED] {
                        let record = Record {
                            version: Version { seq, nonce: u64::MAX - seq },
                            created_at: at,
                            secret: account.is_none().then_some(SecretHash::from_bytes([7; SECRET])),
                            account: account.clone(),
                            data: vec![b'x'; length].into(),
                            ..plain.clone()
                        };
                        let packed = Packed::new(&key, &record);
                        assert_eq!(packed.record_key(), Some(key));
                        assert_eq!(packed.account(), record.account.as_deref());
                        assert_eq!(packed.secret(), record.secret);
                        assert_eq!(packed.version(), record.version);
                        assert_eq!(packed.head(), record.head());
                        assert_eq!(packed.record().unwrap(), record);
                    }
                }
            }
        }
    }

    #[test]
    fn large_data_is_shared_with_its_reader() {
        let plain = sample(&AnyStore::new(MemoryStore::new()), Time::from_millis(0));
        let record = Record { data: vec![b'x'; SHARED].into(), ..plain };
        let packed = Packed::new(&RecordKey::random().unwrap(), &record);
        let read = packed.record().unwrap();
        let within = packed.0.slice.as_ptr_range();
        assert!(within.contains(&read.data.as_ptr()));
        drop(packed);
        assert_eq!(read, record);
    }
}
