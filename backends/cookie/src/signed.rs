//! Sessions that anybody can read and nobody can change.

use hmac::{Hmac, KeyInit as _, Mac as _};
use session_core::{AnySealer, Backend, Record, Result, Sealer, Time};
use sha2::Sha256;

use crate::keys::{Key, KeyError, Keys, Kind};
use crate::payload::{self, Compression};
use crate::text;

const TAG: usize = 32;

/// Seals a session with HMAC-SHA256: the visitor can read what is in the cookie, and cannot change it.
///
/// ```
/// use session_cookie::{KeyError, SignedCookie};
///
/// let (new, old) = ([1; 32], [2; 32]); // Of course these are drawn at random.
/// let sealer = SignedCookie::new("sessionid", [new, old])?;
/// assert_eq!(SignedCookie::new("sessionid", ["a password"]).unwrap_err(), KeyError::TooShort { number: 1, length: 10 });
/// # Ok::<(), KeyError>(())
/// ```
#[derive(Debug)]
pub struct SignedCookie {
    keys: Keys,
    compression: Compression,
}

impl SignedCookie {
    /// Makes keys for the cookie of this name from secrets, the newest first: it seals, all open. The name must be the one of the
    /// settings; where it is another, sessions are sealed all the same, and are no other cookie's.
    ///
    /// # Errors
    ///
    /// [`KeyError`] where there is no secret, or one has fewer than 32 bytes.
    pub fn new<S: AsRef<[u8]>>(
        cookie_name: &str,
        secrets: impl IntoIterator<Item = S>,
    ) -> std::result::Result<Self, KeyError> {
        let keys = Keys::derive(Kind::Signed, cookie_name, secrets)?;
        Ok(Self { keys, compression: Compression::default() })
    }

    /// Whether sessions are compressed; [`Compression::WhenSmaller`] unless set. Both are opened.
    #[must_use = "this returns the sealer with the setting"]
    pub fn with_compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    fn seal_payload(&self, payload: &[u8]) -> String {
        let mut sealed = vec![Kind::Signed.first_byte()];
        sealed.extend_from_slice(payload);
        let tag = self.hmac(self.keys.newest(), &sealed).finalize();
        sealed.extend_from_slice(&tag.into_bytes());
        text::write(&sealed)
    }

    fn hmac(&self, key: &Key, signed: &[u8]) -> Hmac<Sha256> {
        let hmac = Hmac::<Sha256>::new_from_slice(&**key).expect("HMAC takes keys of any length");
        hmac.chain_update(self.keys.context()).chain_update(signed)
    }
}

impl Sealer for SignedCookie {
    fn seal(&self, record: &Record, now: Time) -> Result<String> {
        Ok(self.seal_payload(&payload::encode(record, self.compression, now)?))
    }

    fn open(&self, token: &[u8], now: Time) -> Option<Record> {
        let sealed = text::read(token)?;
        let (signed, tag) = sealed.split_at_checked(sealed.len().checked_sub(TAG)?)?;
        let payload = signed.strip_prefix(&[Kind::Signed.first_byte()])?;
        // Compared in constant time (T14).
        let is_ours = self.keys.all().any(|key| self.hmac(key, signed).verify_slice(tag).is_ok());
        if is_ours { payload::decode(payload, now) } else { None }
    }
}

impl From<SignedCookie> for Backend {
    fn from(sealer: SignedCookie) -> Self {
        AnySealer::new(sealer).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::tests::bomb;

    /// T10, T29: what is behind a good tag is not trusted to be small, nor to be a session.
    #[test]
    fn a_good_tag_over_a_bad_payload_opens_nothing() {
        let sealer = SignedCookie::new("sid", [[1; 32]]).unwrap();
        let now = Time::from_millis(1_700_000_000_000);
        for payload in [bomb(2 << 20), vec![], vec![9; 100], vec![0; 100]] {
            let token = sealer.seal_payload(&payload);
            assert!(token.len() <= 4096);
            assert_eq!(sealer.open(token.as_bytes(), now), None);
        }
    }
}
