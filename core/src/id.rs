//! Names and secrets: what stands in the cookie, and what the store keeps of it.
//!
//! A cookie's [`Token`] is a selector and a secret. The selector is the record's [`RecordKey`] in the store, and public: it
//! may stand in a device list or a log. The secret leaves only in the cookie; the record keeps its SHA-256. So a leaked table
//! opens no session, and looking a record up leaks no timing of the secret.

use std::fmt;
use std::str::FromStr;

use arrayvec::ArrayString;
use rand::TryRng;
use rand::rngs::SysRng;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use crate::error::Error;

/// Characters of a selector, and of a secret: 36^25 is a little over 2^129, and OWASP asks for 2^128 (ASVS 7.2.3).
const PART: usize = 25;
const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";

/// The longest key that a store must hold: Django's column is `varchar(40)`.
pub const MAX_KEY_LENGTH: usize = 40;
/// The shortest key that names a session, as Django has it (D24).
pub const MIN_KEY_LENGTH: usize = 8;

/// The key of a record in its store: 8 to 40 characters of a-z and 0-9, so that it needs no quoting in a path, a query, or a
/// Redis key, and cannot name anything else there.
///
/// In this project's own format it is the token's selector: public, and the same for as long as the session lives. It is then
/// the handle under which a session is listed and revoked. In Django's format it is the whole secret; show it to nobody.
///
/// ```
/// use session_core::RecordKey;
///
/// assert!("../../etc/passwd".parse::<RecordKey>().is_err());
/// assert!("kqpt0w3ws4gc1dtw8cm7h8wnx".parse::<RecordKey>().is_ok());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordKey(ArrayString<MAX_KEY_LENGTH>);

impl RecordKey {
    /// A new one from the operating system's random source.
    pub fn random() -> Result<Self, Error> {
        Ok(Self(text_of(&random_part()?)))
    }

    /// The characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The characters, as bytes: for a store that compares them and need not know that they are text.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// The key under which a session of Django's goes on in this project's own format. It is told from the key that it had, so that
    /// all who move the session at once agree, and it tells nothing of that: so it may be shown where the key itself may not.
    ///
    /// ```
    /// # use session_core::RecordKey;
    /// let djangos: RecordKey = "hmmwxxfrhx6dm5wq0hjwqdcjzgx3ypwm".parse()?;
    /// assert_eq!(djangos.successor().as_str().len(), 25);
    /// # Ok::<(), session_core::InvalidKey>(())
    /// ```
    #[must_use = "the key itself stays as it is"]
    pub fn successor(&self) -> Self {
        let hash = Sha256::digest([b"the successor of ", self.as_str().as_bytes()].concat());
        let mut text = [0; PART];
        for (character, byte) in text.iter_mut().zip(hash) {
            *character = ALPHABET[usize::from(byte % 36)];
        }
        Self(text_of(&text))
    }

    /// Whether it may be a selector: Django draws keys of 32 characters.
    pub(crate) fn is_selector(&self) -> bool {
        self.0.len() == PART
    }

    fn parse(text: &[u8]) -> Option<Self> {
        let fits = (MIN_KEY_LENGTH..=MAX_KEY_LENGTH).contains(&text.len());
        (fits && is_token_text(text)).then(|| Self(text_of(text)))
    }
}

/// The text is no key of a record: not 8 to 40 characters of a-z and 0-9.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a session's key is 8 to 40 characters of a-z and 0-9")]
pub struct InvalidKey;

impl FromStr for RecordKey {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        Self::parse(text.as_bytes()).ok_or(InvalidKey)
    }
}

impl fmt::Display for RecordKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for RecordKey {
    /// The first four characters only: in Django's format the key is the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecordKey({}…)", &self.as_str()[..4])
    }
}

/// How a store's tokens are made. A capability of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum TokenFormat {
    /// Selector and secret: this project's own. The store holds only a hash of the secret.
    #[default]
    Split,
    /// One key, which the store holds as it is: Django's. Rotation moves the record to a new key.
    Plain,
    /// `Split`, and a `Plain` one is taken too: its session gets a `Split` one with its next save. That of a
    /// [`MigratingStore`](crate::MigratingStore) which takes over Django's sessions.
    SplitFromPlain,
}

