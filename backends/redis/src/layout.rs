//! Between a record and its bytes.
//!
//! A record is one string, so that there is never a half of it: what is written after a deletion is a whole record or nothing.
//! What scripts look at stands first and has a fixed place; they read these few bytes, however long the data is.
//!
//! | bytes | what |
//! | --- | --- |
//! | 0..4 | `ses1`, the form |
//! | 4..20 | the version: `seq` and `nonce` |
//! | 20..36 | `expires_at` and `last_active`, which a touch writes over |
//! | 36..44 | `created_at` |
//! | 44..77 | whether there is a secret, and its hash |
//! | 77.. | the account, then the details, each after its length; then the data |
//!
//! Numbers are big-endian. A length is 4 bytes; that of an account that is none is [`NONE`].

use bytes::{Buf as _, Bytes};
use session_core::{Details, Head, Record, SecretHash, Time, UndecodableDetails, Version};

/// The first bytes of a record.
pub(crate) const FORM: &[u8; 4] = b"ses1";
/// How many bytes a script reads to know the version and the deadline.
pub(crate) const HEAD: usize = 28;
/// Where the deadline begins.
pub(crate) const DEADLINE: usize = 20;

/// Where both times have ended that a touch writes.
pub(crate) const TIMES: usize = 36;

/// The length of no account.
const NONE: u32 = u32::MAX;

/// A record as it is stored.
pub(crate) fn encode(record: &Record) -> Vec<u8> {
    let details = record.details.encode();
    let account = record.account.as_deref().unwrap_or_default().as_bytes();
    let mut out = Vec::with_capacity(85 + account.len() + details.len() + record.data.len());
    out.extend(FORM);
    out.extend(version(record.version));
    out.extend(deadlines(record.expires_at, record.last_active));
    out.extend(record.created_at.as_millis().to_be_bytes());
    out.push(u8::from(record.secret.is_some()));
    out.extend(record.secret.as_ref().map_or(&[0; 32], SecretHash::as_bytes));
    out.extend(if record.account.is_some() { length(account) } else { NONE.to_be_bytes() });
    out.extend(account);
    out.extend(length(&details));
    out.extend(details);
    out.extend(&record.data);
    out
}

/// A version as scripts compare it: as bytes, for Lua's numbers are too small for it.
pub(crate) fn version(version: Version) -> [u8; 16] {
    ((u128::from(version.seq) << 64) | u128::from(version.nonce)).to_be_bytes()
}

/// What a touch writes.
pub(crate) fn deadlines(expires_at: Time, last_active: Time) -> [u8; 16] {
    let mut out = [0; 16];
    out[..8].copy_from_slice(&expires_at.as_millis().to_be_bytes());
    out[8..].copy_from_slice(&last_active.as_millis().to_be_bytes());
    out
}

/// Of what is longer than a length can say, Redis takes nothing anyway: 512 MB is its limit.
fn length(of: &[u8]) -> [u8; 4] {
    u32::try_from(of.len()).unwrap_or(NONE - 1).to_be_bytes()
}

/// A record from what is stored.
pub(crate) fn decode(stored: impl Into<Bytes>) -> Result<Record, Damaged> {
    let mut rest = stored.into();
    if take(&mut rest, FORM.len(), "form")?[..] != FORM[..] {
        return Err(Damaged("form", None));
    }
    let version = Version { seq: number(&mut rest, "seq")?, nonce: number(&mut rest, "nonce")? };
    let mut time = |part| Ok(Time::from_millis(number(&mut rest, part)?.cast_signed()));
    let (expires_at, last_active, created_at) =
        (time("expires_at")?, time("last_active")?, time("created_at")?);
    let has_secret = take(&mut rest, 1, "secret")?[0];
    let secret = take(&mut rest, 32, "secret")?;
    let secret = match (has_secret, <[u8; 32]>::try_from(&secret[..])) {
        (0, _) => None,
        (1, Ok(hash)) => Some(SecretHash::from_bytes(hash)),
        _ => return Err(Damaged("secret", None)),
    };
    let account = match take(&mut rest, 4, "account")?.get_u32() {
        NONE => None,
        length => {
            let account = take(&mut rest, length as usize, "account")?;
            Some(String::from_utf8(account.into()).map_err(|_| Damaged("account", None))?)
        }
    };
    let length = take(&mut rest, 4, "details")?.get_u32();
    let details = Details::decode(&take(&mut rest, length as usize, "details")?)
        .map_err(|error| Damaged("details", Some(error)))?;
    Ok(Record { version, created_at, last_active, expires_at, account, secret, details, data: rest })
}

