//! The bytes of a record's file.
//!
//! | offset | bytes | what |
//! | --- | --- | --- |
//! | 0 | 1 | the format: 1 |
//! | 1 | 1 | which optional parts there are: 1 an account, 2 a secret |
//! | 2 | 12 | the lengths of account, details and data |
//! | 14 | 16 | the version: counter and nonce |
//! | 30 | 24 | created, last active, expires: milliseconds since 1970 |
//! | 54 | 32 | the secret's SHA-256, or zeros |
//! | 86 | | account, details, data |
//! | at the end | 16 | the first half of the SHA-256 of the key's length, the key, and all of the above |
//!
//! Numbers are little-endian. With the key in the checksum, a file that was copied or renamed is no record.

use bytes::Bytes;
use session_core::{Details, Head, Record, RecordKey, SecretHash, Time, Version};
use sha2::{Digest, Sha256};

const FORMAT: u8 = 1;
const HAS_ACCOUNT: u8 = 1;
const HAS_SECRET: u8 = 2;
const CHECKSUM: usize = 16;

/// How many bytes come before account, details and data.
pub(crate) const HEAD: usize = 86;

/// The record's file. A part of 4 GiB or more does not fit, and is none that core would store.
pub(crate) fn encode(key: &RecordKey, record: &Record) -> Option<Vec<u8>> {
    let details = record.details.encode();
    let account = record.account.as_deref().unwrap_or_default().as_bytes();
    let parts = [account, &details, &record.data];
    let present =
        u8::from(record.account.is_some()) * HAS_ACCOUNT + u8::from(record.secret.is_some()) * HAS_SECRET;
    let mut file = Vec::with_capacity(HEAD + parts.iter().map(|part| part.len()).sum::<usize>() + CHECKSUM);
    file.extend([FORMAT, present]);
    for part in parts {
        file.extend(u32::try_from(part.len()).ok()?.to_le_bytes());
    }
    file.extend(record.version.seq.to_le_bytes());
    file.extend(record.version.nonce.to_le_bytes());
    for time in [record.created_at, record.last_active, record.expires_at] {
        file.extend(time.as_millis().to_le_bytes());
    }
    file.extend(record.secret.as_ref().map_or(&[0; 32], SecretHash::as_bytes));
    parts.iter().for_each(|part| file.extend_from_slice(part));
    file.extend(checksum(key, &file));
    Some(file)
}

/// The record in a file that was found under this key.
pub(crate) fn decode(key: &RecordKey, file: Vec<u8>) -> Result<Record, Damaged> {
    let damaged = |what| Damaged { key: *key, what };
    if file.first() != Some(&FORMAT) {
        return Err(damaged("its format is unknown"));
    }
    let end = file.len().checked_sub(CHECKSUM).filter(|end| *end >= HEAD).ok_or(damaged("it is cut off"))?;
    if file[end..] != checksum(key, &file[..end]) {
        return Err(damaged("its checksum is wrong"));
    }
    // From here on this is what was written; only another program that knows the format could have written it wrong.
    read(file, end).ok_or(damaged("its parts do not fit"))
}

fn read(file: Vec<u8>, end: usize) -> Option<Record> {
    let mut head = Reader(&file[1..HEAD]);
    let present = head.take::<1>()?[0];
    let mut lengths = [0; 3];
    for length in &mut lengths {
        *length = usize::try_from(u32::from_le_bytes(head.take()?)).ok()?;
    }
    let version = Version { seq: u64::from_le_bytes(head.take()?), nonce: u64::from_le_bytes(head.take()?) };
    let mut time = || Some(Time::from_millis(i64::from_le_bytes(head.take()?)));
    let (created_at, last_active, expires_at) = (time()?, time()?, time()?);
    let secret = SecretHash::from_bytes(head.take()?);
    let (account, rest) = file[HEAD..end].split_at_checked(lengths[0])?;
    let (details, data) = rest.split_at_checked(lengths[1])?;
    if data.len() != lengths[2] || present > HAS_ACCOUNT + HAS_SECRET {
        return None;
    }
    let account = std::str::from_utf8(account).ok()?;
    let account = (present & HAS_ACCOUNT != 0).then(|| account.to_owned());
    let details = Details::decode(details).ok()?;
    let data = end - data.len()..end;
    Some(Record {
        version,
        created_at,
        last_active,
        expires_at,
        account,
        secret: (present & HAS_SECRET != 0).then_some(secret),
        details,
        data: Bytes::from(file).slice(data),
    })
}

