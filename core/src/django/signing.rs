//! `django.core.signing`: a text with the time and an HMAC-SHA256 (D101 to D107).

use std::fmt;
use std::fmt::Write as _;
use std::io::{Read, Write as _};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::clock::Time;
use crate::error::{Error, Result};
use crate::keys::SecretKeys;

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// `TimestampSigner` with a salt: signs with the newest key, takes the signature of any.
#[derive(Clone)]
pub(super) struct Signer {
    keys: Vec<Zeroizing<[u8; 32]>>,
}

impl Signer {
    pub(super) fn new(secrets: &SecretKeys, salt: &str) -> Self {
        Self { keys: secrets.iter().map(|secret| derive(&[salt.as_bytes(), b"signer", secret])).collect() }
    }

    /// `signing.dumps(…, compress=True)` of a JSON text. As Python writes it, a text beyond ASCII is up to three times as long: where that
    /// are more than `most` bytes, [`loads`](Self::loads) would not read it again.
    pub(super) fn dumps(&self, json: &[u8], now: Time, most: usize) -> Result<String> {
        let json = ascii(json);
        if json.len() > most {
            return Err(Error::TooLarge { size: json.len(), limit: most });
        }
        let mut text = match deflate(json.as_bytes()).filter(|small| small.len() + 1 < json.len()) {
            Some(small) => format!(".{}", URL_SAFE_NO_PAD.encode(small)),
            None => URL_SAFE_NO_PAD.encode(json),
        };
        text.push(':');
        text.push_str(&base62(now.as_millis().div_euclid(1000)));
        if let Some(key) = self.keys.first() {
            let signature = mac(key, text.as_bytes()).finalize().into_bytes();
            let _ = write!(text, ":{}", URL_SAFE_NO_PAD.encode(signature));
        }
        Ok(text)
    }

    /// `signing.loads`: the JSON text and when it was signed. Nothing is decoded that is not signed (T10), and no more than
    /// `most` bytes are inflated.
    pub(super) fn loads(&self, text: &str, most: usize) -> Result<(Vec<u8>, Time)> {
        let (value, signature) = text.rsplit_once(':').ok_or_else(|| undecodable("no signature"))?;
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| undecodable("a damaged signature"))?;
        // Compared in constant time, with every key.
        let known = self.keys.iter().any(|key| mac(key, value.as_bytes()).verify_slice(&signature).is_ok());
        if !known {
            return Err(undecodable(
                "its signature fits no key: is it the SECRET_KEY of the Django project?",
            ));
        }
        let (data, time) = value.rsplit_once(':').ok_or_else(|| undecodable("no time"))?;
        let seconds = from_base62(time).ok_or_else(|| undecodable("a damaged time"))?;
        let compressed = data.strip_prefix('.');
        let data =
            URL_SAFE_NO_PAD.decode(compressed.unwrap_or(data)).map_err(|_| undecodable("no base64"))?;
        let json = if compressed.is_some() { inflate(&data, most)? } else { data };
        Ok((json, Time::from_millis(seconds.saturating_mul(1000))))
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({} keys, redacted)", self.keys.len())
    }
}

/// `salted_hmac`: its key is a hash of a salt and the secret.
pub(super) fn salted_hmac(salt: &str, secret: &[u8], value: &[u8]) -> Hmac<Sha256> {
    mac(&derive(&[salt.as_bytes(), secret]), value)
}

fn derive(parts: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    let mut hash = Sha256::new();
    parts.iter().for_each(|part| hash.update(part));
    Zeroizing::new(hash.finalize().into())
}

fn mac(key: &[u8; 32], value: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(value);
    mac
}

/// JSON as Python writes it: everything beyond ASCII, which is only within its texts, as `\uXXXX` (D102).
fn ascii(json: &[u8]) -> String {
    let text = String::from_utf8_lossy(json);
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
    out
}

fn deflate(json: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(json).ok()?;
    encoder.finish().ok()
}

fn inflate(data: &[u8], most: usize) -> Result<Vec<u8>> {
    let mut json = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    match ZlibDecoder::new(data).take(limit).read_to_end(&mut json) {
        Ok(_) if json.len() <= most => Ok(json),
        Ok(_) => Err(undecodable("larger than a session may be, when inflated")),
        Err(_) => Err(undecodable("damaged compressed data")),
    }
}

fn base62(number: i64) -> String {
    let mut rest = number.unsigned_abs();
    let mut digits = Vec::new();
    loop {
        // Below 62, so in the alphabet.
        digits.push(char::from(DIGITS[usize::try_from(rest % 62).unwrap_or_default()]));
        rest /= 62;
        if rest == 0 {
            break;
        }
    }
    if number < 0 {
        digits.push('-');
    }
    digits.iter().rev().collect()
}

fn from_base62(text: &str) -> Option<i64> {
    let (digits, sign) = text.strip_prefix('-').map_or((text, 1), |digits| (digits, -1));
    if digits.is_empty() {
        return None;
    }
    digits.bytes().try_fold(0_i64, |number, c| {
        let digit = DIGITS.iter().position(|digit| *digit == c)?;
        number.checked_mul(62)?.checked_add(i64::try_from(digit).ok()? * sign)
    })
}