fn number(rest: &mut Bytes, part: &'static str) -> Result<u64, Damaged> {
    Ok(take(rest, 8, part)?.get_u64())
}

fn take(rest: &mut Bytes, length: usize, part: &'static str) -> Result<Bytes, Damaged> {
    if rest.len() < length { Err(Damaged(part, None)) } else { Ok(rest.split_to(length)) }
}

/// The deadline of a record, from its first [`HEAD`] bytes; `None` where they are no record's.
pub(crate) fn deadline(head: &[u8]) -> Option<Time> {
    let bytes = head.get(DEADLINE..HEAD)?.try_into().ok()?;
    head.starts_with(FORM).then(|| Time::from_millis(i64::from_be_bytes(bytes)))
}

/// The head of a record, from its first [`TIMES`] bytes; `None` where they are no record's.
pub(crate) fn head(first: &[u8]) -> Option<Head> {
    let mut rest = first.get(FORM.len()..TIMES).filter(|_| first.starts_with(FORM))?;
    let version = Version { seq: rest.get_u64(), nonce: rest.get_u64() };
    let (expires_at, last_active) = (Time::from_millis(rest.get_i64()), Time::from_millis(rest.get_i64()));
    Some(Head { version, last_active, expires_at })
}

/// What is stored is no record that this version writes. What it holds is not told.
#[derive(Debug, thiserror::Error)]
#[error("its `{0}` is damaged, or was written by a later version of this library, or by somebody else")]
pub(crate) struct Damaged(&'static str, #[source] Option<UndecodableDetails>);

#[cfg(test)]
mod tests {

    use super::*;

    fn record() -> Record {
        Record {
            version: Version { seq: u64::MAX - 1, nonce: 1 << 63 },
            created_at: Time::from_millis(-1),
            last_active: Time::from_millis(1_700_000_000_000),
            expires_at: Time::MAX,
            account: Some("Ünï".to_owned()),
            secret: Some(SecretHash::from_bytes([0xFE; 32])),
            // Their form, and six fields that are zero or empty.
            details: Details::decode(&[1, 0, 0, 0, 0, 0, 0]).unwrap(),
            data: Bytes::from_static(b"{}"),
        }
    }

    #[test]
    fn a_record_is_read_back_as_it_was_written() {
        let full = record();
        let mut bare = Record { account: None, secret: None, data: Bytes::new(), ..full.clone() };
        bare.details.meta = session_core::Meta::from([("a".to_owned(), "b".to_owned())]);
        let empty_name = Record { account: Some(String::new()), ..full.clone() };
        for record in [full, bare, empty_name] {
            let stored = encode(&record);
            assert_eq!(deadline(&stored), Some(record.expires_at));
            assert_eq!(head(&stored), Some(record.head()));
            assert_eq!(head(&stored[..TIMES]), Some(record.head()));
            assert_eq!(head(&stored[..TIMES - 1]), None);
            assert_eq!(decode(stored).unwrap(), record);
        }
    }

    #[test]
    fn no_part_of_a_record_is_taken_for_one() {
        let stored = encode(&record());
        let without_data = stored.len() - 2;
        for length in 0..without_data {
            assert!(decode(stored[..length].to_vec()).is_err(), "{length}");
        }
        for (place, value) in [(0, b'S'), (3, b'2'), (44, 2), (81, 0xFF), (77, 0xFE)] {
            let mut damaged = stored.clone();
            damaged[place] = value;
            assert!(decode(damaged).is_err(), "{place}");
        }
    }
}
