//! What a store keeps of a session.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::clock::Time;
use crate::expiry::Expiry;
use crate::id::SecretHash;
use crate::meta::Meta;

/// A session as it lies in a store.
///
/// The fields up to `data` are what a store may want in columns of its own: what it orders by, indexes, compares or changes
/// without the rest. [`Details`] are one opaque value to it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a store makes records from what it has read")]
pub struct Record {
    /// Which write this is.
    pub version: Version,
    /// When the session began. Rotation does not change it.
    pub created_at: Time,
    /// The last write or, where use counts as activity, the last recorded use.
    pub last_active: Time,
    /// From this moment on the record is as if it were not there.
    pub expires_at: Time,
    /// Who is signed in. Indexed.
    pub account: Option<String>,
    /// The hash of the secret that opens it; none in Django's format, where the key is all there is.
    pub secret: Option<SecretHash>,
    /// What only core reads.
    pub details: Details,
    /// The application's values, as the codec wrote them.
    pub data: Bytes,
}

impl Record {
    /// Whether the session has not ended by time.
    pub fn is_live(&self, now: Time) -> bool {
        self.expires_at > now
    }

    /// What changes about it.
    pub fn head(&self) -> Head {
        Head { version: self.version, last_active: self.last_active, expires_at: self.expires_at }
    }

    /// This copy as the record is at present, if `head` is of the same write; `None` where the copy is of another.
    ///
    /// ```
    /// # use session_core::{Head, Record, Time};
    /// # fn f(copy: Record, now: Time) {
    /// let touched = Head { last_active: now, ..copy.head() };
    /// assert_eq!(copy.with_head(touched).map(|record| record.last_active), Some(now));
    /// # }
    /// ```
    pub fn with_head(self, head: Head) -> Option<Self> {
        let Head { version, last_active, expires_at } = head;
        (self.version == version).then_some(Self { last_active, expires_at, ..self })
    }
}

/// What changes about a stored session, without what it holds. Whoever has a copy of a record, and its present head with the same
/// version, has the record: see [`Record::with_head`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a store makes heads from what it has read")]
pub struct Head {
    /// Which write this is.
    pub version: Version,
    /// The last write or recorded use. A touch changes it, and the version stays.
    pub last_active: Time,
    /// When the session ends. A touch changes this too.
    pub expires_at: Time,
}

/// Which write made a record: a counter for order, and random bits that the writer drew. After an error that does not say
/// whether the write was done, the writer reads the record once and knows its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "a store makes versions from what it has read")]
pub struct Version {
    /// One more than the version that was replaced; 1 for a new record. [`UNORDERED`](Self::UNORDERED) where the format has no
    /// place for it.
    pub seq: u64,
    /// Drawn anew for each write.
    pub nonce: u64,
}

impl Version {
    /// The `seq` of versions that can be told apart, but not ordered: Django's.
    pub const UNORDERED: u64 = 0;
}

/// The part of a record that no store needs to look into.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Details {
    /// When the session ends however busy it is.
    pub absolute_at: Option<Time>,
    /// When it got its present secret.
    pub rotated_at: Time,
    /// When somebody last signed in.
    pub authenticated_at: Option<Time>,
    /// The session's own expiry, in place of the settings'.
    pub expiry: Option<Expiry>,
    /// The secret before the present one.
    pub previous: Option<Previous>,
    /// What the application noted for a list of devices.
    pub meta: Meta,
}

/// The secret that a rotation replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Previous {
    /// Its hash.
    pub secret: SecretHash,
    /// Why it was replaced, which decides what it may still do.
    pub why: Rotated,
    /// Until when it is recognised; open while the new secret of a renewal has not been seen.
    pub until: Option<Time>,
}

impl Previous {
    /// The answer that brought the new secret may have been lost: nobody has come with it yet.
    pub(crate) fn is_unconfirmed(&self) -> bool {
        self.why == Rotated::Renewal && self.until.is_none()
    }
}

/// Why a session got a new secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Rotated {
    /// Its privileges changed (`rotate`, `login`): the old secret opens nothing any more.
    Privilege,
    /// Time has passed, nothing else: the old secret opens it until the new one has arrived.
    Renewal,
}

/// The stored form of [`Details`] begins with this byte, so that a later form can be told from it.
const DETAILS_FORMAT: u8 = 1;

impl Details {
    pub(crate) fn new(now: Time) -> Self {
        Self {
            absolute_at: None,
            rotated_at: now,
            authenticated_at: None,
            expiry: None,
            previous: None,
            meta: Meta::default(),
        }
    }

    /// As bytes for the store.
    pub fn encode(&self) -> Vec<u8> {
        // With room for those of most sessions.
        let mut out = Vec::with_capacity(32);
        out.push(DETAILS_FORMAT);
        // Plain data into a growing buffer: there is nothing that could fail.
        postcard::to_extend(self, out).unwrap_or_default()
    }

