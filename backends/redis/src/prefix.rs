//! What every key of a store begins with.

use std::fmt;
use std::str::FromStr;

use session_core::RecordKey;

const MAX_LENGTH: usize = 64;

/// What every key of a store in Redis begins with: 2 to 64 characters of `a-z`, `A-Z`, `0-9`, `_`, `-`, `.`, `/` and `:`, the last
/// one `:`. By default `session:` for sessions, and `session-cache:` for copies of them.
///
/// A session's key is the prefix and the [`RecordKey`], which has no `:`; the index of an account is the prefix, `@` and the
/// account, and no prefix has an `@`. So no key of one prefix is a key of another, whatever an account is called and whatever a
/// cookie brings (CVE-2011-4136: sessions that shared a cache's names). Braces are left out, for in a cluster they would put every
/// session on one server, and so are the wildcards of a search.
///
/// ```
/// use session_redis::KeyPrefix;
///
/// assert_eq!(KeyPrefix::default().as_str(), "session:");
/// assert!("shop:session:".parse::<KeyPrefix>().is_ok());
/// assert!("shop".parse::<KeyPrefix>().is_err(), "another prefix might be `shopping`");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyPrefix(String);

impl KeyPrefix {
    /// The characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn of_cache() -> Self {
        Self("session-cache:".to_owned())
    }

    pub(crate) fn record(&self, key: &RecordKey) -> Vec<u8> {
        [self.0.as_bytes(), key.as_str().as_bytes()].concat()
    }

    pub(crate) fn account(&self, account: &str) -> Vec<u8> {
        [self.0.as_bytes(), b"@", account.as_bytes()].concat()
    }

    /// The pattern that every key of this prefix fits, and no other.
    pub(crate) fn pattern(&self) -> String {
        format!("{}*", self.0)
    }

    /// The session of this key; `None` where it is an account's index, or somebody else's.
    pub(crate) fn record_key(&self, key: &[u8]) -> Option<RecordKey> {
        std::str::from_utf8(key.strip_prefix(self.0.as_bytes())?).ok()?.parse().ok()
    }
}

impl Default for KeyPrefix {
    fn default() -> Self {
        Self("session:".to_owned())
    }
}

impl FromStr for KeyPrefix {
    type Err = InvalidKeyPrefix;

    fn from_str(text: &str) -> Result<Self, InvalidKeyPrefix> {
        let is_prefix =
            text.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-' | b'.' | b'/' | b':'))
                && text.ends_with(':')
                && (2..=MAX_LENGTH).contains(&text.len());
        if is_prefix { Ok(Self(text.to_owned())) } else { Err(InvalidKeyPrefix(text.to_owned())) }
    }
}

impl fmt::Display for KeyPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is no prefix of keys; see [`KeyPrefix`] for what is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{}` is no prefix of keys: use 2 to 64 characters of a-z, A-Z, 0-9, _, -, ., / and :, the last one :",
    .0.escape_debug()
)]
pub struct InvalidKeyPrefix(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_ends_where_a_key_begins() {
        for good in ["s:", "shop:", "Shop-1/eu.west_2:sessions:", "::"] {
            assert_eq!(good.parse::<KeyPrefix>().unwrap().to_string(), good);
        }
        let too_long = format!("{}:", "x".repeat(MAX_LENGTH));
        for bad in
            ["", ":", "shop", "a b:", "{a}:", "a*:", "a?:", "[a]:", "a\\:", "a@:", "é:", "a\0:", &too_long]
        {
            assert_eq!(bad.parse::<KeyPrefix>(), Err(InvalidKeyPrefix(bad.to_owned())), "{bad}");
        }
    }

    /// T4: no account and no key of one prefix names a key of another.
    #[test]
    fn no_key_of_one_prefix_is_one_of_another() {
        let [short, long]: [KeyPrefix; 2] = ["a:", "a:b:"].map(|text| text.parse().unwrap());
        let key: RecordKey = "abcdefgh".parse().unwrap();
        assert_eq!(short.record_key(&short.record(&key)), Some(key));
        assert_eq!(short.record_key(&long.record(&key)), None);
        assert_eq!(short.record_key(&short.account("abcdefgh")), None);
        assert_ne!(short.account("b:abcdefgh"), long.account("abcdefgh"));
    }
}
