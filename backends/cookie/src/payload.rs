//! What is sealed: the record, when it was issued, and when it ends.

use std::io::Read as _;
use std::time::Duration;

use flate2::read::{DeflateDecoder, DeflateEncoder};
use serde::{Deserialize, Serialize};
use session_core::{Details, Error, Record, Result, SecretHash, Time, Version};

/// The most that a payload may be when it is inflated. Compressed by the best ratio of deflate, a cookie would be 3 MB.
pub(crate) const MAX_INFLATED: usize = 64 << 10;

/// How far the clocks of two servers may be apart.
const CLOCK_SLACK: Duration = Duration::from_secs(5 * 60);

/// Of the 433 bytes of twenty short values it leaves 153, in a third of the time that the best level takes to leave 152.
const LEVEL: flate2::Compression = flate2::Compression::new(3);

/// Below this, what a request saves on its way is not worth the half million instructions that it takes to make it smaller.
const WORTH_A_TRY: usize = 256;

const AS_IT_IS: u8 = 0;
const DEFLATED: u8 = 1;

/// Whether a session is compressed before it is sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[expect(clippy::exhaustive_enums, reason = "it is compressed, or it is not")]
pub enum Compression {
    /// Where that makes it smaller, from 256 bytes on.
    #[default]
    WhenSmaller,
    /// Never. The length of an encrypted cookie tells how well its content compresses; so where an attacker can have text of
    /// theirs stored beside a secret, over and over, and sees the lengths (as in the attacks CRIME and BREACH), choose this.
    Never,
}

/// Borrows what it is made of, and from what it is read from: lengths that lie allocate nothing.
#[derive(Serialize, Deserialize)]
struct Payload<'a> {
    issued_at: Time,
    expires_at: Time,
    created_at: Time,
    last_active: Time,
    version: Version,
    account: Option<&'a str>,
    secret: Option<SecretHash>,
    details: &'a [u8],
    data: &'a [u8],
}

/// The payload of a record that is sealed now.
pub(crate) fn encode(record: &Record, compression: Compression, now: Time) -> Result<Vec<u8>> {
    let details = record.details.encode();
    let payload = Payload {
        issued_at: now,
        expires_at: record.expires_at,
        created_at: record.created_at,
        last_active: record.last_active,
        version: record.version,
        account: record.account.as_deref(),
        secret: record.secret,
        details: &details,
        data: &record.data,
    };
    // Plain data into a growing buffer: there is nothing that could fail.
    let plain = postcard::to_extend(&payload, vec![AS_IT_IS]).unwrap_or_default();
    let size = plain.len() - 1;
    if size > MAX_INFLATED {
        return Err(Error::TooLarge { size, limit: MAX_INFLATED });
    }
    let smaller = match compression {
        Compression::WhenSmaller if size >= WORTH_A_TRY => {
            deflate(&plain[1..]).filter(|deflated| deflated.len() < plain.len())
        }
        Compression::WhenSmaller | Compression::Never => None,
    };
    Ok(smaller.unwrap_or(plain))
}

/// The record in a payload whose tag was verified; `None` where its time has passed, or has not come.
pub(crate) fn decode(payload: &[u8], now: Time) -> Option<Record> {
    let inflated;
    let plain = match payload.split_first()? {
        (&AS_IT_IS, plain) => plain,
        (&DEFLATED, deflated) => {
            inflated = inflate(deflated)?;
            &inflated
        }
        _ => return None,
    };
    let (payload, rest): (Payload<'_>, _) = postcard::take_from_bytes(plain).ok()?;
    let is_of_now = rest.is_empty() && payload.issued_at <= now + CLOCK_SLACK;
    let record = Record {
        version: payload.version,
        created_at: payload.created_at,
        last_active: payload.last_active,
        expires_at: payload.expires_at,
        account: payload.account.map(str::to_owned),
        secret: payload.secret,
        details: Details::decode(payload.details).ok()?,
        data: payload.data.to_vec().into(),
    };
    (is_of_now && record.is_live(now)).then_some(record)
}

fn deflate(plain: &[u8]) -> Option<Vec<u8>> {
    let mut deflated = vec![DEFLATED];
    DeflateEncoder::new(plain, LEVEL).read_to_end(&mut deflated).ok()?;
    Some(deflated)
}

/// Stops at the limit, not behind it.
fn inflate(deflated: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::new();
    let limit = MAX_INFLATED as u64 + 1;
    DeflateDecoder::new(deflated).take(limit).read_to_end(&mut plain).ok()?;
    (plain.len() <= MAX_INFLATED).then_some(plain)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A payload of this many zeros, as nobody who keeps the limit would make it.
    pub(crate) fn bomb(size: usize) -> Vec<u8> {
        deflate(&vec![0; size]).unwrap()
    }

    #[test]
    fn t29_inflating_stops_at_the_limit() {
        let bomb = bomb(8 << 20);
        assert!(bomb.len() < 10_000, "a thousandth of what it would be");
        assert_eq!(inflate(&bomb[1..]), None);
        assert_eq!(decode(&bomb, Time::from_millis(0)), None);
        let most = deflate(&vec![0; MAX_INFLATED]).unwrap();
        assert_eq!(inflate(&most[1..]).map(|plain| plain.len()), Some(MAX_INFLATED));
        let more = deflate(&vec![0; MAX_INFLATED + 1]).unwrap();
        assert_eq!(inflate(&more[1..]), None);
    }

    #[test]
    fn what_is_no_payload_is_refused() {
        for bytes in [
            &[][..],
            &[AS_IT_IS],
            &[DEFLATED],
            &[2, 0, 0],
            &[DEFLATED, 255, 255],
            &[AS_IT_IS; 40],
            &[0, 255, 255],
        ] {
            assert_eq!(decode(bytes, Time::from_millis(0)), None, "{bytes:?}");
        }
    }
}
