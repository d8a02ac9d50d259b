//! The cookies of session-cookie. The first byte says how the rest becomes one: as it is, signed or encrypted; or as the payload behind
//! a good signature, which who has the key, or a fault of ours, could make.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit as _, Mac as _};
use session_backends::cookie::{Compression, EncryptedCookie, SignedCookie};
use session_core::{AnySealer, Details, Record, Sealer, Sessions, Time, Version};
use sha2::Sha256;

use crate::django::deflate;
use crate::visits::{NOW, settings, use_session, wait};

const NAME: &str = "sessionid";
const SECRET: [u8; 32] = [7; 32];

/// What a payload inflates to, at most.
const MOST: usize = 64 << 10;

pub(crate) fn run(input: &[u8]) {
    let Some((how, rest)) = input.split_first() else { return };
    match how % 3 {
        0 => check(AnySealer::new(signed()), rest),
        1 => check(AnySealer::new(encrypted()), rest),
        _ => check(AnySealer::new(signed()), sign(rest).as_bytes()),
    }
}

fn check(sealer: AnySealer, cookie: &[u8]) {
    let Some(record) = sealer.open(cookie, NOW) else { return };
    assert!(cookie.len() <= 4096 && record.data.len() <= MOST);
    assert!(record.expires_at > NOW, "it is live");
    let sessions = Sessions::new(sealer, settings()).expect("the default settings");
    let cookie = std::str::from_utf8(cookie).expect("base64 is text");
    wait(use_session(&sessions, cookie));
}

fn signed() -> SignedCookie {
    SignedCookie::new(NAME, [SECRET]).expect("a good secret")
}

fn encrypted() -> EncryptedCookie {
    EncryptedCookie::new(NAME, [SECRET]).expect("a good secret")
}

/// The cookie that has this payload, by the format that the crate's documentation describes.
fn sign(payload: &[u8]) -> String {
    let mut context = Vec::new();
    for part in [&b"session-cookie"[..], b"signed", NAME.as_bytes(), &[1]] {
        context.extend((part.len() as u64).to_le_bytes());
        context.extend(part);
    }
    let mut key = [0; 32];
    Hkdf::<Sha256>::new(None, &SECRET).expand(&context, &mut key).expect("it is one hash long");
    let sealed = [&[0x11], payload].concat();
    let hmac = Hmac::<Sha256>::new_from_slice(&key).expect("a key of any length");
    let tag = hmac.chain_update(&context).chain_update(&sealed).finalize().into_bytes();
    URL_SAFE_NO_PAD.encode([&sealed[..], &tag].concat())
}

pub(crate) fn hostile() -> Vec<Vec<u8>> {
    let mut all = vec![vec![b'0'; 1 << 20], vec![b'1'; 1 << 20]];
    // Those that are good: what is made of them is nearly good.
    for data in [
        "{}".to_owned(),
        "{\"a\":1,\"text\":\"so and so\"}".to_owned(),
        format!("{{\"a\":\"{}\"}}", "x".repeat(999)),
    ] {
        let record = record(data.into());
        let signed = signed().with_compression(Compression::Never).seal(&record, NOW).expect("it is small");
        let payload = URL_SAFE_NO_PAD.decode(&signed).expect("base64");
        all.push([b"0", signed.as_bytes()].concat());
        all.push([b"1", encrypted().seal(&record, NOW).expect("it is small").as_bytes()].concat());
        all.push([b"2", &payload[1..payload.len() - 32]].concat());
    }
    // A bomb, a bomb in a good payload's place, and one that is too deep.
    all.push([&b"2\x01"[..], &deflate(&vec![0; 3 << 20])].concat());
    let payload = |data: Vec<u8>| {
        let sealed = signed().seal(&record(data), NOW).expect("it deflates to little");
        let sealed = URL_SAFE_NO_PAD.decode(sealed).expect("base64");
        [b"2", &sealed[1..sealed.len() - 32]].concat()
    };
    all.push(payload(format!("{{\"a\":{}{}}}", "[".repeat(30_000), "]".repeat(30_000)).into()));
    all.push(payload(vec![b'{'; 60_000]));
    all
}

fn record(data: Vec<u8>) -> Record {
    Record {
        version: Version { seq: 1, nonce: 1 },
        created_at: NOW,
        last_active: NOW,
        expires_at: Time::MAX,
        account: Some("ada".to_owned()),
        secret: None,
        details: Details::decode(&[1, 0, 0, 0, 0, 0, 0]).expect("six empty fields"),
        data: data.into(),
    }
}