    /// From the store's bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, UndecodableDetails> {
        let Some((&DETAILS_FORMAT, rest)) = bytes.split_first() else { return Err(UndecodableDetails) };
        if let Some([absolute_at, Some(rotated_at), authenticated_at]) = only_times(rest) {
            return Ok(Self { absolute_at, authenticated_at, ..Self::new(rotated_at) });
        }
        postcard::from_bytes(rest).map_err(|_| UndecodableDetails)
    }
}

/// What most bytes are: those of a session that has only times, here in their order; `None` for all others. Every load reads them, and
/// this is several times as fast.
fn only_times(mut bytes: &[u8]) -> Option<[Option<Time>; 3]> {
    let absolute_at = optional_time(&mut bytes)?;
    let rotated_at = time(&mut bytes)?;
    let authenticated_at = optional_time(&mut bytes)?;
    // No expiry, no previous secret, and no entry of `meta`.
    (bytes == [0; 3]).then_some([absolute_at, Some(rotated_at), authenticated_at])
}

#[expect(clippy::option_option, reason = "it may be damaged, and it may be none")]
fn optional_time(bytes: &mut &[u8]) -> Option<Option<Time>> {
    match bytes.split_off_first()? {
        0 => Some(None),
        1 => time(bytes).map(Some),
        _ => None,
    }
}

/// As postcard has it: seven bits in each byte, the eighth says that there is one more, and the sign is in the lowest. All at once:
/// eight bytes are enough for all but absurd times, and at least as many are left where a plain one is.
fn time(bytes: &mut &[u8]) -> Option<Time> {
    const MORE: u64 = 0x8080_8080_8080_8080;
    let eight = u64::from_le_bytes(*bytes.first_chunk()?);
    let last = (!eight & MORE).trailing_zeros();
    // Of no last byte among the eight, 64.
    let its = eight & !MORE & u64::MAX.checked_shr(63_u32.checked_sub(last)?)?;
    // Pairs of seven bits, pairs of these, and the pair of those.
    let its = (its & 0x007f_007f_007f_007f) | ((its & 0x7f00_7f00_7f00_7f00) >> 1);
    let its = (its & 0x0000_3fff_0000_3fff) | ((its & 0x3fff_0000_3fff_0000) >> 2);
    let number = (its & 0x0fff_ffff) | ((its & 0x0fff_ffff_0000_0000) >> 4);
    *bytes = bytes.get(last as usize / 8 + 1..)?;
    let millis = (number >> 1).cast_signed() ^ -(number & 1).cast_signed();
    // One that is later than there are is read as it is by postcard.
    Some(Time::from_millis(millis)).filter(|time| time.as_millis() == millis)
}

/// The bytes are no [`Details`]: damaged, or written by a later version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the record's details are damaged, or were written by a later version of this library")]
pub struct UndecodableDetails;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_are_read_back_as_they_were_written() {
        let details = Details {
            absolute_at: Some(Time::from_millis(5)),
            authenticated_at: Some(Time::MAX),
            expiry: Some(Expiry::At(Time::from_millis(-7))),
            previous: Some(Previous {
                secret: SecretHash::from_bytes([7; 32]),
                why: Rotated::Renewal,
                until: None,
            }),
            meta: [("user_agent".to_owned(), "Ünïcode".to_owned())].into(),
            ..Details::new(Time::from_millis(1_700_000_000_000))
        };
        assert_eq!(Details::decode(&details.encode()), Ok(details));
    }

    /// There are two readers, of which one reads only what most are.
    #[test]
    fn both_readers_of_details_agree() {
        const NOW: Time = Time::from_millis(1_700_000_000_000);
        let times =
            [i64::MIN, -1, 0, 1, 63, 64, NOW.as_millis(), Time::MAX.as_millis()].map(Time::from_millis);
        for at in times {
            for other in times.map(Some).into_iter().chain([None]) {
                let details = Details { absolute_at: other, authenticated_at: Some(at), ..Details::new(at) };
                for details in [Details { authenticated_at: None, ..details.clone() }, details] {
                    let bytes = details.encode();
                    let times = [details.absolute_at, Some(at), details.authenticated_at];
                    let read = only_times(&bytes[1..]);
                    assert!(read.is_none_or(|read| read == times));
                    // Those of this century are not left to the other one.
                    assert!(read.is_some() || times.iter().flatten().any(|time| *time != NOW));
                    assert_eq!(postcard::from_bytes(&bytes[1..]).as_ref(), Ok(&details));
                    assert_eq!(Details::decode(&bytes), Ok(details));
                }
            }
        }
    }

    #[test]
    fn damaged_details_are_an_error() {
        let good = Details::new(Time::from_millis(0)).encode();
        for bytes in [&[][..], &[DETAILS_FORMAT], &good[..good.len() - 1], &[9; 40], &[255; 200]] {
            assert_eq!(Details::decode(bytes), Err(UndecodableDetails));
        }
    }
}
