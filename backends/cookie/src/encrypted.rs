//! Sessions that nobody can read or change.

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use rand::TryRng as _;
use rand::rngs::SysRng;
use session_core::{AnySealer, Backend, Record, Result, Sealer, Time};

use crate::keys::{Key, KeyError, Keys, Kind};
use crate::payload::{self, Compression};
use crate::text;

/// Long enough that drawing it at random never repeats it, however many cookies one key seals.
const NONCE: usize = 24;

/// Seals a session with XChaCha20-Poly1305: the visitor can neither read nor change what is in the cookie. Its length can be
/// seen, and so when it changes.
///
/// ```
/// use session_cookie::{EncryptedCookie, KeyError};
///
/// let (new, old) = ([1; 32], [2; 32]); // Of course these are drawn at random.
/// let sealer = EncryptedCookie::new("sessionid", [new, old])?;
/// assert_eq!(EncryptedCookie::new("sessionid", [""; 0]).unwrap_err(), KeyError::NoSecret);
/// # Ok::<(), KeyError>(())
/// ```
#[derive(Debug)]
pub struct EncryptedCookie {
    keys: Keys,
    compression: Compression,
}

impl EncryptedCookie {
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
        let keys = Keys::derive(Kind::Encrypted, cookie_name, secrets)?;
        Ok(Self { keys, compression: Compression::default() })
    }

    /// Whether sessions are compressed; [`Compression::WhenSmaller`] unless set. Both are opened.
    #[must_use = "this returns the sealer with the setting"]
    pub fn with_compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    fn seal_payload(&self, payload: &[u8]) -> Result<String> {
        let mut nonce = [0; NONCE];
        SysRng.try_fill_bytes(&mut nonce)?;
        let aad = self.associated_data();
        let encrypted = cipher(self.keys.newest())
            .encrypt(&XNonce::from(nonce), Payload { msg: payload, aad: &aad })
            // The cipher takes 256 GiB, and the payload has been measured.
            .map_err(|_| session_core::Error::TooLarge {
                size: payload.len(),
                limit: payload::MAX_INFLATED,
            })?;
        Ok(text::write(&[&[Kind::Encrypted.first_byte()], &nonce[..], &encrypted].concat()))
    }

    fn associated_data(&self) -> Vec<u8> {
        [self.keys.context(), &[Kind::Encrypted.first_byte()]].concat()
    }
}

impl Sealer for EncryptedCookie {
    fn seal(&self, record: &Record, now: Time) -> Result<String> {
        self.seal_payload(&payload::encode(record, self.compression, now)?)
    }

    fn open(&self, token: &[u8], now: Time) -> Option<Record> {
        let sealed = text::read(token)?;
        let (nonce, encrypted) =
            sealed.strip_prefix(&[Kind::Encrypted.first_byte()])?.split_first_chunk::<NONCE>()?;
        let (nonce, aad) = (XNonce::from(*nonce), self.associated_data());
        let decrypt = |key| cipher(key).decrypt(&nonce, Payload { msg: encrypted, aad: &aad }).ok();
        payload::decode(&self.keys.all().find_map(decrypt)?, now)
    }
}

impl From<EncryptedCookie> for Backend {
    fn from(sealer: EncryptedCookie) -> Self {
        AnySealer::new(sealer).into()
    }
}

fn cipher(key: &Key) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(&(**key).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::tests::bomb;

    /// T10, T29: what is behind a good tag is not trusted to be small, nor to be a session.
    #[test]
    fn a_good_tag_over_a_bad_payload_opens_nothing() {
        let sealer = EncryptedCookie::new("sid", [[1; 32]]).unwrap();
        let now = Time::from_millis(1_700_000_000_000);
        for payload in [bomb(2 << 20), vec![], vec![9; 100], vec![0; 100]] {
            let token = sealer.seal_payload(&payload).unwrap();
            assert!(token.len() <= 4096);
            assert_eq!(sealer.open(token.as_bytes(), now), None);
        }
    }
}