/// The head of a record, from the first [`HEAD`] bytes of its file; `None` where they are no record's.
pub(crate) fn head(beginning: &[u8]) -> Option<Head> {
    let (FORMAT, mut fixed) = (*beginning.first()?, Reader(beginning.get(14..54)?)) else { return None };
    let version =
        Version { seq: u64::from_le_bytes(fixed.take()?), nonce: u64::from_le_bytes(fixed.take()?) };
    let mut time = || Some(Time::from_millis(i64::from_le_bytes(fixed.take()?)));
    let (_created_at, last_active, expires_at) = (time()?, time()?, time()?);
    Some(Head { version, last_active, expires_at })
}

fn checksum(key: &RecordKey, bytes: &[u8]) -> [u8; CHECKSUM] {
    let key = key.as_str().as_bytes();
    // At most 40.
    let length = u8::try_from(key.len()).unwrap_or_default();
    let hash = Sha256::new().chain_update([length]).chain_update(key).chain_update(bytes).finalize();
    let mut half = [0; CHECKSUM];
    half.copy_from_slice(&hash[..CHECKSUM]);
    half
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }
}

/// A file is no record: torn, damaged, or written by a later version. Of its key only what `Debug` shows is told.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the file of {key:?}: {what}")]
pub(crate) struct Damaged {
    key: RecordKey,
    what: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;
    use session_core::AnyStore;
    use session_core::testing::store::sample;

    const NOW: Time = Time::from_millis(1_700_000_000_000);

    fn key() -> RecordKey {
        "kqpt0w3ws4gc1dtw8cm7h8wnx".parse().unwrap()
    }

    fn record() -> Record {
        let folder = tempfile::tempdir().unwrap();
        let store = crate::FileStore::open(folder.path().join("s")).unwrap();
        Record { account: Some("Ünï".to_owned()), ..sample(&AnyStore::new(store), NOW) }
    }

    #[test]
    fn a_record_is_read_back_as_it_was_written() {
        let full = record();
        let bare = Record { account: None, secret: None, data: Bytes::new(), ..full.clone() };
        let nobody = Record { account: Some(String::new()), ..full.clone() };
        for record in [full, bare, nobody] {
            let file = encode(&key(), &record).unwrap();
            assert_eq!(decode(&key(), file).unwrap(), record);
        }
    }

    /// T29: no prefix and no changed byte of a record is a record, and none of them panics.
    #[test]
    fn what_is_torn_or_damaged_is_no_record() {
        let good = encode(&key(), &record()).unwrap();
        for end in 0..good.len() {
            assert!(decode(&key(), good[..end].to_vec()).is_err(), "cut off at {end}");
        }
        for at in 0..good.len() {
            for bit in 0..8 {
                let mut bad = good.clone();
                bad[at] ^= 1 << bit;
                assert!(decode(&key(), bad).is_err(), "bit {bit} of byte {at}");
            }
        }
        assert!(decode(&key(), [&good[..], b"\0"].concat()).is_err(), "a byte too many");
        assert!(decode(&key(), vec![0; good.len()]).is_err(), "what a power failure may leave");
    }

    /// A checksum that is right guards against accidents; lengths that lie must not do more than fail.
    #[test]
    fn lengths_that_lie_are_refused() {
        let good = encode(&key(), &record()).unwrap();
        for (at, length) in [(2, u32::MAX), (6, u32::MAX), (10, 0), (10, 8), (2, 0)] {
            let mut bad = good[..good.len() - CHECKSUM].to_vec();
            bad[at..at + 4].copy_from_slice(&length.to_le_bytes());
            bad.extend(checksum(&key(), &bad));
            assert!(decode(&key(), bad).is_err(), "{length} at {at}");
        }
    }

    #[test]
    fn a_file_under_another_key_is_no_record() {
        let file = encode(&key(), &record()).unwrap();
        assert!(decode(&"kqpt0w3ws4gc1dtw8cm7h8wny".parse().unwrap(), file).is_err());
    }
}