impl TokenFormat {
    /// Whether its new tokens have a secret, so that the key is public.
    pub(crate) fn has_secrets(self) -> bool {
        self != Self::Plain
    }
}

/// What a cookie holds: it opens the session, so it is shown by no `Debug` and leaves only in `Set-Cookie`.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    key: RecordKey,
    proof: Proof,
}

/// What a token has beside its key.
#[derive(Clone, PartialEq, Eq)]
enum Proof {
    Secret(Secret),
    /// The key that the session had in Django's format; the token's own is its [successor](RecordKey::successor).
    FormerKey(RecordKey),
    /// Nothing: in Django's format, and outside a request.
    None,
}

impl Token {
    /// Draws a new token of this format.
    pub fn random(format: TokenFormat) -> Result<Self, Error> {
        match format {
            TokenFormat::Split | TokenFormat::SplitFromPlain => {
                Ok(Self { key: RecordKey::random()?, proof: Proof::Secret(Secret::random()?) })
            }
            TokenFormat::Plain => {
                // 32 characters, as Django draws them (D26).
                let (a, b) = (random_part()?, random_part()?);
                let mut text = [0; 32];
                text[..PART].copy_from_slice(&a);
                text[PART..].copy_from_slice(&b[..32 - PART]);
                Ok(Self::of_handle(RecordKey(text_of(&text))))
            }
        }
    }

    /// Reads what a cookie holds; `None` for anything that this format never wrote. Does not touch a store.
    pub fn parse(format: TokenFormat, text: &[u8]) -> Option<Self> {
        match format {
            TokenFormat::Split => {
                let (selector, secret) = text.split_at_checked(PART)?;
                let key = RecordKey::parse(selector)?;
                let valid = secret.len() == PART && is_token_text(secret);
                valid.then(|| Self { key, proof: Proof::Secret(Secret(text_of(secret))) })
            }
            TokenFormat::Plain => RecordKey::parse(text).map(Self::of_handle),
            TokenFormat::SplitFromPlain => {
                let former = || RecordKey::parse(text).filter(|key| !key.is_selector()).map(Self::of_former);
                Self::parse(TokenFormat::Split, text).or_else(former)
            }
        }
    }

    /// The part of a token that is known outside a request: it names the record and opens nothing.
    pub(crate) fn of_handle(key: RecordKey) -> Self {
        Self { key, proof: Proof::None }
    }

    /// That of a session which had this key in Django's format.
    pub(crate) fn of_former(key: RecordKey) -> Self {
        Self { key: key.successor(), proof: Proof::FormerKey(key) }
    }

    /// The record that it names.
    pub fn key(&self) -> &RecordKey {
        &self.key
    }

    /// The key to look the record up by: [`key`](Self::key), but for a session that may not have moved from Django's format.
    pub(crate) fn lookup_key(&self) -> &RecordKey {
        if let Proof::FormerKey(former) = &self.proof { former } else { &self.key }
    }

    /// Whether it is a key of Django's, where another kind of token is the rule.
    pub(crate) fn is_former(&self) -> bool {
        matches!(self.proof, Proof::FormerKey(_))
    }

    /// What the store keeps of the secret; `None` in Django's format, where the key is all there is.
    pub fn secret_hash(&self) -> Option<SecretHash> {
        match &self.proof {
            Proof::Secret(secret) => Some(SecretHash::of(secret.0.as_bytes())),
            Proof::FormerKey(former) => Some(SecretHash::of(former.as_str().as_bytes())),
            Proof::None => None,
        }
    }

    /// The text for the cookie. Whoever has it has the session.
    pub fn expose(&self) -> String {
        let mut text = String::with_capacity(2 * PART);
        self.write_to(&mut text);
        text
    }

    pub(crate) fn write_to(&self, out: &mut String) {
        out.push_str(self.lookup_key().as_str());
        if let Proof::Secret(secret) = &self.proof {
            out.push_str(&secret.0);
        }
    }

    /// The same record under another secret; in Django's format, another key.
    pub(crate) fn rotated(&self, format: TokenFormat) -> Result<Self, Error> {
        match format {
            TokenFormat::Plain => Self::random(format),
            _ => Ok(Self { key: self.key, proof: Proof::Secret(Secret::random()?) }),
        }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(redacted)")
    }
}

/// The half of a token that proves possession.
#[derive(Clone)]
struct Secret(ArrayString<PART>);

