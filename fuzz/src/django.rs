//! The texts of Django's sessions, good and bad, by the formulas of `django.core.signing`.

use std::io::{Read as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::Compression;
use flate2::read::DeflateEncoder;
use flate2::write::ZlibEncoder;
use hmac::{Hmac, KeyInit as _, Mac as _};
use session_core::SecretKeys;
use sha2::{Digest as _, Sha256};

pub(crate) const SECRET: &str = "the project's SECRET_KEY";

/// 2023-11-14T22:13:20Z in base 62: the time at which all clocks stand.
const TIME: &str = "1r31eq";

pub(crate) fn keys() -> SecretKeys {
    SecretKeys::new(SECRET)
}

/// The text that an input stands for. Its first byte says what the rest is: JSON, JSON to be compressed, what is inflated, what is
/// signed, or the whole text.
pub(crate) fn text(salt: &str, input: &[u8]) -> Vec<u8> {
    let Some((how, rest)) = input.split_first() else { return Vec::new() };
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    match how.wrapping_sub(b'0') % 5 {
        0 => sign(salt, format!("{}:{TIME}", encode(rest)).into()),
        1 => sign(salt, format!(".{}:{TIME}", encode(&zlib(rest))).into()),
        2 => sign(salt, format!(".{}:{TIME}", encode(rest)).into()),
        3 => sign(salt, rest.to_vec()),
        _ => rest.to_vec(),
    }
}

fn sign(salt: &str, mut value: Vec<u8>) -> Vec<u8> {
    let key = Sha256::new().chain_update(salt).chain_update("signer").chain_update(SECRET).finalize();
    let hmac = Hmac::<Sha256>::new_from_slice(&key).expect("a key of any length");
    let signature = hmac.chain_update(&value).finalize().into_bytes();
    value.push(b':');
    value.extend(URL_SAFE_NO_PAD.encode(signature).as_bytes());
    value
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("memory takes it")
}

/// Raw, as this project's own formats have it.
pub(crate) fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    DeflateEncoder::new(bytes, Compression::fast()).read_to_end(&mut out).expect("memory takes it");
    out
}

/// Small texts that want to be large, where so many bytes are inflated and no more.
pub(crate) fn bombs(most: usize) -> Vec<Vec<u8>> {
    let compressed = |json: String| [b"2", &zlib(json.as_bytes())[..]].concat();
    vec![
        compressed(format!("{{\"a\":\"{}\"}}", "0".repeat(most))),
        compressed(format!("{{\"a\":\"{}\"}}", "0".repeat(most - 8))),
        compressed(format!("{{\"a\":{}{}}}", "[".repeat(most / 3), "]".repeat(most / 3))),
        compressed("{\"a\":".repeat(most / 6)),
        compressed(many_keys(most)),
        // As Python writes it, that is three times as long.
        compressed(format!("{{\"a\":\"{}\"}}", "ü".repeat(most / 4))),
        [b"2", &zlib(&zlib(&vec![0; most]))[..]].concat(),
        [b"0", &b"[".repeat(1 << 20)[..]].concat(),
        b"4".repeat(1 << 20),
        [b"4", &b":".repeat(1 << 20)[..]].concat(),
    ]
}

/// A JSON object of nearly this size, whose keys come in the worst order: each before all others.
pub(crate) fn many_keys(size: usize) -> String {
    let entries: Vec<_> = (0..size / 13).rev().map(|key| format!("\"{key:08}\":1")).collect();
    format!("{{{}}}", entries.join(","))
}