fn undecodable(what: &str) -> Error {
    Error::Undecodable(format!("in Django's format: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Time = Time::from_millis(1_700_000_000_000);
    const MOST: usize = 1 << 20;

    fn signer(secret: &str) -> Signer {
        Signer::new(&SecretKeys::new(secret), super::super::ROWS)
    }

    /// D108: what Django itself writes, and reads.
    #[test]
    fn texts_are_django_s() {
        let signer = signer("test-secret-key");
        let vectors = [
            ("{}", "e30:1r31eq:V0zhXyqaeSiXnlEQJVh5I3Tjp7U3uQESH5gHoaFBmW8"),
            (r#"{"a":1}"#, "eyJhIjoxfQ:1r31eq:mvqAFpOL1fZXbE9_M4qDR7eYKgZG_5R2MwsvV9eChd8"),
        ];
        for (json, text) in vectors {
            assert_eq!(signer.dumps(json.as_bytes(), AT, usize::MAX).unwrap(), text);
            assert_eq!(signer.loads(text, MOST).unwrap(), (json.as_bytes().to_vec(), AT));
        }
        // Compressed: other zlibs write other bytes, so only reading is compared.
        let text = ".eJyrVspWslKqGCZAqRYAxxtf5g:1r31eq:KK4UDP8jR7hYVcDYhWI7iJdiZ0OmDIzPF-HtZqCsyks";
        let json = format!("{{\"k\":\"{}\"}}", "x".repeat(200));
        assert_eq!(signer.loads(text, MOST).unwrap().0, json.as_bytes());
        assert!(signer.dumps(json.as_bytes(), AT, usize::MAX).unwrap().starts_with('.'));
        let cookies = Signer::new(&SecretKeys::new("test-secret-key"), super::super::cookies::SALT);
        let text = "eyJhIjoxfQ:1r31eq:AJu16St_lXmPR35BcDlMtqC8Z-L-JTNezUHSXtss5hs";
        assert_eq!(cookies.dumps(br#"{"a":1}"#, AT, usize::MAX).unwrap(), text);
        assert!(signer.loads(text, MOST).is_err(), "a cookie is no row");
    }

    #[test]
    fn a_fallback_key_reads_and_does_not_sign() {
        let old = "eyJhIjoxfQ:1r31eq:OD6wC_HYyDbD-ixXe31Ud8ULOZTban_LPcgBTT5gVXU";
        assert_eq!(signer("old-secret").dumps(br#"{"a":1}"#, AT, usize::MAX).unwrap(), old);
        let both =
            Signer::new(&SecretKeys::new("test-secret-key").with_fallback("old-secret"), super::super::ROWS);
        assert_eq!(both.loads(old, MOST).unwrap().0, br#"{"a":1}"#);
        assert_ne!(both.dumps(br#"{"a":1}"#, AT, usize::MAX).unwrap(), old);
        assert!(signer("test-secret-key").loads(old, MOST).is_err());
    }

    #[test]
    fn changed_texts_are_refused() {
        let signer = signer("secret");
        let good = signer.dumps(br#"{"a":"text"}"#, AT, usize::MAX).unwrap();
        for at in 0..good.len() {
            let mut changed = good.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            // The last character of base64 has bits that say nothing: Python ignores them, this decoder refuses them.
            assert!(signer.loads(&changed, MOST).is_err(), "{at}: {changed}");
        }
        for text in ["", ":", "::", "a:b", "a:b:c", "\u{1F36A}", &"x".repeat(100_000)] {
            assert!(signer.loads(text, MOST).is_err());
        }
    }

    #[test]
    fn a_bomb_is_not_inflated() {
        let signer = signer("secret");
        let bomb = signer
            .dumps(format!("{{\"a\":\"{}\"}}", "0".repeat(32 << 20)).as_bytes(), AT, usize::MAX)
            .unwrap();
        assert!(bomb.len() < 1 << 17 && signer.loads(&bomb, MOST).is_err());
    }

    /// A session of texts beyond ASCII was saved, and could not be read again.
    #[test]
    fn what_would_not_be_read_is_not_written() {
        let (signer, json) = (signer("secret"), format!("{{\"a\":\"{}\"}}", "ä".repeat(1000)));
        let text = signer.dumps(json.as_bytes(), AT, 6008).unwrap();
        assert_eq!(signer.loads(&text, 6008).unwrap().0.len(), 6008);
        let refused = signer.dumps(json.as_bytes(), AT, 6007);
        assert!(matches!(refused, Err(Error::TooLarge { size: 6008, limit: 6007 })));
    }

    #[test]
    fn texts_beyond_ascii_are_escaped_as_python_does() {
        assert_eq!(ascii("{\"ä\":\"\u{1F600}\\n\"}".as_bytes()), r#"{"\u00e4":"\ud83d\ude00\n"}"#);
    }

    #[test]
    fn numbers_go_there_and_back_in_base_62() {
        for number in [0, 1, 61, 62, 1_700_000_000, -5, i64::MAX, i64::MIN + 1] {
            assert_eq!(from_base62(&base62(number)), Some(number));
        }
        assert_eq!((base62(0), base62(1_700_000_000)), ("0".to_owned(), "1r31eq".to_owned()));
        for text in ["", "-", "!", "é", "zzzzzzzzzzzzzzzzzzzz"] {
            assert_eq!(from_base62(text), None);
        }
    }
}