impl Secret {
    fn random() -> Result<Self, Error> {
        Ok(Self(text_of(&random_part()?)))
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for Secret {}

/// The SHA-256 of a token's secret. Compared in constant time.
#[derive(Clone, Copy, Eq, Serialize, Deserialize)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    fn of(secret: &[u8]) -> Self {
        Self(Sha256::digest(secret).into())
    }

    /// From the 32 bytes that a store kept.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes for the store.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PartialEq for SecretHash {
    fn eq(&self, other: &Self) -> bool {
        fn words(hash: &SecretHash) -> impl Iterator<Item = u64> {
            hash.0.as_chunks().0.iter().copied().map(u64::from_le_bytes)
        }
        // All of them, whichever differs.
        words(self).zip(words(other)).fold(Choice::from(1), |same, (a, b)| same & a.ct_eq(&b)).into()
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(redacted)")
    }
}

/// A number that no other writer draws: tells one write from another.
pub(crate) fn random_nonce() -> Result<u64, Error> {
    Ok(SysRng.try_next_u64()?)
}

/// A key, or a part of a token. It is of a-z and 0-9, and no longer than what holds it.
fn text_of<const N: usize>(text: &[u8]) -> ArrayString<N> {
    std::str::from_utf8(text).ok().and_then(|text| ArrayString::from(text).ok()).unwrap_or_default()
}

fn is_token_text(text: &[u8]) -> bool {
    // Without a way out in between, this is a few instructions for all of them.
    text.iter().fold(true, |so_far, c| so_far & (c.is_ascii_lowercase() | c.is_ascii_digit()))
}

