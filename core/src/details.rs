//! What only core reads of a record, and its stored form.

use serde::{Deserialize, Serialize};

use crate::clock::Time;
use crate::expiry::Expiry;
use crate::meta::Meta;
use crate::record::Previous;

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
        self.encode_to(&mut out);
        out
    }

    /// Appends the bytes for the store.
    pub fn encode_to(&self, out: &mut Vec<u8>) {
        out.push(DETAILS_FORMAT);
        let Self { absolute_at, rotated_at, authenticated_at, expiry, previous, meta } = self;
        if expiry.is_none() && previous.is_none() && meta.is_empty() {
            put_optional_time(out, *absolute_at);
            put_time(out, *rotated_at);
            put_optional_time(out, *authenticated_at);
            out.extend_from_slice(&NO_MORE);
        } else {
            // Plain data into a growing buffer: there is nothing that could fail.
            *out = postcard::to_extend(self, std::mem::take(out)).unwrap_or_default();
        }
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

/// The bytes are no [`Details`]: damaged, or written by a later version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the record's details are damaged, or were written by a later version of this library")]
pub struct UndecodableDetails;

// Most sessions have times and nothing else. Every load and save meets them, and written out by hand, in postcard's form, they take a
// quarter of the time. What is not as expected is left to postcard.

/// No expiry, no previous secret, and no entry of `meta`.
const NO_MORE: [u8; 3] = [0; 3];

/// The three times, in the order of the fields.
fn only_times(mut bytes: &[u8]) -> Option<[Option<Time>; 3]> {
    let absolute_at = optional_time(&mut bytes)?;
    let rotated_at = time(&mut bytes)?;
    let authenticated_at = optional_time(&mut bytes)?;
    (bytes == NO_MORE).then_some([absolute_at, Some(rotated_at), authenticated_at])
}

#[expect(clippy::option_option, reason = "it may be damaged, and it may be none")]
fn optional_time(bytes: &mut &[u8]) -> Option<Option<Time>> {
    match bytes.split_off_first()? {
        0 => Some(None),
        1 => time(bytes).map(Some),
        _ => None,
    }
}

/// Seven bits in each byte, the eighth says that there is one more, and the sign is in the lowest.
fn time(bytes: &mut &[u8]) -> Option<Time> {
    let mut number = 0;
    for shift in (0..u64::BITS - 7).step_by(7) {
        let byte = *bytes.split_off_first()?;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            let millis = (number >> 1).cast_signed() ^ -(number & 1).cast_signed();
            return Some(Time::from_millis(millis));
        }
    }
    None
}

fn put_optional_time(out: &mut Vec<u8>, at: Option<Time>) {
    out.push(u8::from(at.is_some()));
    if let Some(at) = at {
        put_time(out, at);
    }
}

fn put_time(out: &mut Vec<u8>, at: Time) {
    let millis = at.as_millis();
    let mut number = ((millis << 1) ^ (millis >> 63)).cast_unsigned();
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::SecretHash;
    use crate::record::Rotated;

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
