//! From secrets to keys.

use std::fmt;

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

/// The fewest bytes of a secret: as many as a key has (RFC 2104 asks for no fewer).
pub const MIN_SECRET_LENGTH: usize = 32;

/// The version of the format, which is part of what is authenticated.
const VERSION: u8 = 1;

/// The secrets cannot be used. Nothing was built, and no secret is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// There is no secret at all.
    #[error("a sealed session needs a secret: give at least one, of 32 random bytes or more")]
    NoSecret,
    /// One of the secrets is too short.
    #[error(
        "secret {number} has {length} bytes, and {MIN_SECRET_LENGTH} random ones are needed: draw a longer one"
    )]
    TooShort {
        /// Which one, counted from 1.
        number: usize,
        /// How many bytes it has.
        length: usize,
    },
}

/// How a session is sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Signed,
    Encrypted,
}

impl Kind {
    /// The first byte of what is sealed: a cookie of the other kind, or of a later version, is refused at once.
    pub(crate) fn first_byte(self) -> u8 {
        let kind = match self {
            Self::Signed => 1,
            Self::Encrypted => 2,
        };
        kind << 4 | VERSION
    }

    fn name(self) -> &'static [u8] {
        match self {
            Self::Signed => b"signed",
            Self::Encrypted => b"encrypted",
        }
    }
}

/// Keys of one kind for one cookie, the newest first.
pub(crate) struct Keys {
    cookie_name: String,
    context: Vec<u8>,
    newest_first: Vec<Key>,
}

/// Forgotten when it is dropped.
pub(crate) type Key = Zeroizing<[u8; 32]>;

impl Keys {
    pub(crate) fn derive<S: AsRef<[u8]>>(
        kind: Kind,
        cookie_name: &str,
        secrets: impl IntoIterator<Item = S>,
    ) -> Result<Self, KeyError> {
        let context = context(kind, cookie_name);
        let keys = secrets.into_iter().enumerate().map(|(i, secret)| {
            let secret = secret.as_ref();
            if secret.len() < MIN_SECRET_LENGTH {
                return Err(KeyError::TooShort { number: i + 1, length: secret.len() });
            }
            let mut key = Key::default();
            // HKDF refuses more than 255 hashes' worth of key: this is one.
            let _ = Hkdf::<Sha256>::new(None, secret).expand(&context, &mut *key);
            Ok(key)
        });
        let keys = keys.collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() {
            return Err(KeyError::NoSecret);
        }
        Ok(Self { cookie_name: cookie_name.to_owned(), context, newest_first: keys })
    }

    /// The one that seals.
    pub(crate) fn newest(&self) -> &Key {
        // There is one, or `derive` had failed.
        &self.newest_first[0]
    }

    /// All that open.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Key> {
        self.newest_first.iter()
    }

    /// What is authenticated together with what is sealed.
    pub(crate) fn context(&self) -> &[u8] {
        &self.context
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys")
            .field("cookie_name", &self.cookie_name)
            .field("keys", &format_args!("{} redacted", self.newest_first.len()))
            .finish_non_exhaustive()
    }
}

/// What a key, and everything sealed with it, is for. Each part behind its length, so that no two lists of parts are the same
/// bytes (T9).
fn context(kind: Kind, cookie_name: &str) -> Vec<u8> {
    behind_lengths(&[b"session-cookie", kind.name(), cookie_name.as_bytes(), &[VERSION]])
}

fn behind_lengths(parts: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in parts {
        bytes.extend((part.len() as u64).to_le_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: [u8; 32] = [7; 32];

    #[test]
    fn t9_parts_that_read_alike_are_different_contexts() {
        assert_ne!(behind_lengths(&[b"ab", b"c"]), behind_lengths(&[b"a", b"bc"]));
        assert_ne!(behind_lengths(&[b"abc"]), behind_lengths(&[b"abc", b""]));
    }

    /// T34: a key is for one kind and one cookie.
    #[test]
    fn every_kind_name_and_secret_has_its_own_key() {
        let key = |kind, name, secret: [u8; 32]| **Keys::derive(kind, name, [secret]).unwrap().newest();
        let keys = [
            key(Kind::Signed, "sid", SECRET),
            key(Kind::Encrypted, "sid", SECRET),
            key(Kind::Signed, "sid2", SECRET),
            key(Kind::Signed, "sid", [8; 32]),
        ];
        for (i, key) in keys.iter().enumerate() {
            assert!(!keys[..i].contains(key) && *key != SECRET && *key != [0; 32]);
        }
    }

    /// The format does not change by accident: a key that was derived before this version opens what it sealed.
    #[test]
    fn the_derivation_stays_what_it_is() {
        let keys = Keys::derive(Kind::Signed, "sessionid", [SECRET]).unwrap();
        assert_eq!(keys.newest()[..8], [0xa4, 0x67, 0xf7, 0x95, 0x71, 0x9e, 0x7f, 0xaf]);
    }

    #[test]
    fn what_is_no_secret_is_an_error_that_says_which() {
        let build = |secrets: &[&[u8]]| Keys::derive(Kind::Signed, "sid", secrets).map(drop).unwrap_err();
        assert_eq!(build(&[]), KeyError::NoSecret);
        assert_eq!(build(&[b"short"]), KeyError::TooShort { number: 1, length: 5 });
        let error = build(&[&SECRET, &[7; 31]]);
        assert_eq!(error, KeyError::TooShort { number: 2, length: 31 });
        assert!(!build(&[b"hunter2"]).to_string().contains("hunter2"));
    }
}