/// Draws characters evenly: a byte of 252 or more would favour the first four letters and is drawn again.
fn random_part() -> Result<[u8; PART], Error> {
    let mut part = [0; PART];
    let mut filled = 0;
    while filled < PART {
        let mut bytes = [0; PART + 3];
        SysRng.try_fill_bytes(&mut bytes)?;
        for byte in bytes.into_iter().filter(|b| *b < 252) {
            if filled == PART {
                break;
            }
            part[filled] = ALPHABET[usize::from(byte % 36)];
            filled += 1;
        }
    }
    Ok(part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn a_token_is_read_back_as_it_was_written() {
        for (format, length) in [(TokenFormat::Split, 50), (TokenFormat::Plain, 32)] {
            let token = Token::random(format).unwrap();
            let text = token.expose();
            assert_eq!(text.len(), length);
            assert_eq!(Token::parse(format, text.as_bytes()), Some(token));
        }
    }

    #[test]
    fn what_was_never_written_is_no_token() {
        let good = Token::random(TokenFormat::Split).unwrap().expose();
        let bad = [
            "",
            " ",
            "a",
            "\0",
            &good[..49],
            &format!("{good}a"),
            &good.to_uppercase().replace(|c: char| c.is_ascii_digit(), "A"),
            &format!("{}-", &good[..49]),
            &format!("{}é", &good[..48]),
            &"a".repeat(10_000),
            "../../../../../../../../../../../../../etc/passwd",
        ];
        for text in bad {
            assert_eq!(Token::parse(TokenFormat::Split, text.as_bytes()), None, "{text:?}");
        }
        for text in ["", "short12", &"a".repeat(41), "with-dash", "UPPERCASE", "nul\0nul\0nul"] {
            assert_eq!(Token::parse(TokenFormat::Plain, text.as_bytes()), None, "{text:?}");
        }
    }

    /// What a store is asked for is never a path, a pattern or a query (T5, T33): there is no such key.
    #[test]
    fn what_means_something_to_a_store_is_no_key() {
        let too_short = "a".repeat(MIN_KEY_LENGTH - 1);
        let too_long = "a".repeat(MAX_KEY_LENGTH + 1);
        let huge = "a".repeat(10 << 10);
        for text in [
            "",
            &too_short,
            &too_long,
            &huge,
            "../../etc/passwd",
            "abcd/efgh",
            "abcd\\efgh",
            "abcd.efgh",
            "abcdefgh.tmp",
            "..........",
            "abcd\0efgh",
            "\0\0\0\0\0\0\0\0",
            "abcd'efgh",
            "abcd\"efgh",
            "abcdefgh'; --",
            "abcdefgh*",
            "abcd%efgh",
            "abcd_efgh",
            "abcd efgh",
            " abcdefgh",
            "abcdefgh\n",
            "abcd\r\nefgh",
            "{abcdefgh}",
            "ABCDEFGH",
            "abcdefgé",
            "\u{1F600}\u{1F600}",
        ] {
            assert!(text.parse::<RecordKey>().is_err(), "{text:?}");
        }
        for length in [MIN_KEY_LENGTH, MAX_KEY_LENGTH] {
            assert!("a".repeat(length).parse::<RecordKey>().is_ok());
        }
    }

    /// The keys of moved sessions are in users' databases: another way to make them would lose the sessions.
    #[test]
    fn a_successor_is_what_it_has_been() {
        let djangos: RecordKey = "hmmwxxfrhx6dm5wq0hjwqdcjzgx3ypwm".parse().unwrap();
        let successor = djangos.successor();
        assert_eq!(successor.to_string(), "dcreboyj28flfm4qfov27ykld");
        assert!(successor.is_selector() && !djangos.is_selector());
    }

    #[test]
    fn a_key_of_django_s_is_a_token_where_both_kinds_are() {
        let djangos = "hmmwxxfrhx6dm5wq0hjwqdcjzgx3ypwm";
        let former = Token::parse(TokenFormat::SplitFromPlain, djangos.as_bytes()).unwrap();
        assert!(former.is_former() && former.lookup_key().as_str() == djangos);
        assert_eq!(former.key(), &djangos.parse::<RecordKey>().unwrap().successor());
        let ours = Token::random(TokenFormat::SplitFromPlain).unwrap();
        let text = ours.expose();
        assert_eq!(Token::parse(TokenFormat::SplitFromPlain, text.as_bytes()).as_ref(), Some(&ours));
        assert!(!ours.is_former() && ours.secret_hash().is_some());
        assert_eq!(
            Token::parse(TokenFormat::SplitFromPlain, &text.as_bytes()[..PART]),
            None,
            "a selector alone"
        );
    }

    #[test]
    fn a_rotation_keeps_the_key_that_is_public_and_changes_what_is_secret() {
        for format in [TokenFormat::Split, TokenFormat::SplitFromPlain, TokenFormat::Plain] {
            let token = Token::random(format).unwrap();
            let rotated = token.rotated(format).unwrap();
            assert_eq!(rotated.key() == token.key(), format.has_secrets(), "{format:?}");
            assert_eq!(rotated.secret_hash().is_some(), format.has_secrets(), "{format:?}");
            assert_ne!(rotated, token);
        }
    }

    /// T15, C5: whatever is printed of an error or a struct shows no secret.
    #[test]
    fn debug_shows_no_secret() {
        let token = Token::random(TokenFormat::Split).unwrap();
        assert_eq!(format!("{token:?}"), "Token(redacted)");
        assert_eq!(format!("{:?}", token.secret_hash()), "Some(SecretHash(redacted))");
        assert_eq!(format!("{:?}", token.key()), format!("RecordKey({}…)", &token.key().as_str()[..4]));
        let shown = format!("{token:?} {:?} {:?}", token.secret_hash(), token.key());
        assert!(!shown.contains(&token.expose()[25..]));
        assert!(!shown.contains(token.key().as_str()));
    }

    /// T28, C1, C2: evenly drawn from all 36 characters, and none twice.
    #[test]
    fn tokens_are_distinct_and_even() {
        const IDS: u32 = 1_000_000;
        let mut seen = HashSet::with_capacity(IDS as usize);
        let mut counts = vec![[0_u32; 256]; PART];
        for _ in 0..IDS {
            let part = random_part().unwrap();
            part.iter().zip(&mut counts).for_each(|(c, counts)| counts[usize::from(*c)] += 1);
            assert!(seen.insert(part));
        }
        let expected = f64::from(IDS) / 36.0;
        let off = |count: u32| (f64::from(count) - expected).powi(2) / expected;
        let places = counts.iter().flat_map(|counts| ALPHABET.iter().map(|c| off(counts[usize::from(*c)])));
        let chi_square: f64 = places.sum();
        // 35 degrees of freedom at each of 25 places: above 1,100 once in ten million runs.
        assert!(chi_square < 1_100.0, "chi-square {chi_square}");
    }
}
