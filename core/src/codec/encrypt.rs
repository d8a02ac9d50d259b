//! Data that nobody reads who has only the store (C35).

use std::fmt;

use bytes::Bytes;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use rand::TryRng;
use rand::rngs::SysRng;
use sha2::Sha256;

use crate::error::{Error, Result, SettingsError};
use crate::id::RecordKey;
use crate::keys::SecretKeys;

/// The first byte of encrypted data.
const FORM: u8 = 2;
const KEY_ID: usize = 4;
const NONCE: usize = 24;
/// Derived keys are for this and nothing else.
const PURPOSE: &[u8] = b"session data at rest, XChaCha20-Poly1305, 1";

/// Encrypts with the newest key, decrypts with any. The stored form is `2 ‖ key id ‖ nonce ‖ ciphertext`; what it holds is bound to
/// the record's key, so that nobody who can write to the store gives one session's data to another.
#[derive(Clone)]
pub(crate) struct Encryption {
    keys: Vec<([u8; KEY_ID], XChaCha20Poly1305)>,
    reads_plain: bool,
}

impl Encryption {
    pub(crate) fn new(secrets: &SecretKeys, reads_plain: bool) -> Result<Self, SettingsError> {
        let keys = secrets.iter().map(derive).collect::<Result<_, _>>()?;
        Ok(Self { keys, reads_plain })
    }

    pub(super) fn encrypt(&self, key: &RecordKey, data: &[u8]) -> Result<Bytes> {
        let Some((id, cipher)) = self.keys.first() else {
            return Err(Error::Undecodable("there is no key".to_owned()));
        };
        let mut nonce = [0; NONCE];
        SysRng.try_fill_bytes(&mut nonce)?;
        let payload = Payload { msg: data, aad: &associated(key) };
        // It fails only above 256 GiB.
        let text = cipher.encrypt(&XNonce::from(nonce), payload);
        let text = text.map_err(|_| Error::TooLarge { size: data.len(), limit: 1 << 38 })?;
        Ok([&[FORM][..], id, &nonce, &text].concat().into())
    }

    pub(super) fn decrypt(&self, key: &RecordKey, data: Bytes) -> Result<Bytes> {
        let Some(sealed) = data.strip_prefix(&[FORM]) else {
            // Plain data beside encrypted data is how an attacker would plant a session (T10).
            return if self.reads_plain {
                Ok(data)
            } else {
                Err(undecodable("not encrypted, and all sessions must be"))
            };
        };
        let Some((id, sealed)) = sealed.split_at_checked(KEY_ID) else { return Err(undecodable("cut off")) };
        let Some((nonce, text)) = sealed.split_first_chunk::<NONCE>() else {
            return Err(undecodable("cut off"));
        };
        let Some((_, cipher)) = self.keys.iter().find(|(known, _)| known == id) else {
            return Err(undecodable("encrypted with a key that is not among the keys: add it as a fallback"));
        };
        let payload = Payload { msg: text, aad: &associated(key) };
        let opened = cipher.decrypt(&XNonce::from(*nonce), payload);
        opened.map(Bytes::from).map_err(|_| undecodable("damaged, or another session's"))
    }
}

impl fmt::Debug for Encryption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Encryption({} keys, redacted)", self.keys.len())
    }
}

fn derive(secret: &[u8]) -> Result<([u8; KEY_ID], XChaCha20Poly1305), SettingsError> {
    if secret.len() < 32 {
        return Err(SettingsError::ShortSecret { bytes: secret.len() });
    }
    let mut okm = [0; 32 + KEY_ID];
    // It fails only for more than 8 KiB.
    let _ = Hkdf::<Sha256>::new(None, secret).expand(PURPOSE, &mut okm);
    let (mut id, mut key) = ([0; KEY_ID], [0; 32]);
    key.copy_from_slice(&okm[..32]);
    id.copy_from_slice(&okm[32..]);
    Ok((id, XChaCha20Poly1305::new(&key.into())))
}

/// What the ciphertext is bound to. A key has a length of its own, so no two are ambiguous behind it (T9).
fn associated(key: &RecordKey) -> Vec<u8> {
    let text = key.as_str().as_bytes();
    // A key has 40 characters at most.
    let length = u8::try_from(text.len()).unwrap_or_default();
    [&[FORM, length][..], text].concat()
}

fn undecodable(what: &str) -> Error {
    Error::Undecodable(what.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "an old secret of more than thirty-two bytes";
    const NEW: &str = "a new secret of more than thirty-two bytes";

    fn with(keys: &SecretKeys) -> Encryption {
        Encryption::new(keys, false).unwrap()
    }

    #[test]
    fn data_is_read_back_with_any_of_the_keys() {
        let key = RecordKey::random().unwrap();
        let old = with(&SecretKeys::new(OLD)).encrypt(&key, b"{\"a\":1}").unwrap();
        assert!(!old.windows(3).any(|part| part == b"\"a\""));
        let both = with(&SecretKeys::new(NEW).with_fallback(OLD));
        assert_eq!(both.decrypt(&key, old.clone()).unwrap(), &b"{\"a\":1}"[..]);
        let new = both.encrypt(&key, b"{}").unwrap();
        assert_eq!(with(&SecretKeys::new(NEW)).decrypt(&key, new).unwrap(), &b"{}"[..]);
        let error = with(&SecretKeys::new(NEW)).decrypt(&key, old).unwrap_err();
        assert!(error.to_string().contains("fallback"), "{error}");
    }

    #[test]
    fn nothing_of_it_can_be_changed_or_moved() {
        let encryption = with(&SecretKeys::new(NEW));
        let (key, other) = (RecordKey::random().unwrap(), RecordKey::random().unwrap());
        let sealed = encryption.encrypt(&key, b"{\"admin\":false}").unwrap();
        assert!(encryption.decrypt(&other, sealed.clone()).is_err(), "another session's");
        for at in 0..sealed.len() {
            let mut changed = sealed.to_vec();
            changed[at] ^= 1;
            assert!(encryption.decrypt(&key, changed.into()).is_err(), "byte {at}");
            assert!(encryption.decrypt(&key, sealed.slice(..at)).is_err(), "cut at {at}");
        }
    }

    /// T10: with keys set, nothing is read that was not written with one of them, unless the application says so for a while.
    #[test]
    fn plain_data_is_refused() {
        let key = RecordKey::random().unwrap();
        let plain = Bytes::from_static(b"{\"admin\":true}");
        assert!(with(&SecretKeys::new(NEW)).decrypt(&key, plain.clone()).is_err());
        let moving = Encryption::new(&SecretKeys::new(NEW), true).unwrap();
        assert_eq!(moving.decrypt(&key, plain.clone()).unwrap(), plain);
    }

    #[test]
    fn a_short_secret_does_not_build() {
        let short = Encryption::new(&SecretKeys::new("short"), false);
        assert_eq!(short.err(), Some(SettingsError::ShortSecret { bytes: 5 }));
    }
}
