//! Sealing and opening: what comes back, and what is refused.

#![expect(clippy::unwrap_used, reason = "a test fails where what it is made of fails")]

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;
use session_cookie::{Compression, EncryptedCookie, SignedCookie};
use session_core::testing::store::sample;
use session_core::{AnyStore, Error, Record, Sealer, Time, Version};
use session_memory::MemoryStore;

const NOW: Time = Time::from_millis(1_700_000_000_000);
const SECRET: [u8; 32] = [1; 32];
const OTHER: [u8; 32] = [2; 32];

fn signed(name: &str, secrets: &[[u8; 32]]) -> SignedCookie {
    SignedCookie::new(name, secrets).unwrap()
}

fn encrypted(name: &str, secrets: &[[u8; 32]]) -> EncryptedCookie {
    EncryptedCookie::new(name, secrets).unwrap()
}

/// One of each kind, with the same secrets.
fn both(name: &str, secrets: &[[u8; 32]]) -> [Box<dyn Sealer>; 2] {
    [Box::new(signed(name, secrets)), Box::new(encrypted(name, secrets))]
}

/// The same each time, and not to be compressed.
fn noise() -> impl Iterator<Item = u8> {
    let mut state = 1_u64;
    std::iter::from_fn(move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        Some(state.to_le_bytes()[7])
    })
}

fn record() -> Record {
    let store = AnyStore::new(MemoryStore::new());
    let version = Version { seq: 1, nonce: u64::MAX };
    Record { version, account: Some("Ünï \u{1F36A}".to_owned()), ..sample(&store, NOW) }
}

#[test]
fn every_field_is_read_back_as_it_was_written() {
    let full = record();
    let bare = Record { account: None, secret: None, data: "".into(), ..full.clone() };
    let long = Record { data: "{\"text\":\"so and so\"}".repeat(200).into(), ..full.clone() };
    let random: Vec<u8> = noise().take(1_000).collect();
    let dense = Record { data: random.into(), ..full.clone() };
    for sealer in both("sid", &[SECRET]) {
        for record in [&full, &bare, &long, &dense] {
            let token = sealer.seal(record, NOW).unwrap();
            assert_eq!(sealer.open(token.as_bytes(), NOW).as_ref(), Some(record));
            assert!(token.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_'));
        }
    }
}

/// The one shows what is in it to whoever decodes it, the other never the same bytes twice.
#[test]
fn the_signed_can_be_read_and_the_encrypted_cannot() {
    let record = Record { data: "{\"a\":\"visible\"}".into(), ..record() };
    let seal = |sealer: &dyn Sealer| URL_SAFE_NO_PAD.decode(sealer.seal(&record, NOW).unwrap()).unwrap();
    let has = |bytes: &[u8]| bytes.windows(7).any(|window| window == b"visible");
    let signed = signed("sid", &[SECRET]).with_compression(Compression::Never);
    let encrypted = encrypted("sid", &[SECRET]).with_compression(Compression::Never);
    assert!(has(&seal(&signed)) && !has(&seal(&encrypted)));
    assert_eq!(seal(&signed), seal(&signed));
    assert_ne!(seal(&encrypted), seal(&encrypted), "a nonce is drawn for each");
}

#[test]
fn one_changed_bit_is_refused_wherever_it_is() {
    for sealer in both("sid", &[SECRET]) {
        let token = sealer.seal(&record(), NOW).unwrap();
        let sealed = URL_SAFE_NO_PAD.decode(&token).unwrap();
        for at in 0..sealed.len() {
            for bit in 0..8 {
                let mut bad = sealed.clone();
                bad[at] ^= 1 << bit;
                let bad = URL_SAFE_NO_PAD.encode(bad);
                assert_eq!(sealer.open(bad.as_bytes(), NOW), None, "bit {bit} of byte {at}");
            }
        }
    }
}

/// Also where two texts stand for the same bytes: a token has one text.
#[test]
fn one_changed_character_is_refused_wherever_it_is() {
    for sealer in both("sid", &[SECRET]) {
        let token = sealer.seal(&record(), NOW).unwrap().into_bytes();
        for at in 0..token.len() {
            for other in [b'A', b'B', b'_', b'=', b'+', b' ', b'%', 0, 0xFF] {
                let mut bad = token.clone();
                bad[at] = other;
                assert!(bad == token || sealer.open(&bad, NOW).is_none(), "{other} at {at}");
            }
        }
    }
}

#[test]
fn what_is_cut_off_or_longer_is_refused() {
    for sealer in both("sid", &[SECRET]) {
        let token = sealer.seal(&record(), NOW).unwrap();
        for end in 0..token.len() {
            assert_eq!(sealer.open(&token.as_bytes()[..end], NOW), None, "cut off at {end}");
        }
        for more in ["A", "=", "==", "AAAA", " ", ".", &"A".repeat(100_000)] {
            assert_eq!(sealer.open(format!("{token}{more}").as_bytes(), NOW), None);
        }
    }
}

/// T10, T34: neither the kind nor the cookie can be swapped, whatever the first byte is made to say.
#[test]
fn a_token_is_for_one_kind_and_one_cookie() {
    for (i, sealer) in both("sid", &[SECRET]).iter().enumerate() {
        let token = sealer.seal(&record(), NOW).unwrap();
        let other_kind = &both("sid", &[SECRET])[1 - i];
        assert_eq!(other_kind.open(token.as_bytes(), NOW), None);
        let mut sealed = URL_SAFE_NO_PAD.decode(&token).unwrap();
        for first in 0..=255 {
            sealed[0] = first;
            assert_eq!(other_kind.open(URL_SAFE_NO_PAD.encode(&sealed).as_bytes(), NOW), None);
        }
        for name in ["sid2", "si", "SID", "", "sid\0"] {
            assert_eq!(both(name, &[SECRET])[i].open(token.as_bytes(), NOW), None, "{name:?}");
        }
    }
}

/// T25: the deadline is inside, and a copy that was kept is no longer than a session.
#[test]
fn it_is_refused_from_its_deadline_on() {
    let record = record();
    for sealer in both("sid", &[SECRET]) {
        let token = sealer.seal(&record, NOW).unwrap();
        let just_before = record.expires_at - Duration::from_millis(1);
        assert!(sealer.open(token.as_bytes(), just_before).is_some());
        assert_eq!(sealer.open(token.as_bytes(), record.expires_at), None);
        assert_eq!(sealer.open(token.as_bytes(), Time::MAX), None);
    }
}

/// A server whose clock is a year ahead would hand out sessions that last a year longer.
#[test]
fn it_is_refused_long_before_it_was_issued() {
    let record = record();
    for sealer in both("sid", &[SECRET]) {
        let token = sealer.seal(&record, NOW).unwrap();
        let slack = Duration::from_secs(300);
        assert!(sealer.open(token.as_bytes(), NOW - slack).is_some(), "clocks of servers differ");
        assert_eq!(sealer.open(token.as_bytes(), NOW - slack - Duration::from_millis(1)), None);
    }
}

#[test]
fn the_newest_secret_seals_and_all_open() {
    let record = record();
    for i in [0, 1] {
        let old = &both("sid", &[OTHER])[i];
        let rotating = &both("sid", &[SECRET, OTHER])[i];
        let new = &both("sid", &[SECRET])[i];
        let token = old.seal(&record, NOW).unwrap();
        assert_eq!(rotating.open(token.as_bytes(), NOW).as_ref(), Some(&record));
        assert_eq!(new.open(token.as_bytes(), NOW), None, "the old secret was taken away");
        let again = rotating.seal(&record, NOW).unwrap();
        assert_eq!(new.open(again.as_bytes(), NOW).as_ref(), Some(&record));
        assert_eq!(old.open(again.as_bytes(), NOW), None);
    }
}

#[test]
fn it_is_compressed_where_that_is_smaller() {
    let repetitive = Record { data: "{\"a\":1}".repeat(300).into(), ..record() };
    let dense = record();
    for record in [&repetitive, &dense] {
        let seal =
            |compression| signed("sid", &[SECRET]).with_compression(compression).seal(record, NOW).unwrap();
        let (compressed, plain) = (seal(Compression::WhenSmaller), seal(Compression::Never));
        assert!(compressed.len() <= plain.len());
        assert!(plain.len() - compressed.len() > 2_000 || record == &dense);
        // Either opens what the other sealed.
        for token in [compressed, plain] {
            for compression in [Compression::WhenSmaller, Compression::Never] {
                let sealer = signed("sid", &[SECRET]).with_compression(compression);
                assert_eq!(sealer.open(token.as_bytes(), NOW).as_ref(), Some(record));
            }
        }
    }
}

/// What could not be opened is not sealed, however well it compresses.
#[test]
fn more_than_is_inflated_is_an_error_when_it_is_written() {
    let record = Record { data: "x".repeat(70_000).into(), ..record() };
    for sealer in both("sid", &[SECRET]) {
        let error = sealer.seal(&record, NOW).unwrap_err();
        assert!(matches!(error, Error::TooLarge { limit: 65_536, .. }), "{error}");
    }
}

/// T15: neither a secret nor what is made of it.
#[test]
fn debug_shows_no_secret() {
    let secret = "a secret of more than 32 bytes, which is text";
    let shown = format!(
        "{:?} {:?}",
        SignedCookie::new("sid", [secret]).unwrap(),
        EncryptedCookie::new("sid", [secret]).unwrap()
    );
    assert!(shown.contains("redacted") && shown.contains("sid") && !shown.contains("secret of"), "{shown}");
    assert!(!shown.contains("97, "), "nor as numbers: {shown}");
}

/// The format does not change by accident: this was sealed when it was decided.
#[test]
fn what_was_sealed_before_is_opened() {
    let signed_then = concat!(
        "EQGFjjsKg0AYhHdIEfAMFj97g7RJlXsEwi4xj2YDxmARApsDBDyAoLUWHsILWFtYeAJbLXzgo_YrZoYphtFh3NZS5-",
        "WvkXrKo6JbAIzUV2lCVfCP0K5wBbRXZMsYZmOeybBZAQzG-2XZZ3GzlGMeiUv76Q4FP5D7cO50IqEu44_thwu-3317",
        "KbNwQ2Oei7Ie88QSlKGZ4WJf-9bTdCXfSEJsIhseMdk",
    );
    let encrypted_then = concat!(
        "IbxaaQKoYnK_xS3q3FBQwgPGeuf8xlkGl3I6Wclh9DBINybVdWJxSg6QVMGNOUGCPyqbff8Da7lBMj-XYG2J4PGUpr",
        "GVsB2nLomanusNltD3haa9x74x2ScNAEluz6G-UTgjJMMFD1WZgcb-Hg-NohQ8pyB5ZNUZixj-sgi6UezLrvsTeUOQ",
        "M33zhRA6ylOMU9V8iegVl_n4V_3-JE-Kg-UQ4AefqSecv0DyO-2wKA",
    );
    let then = record();
    assert_eq!(signed("sessionid", &[SECRET]).open(signed_then.as_bytes(), NOW), Some(then.clone()));
    assert_eq!(encrypted("sessionid", &[SECRET]).open(encrypted_then.as_bytes(), NOW), Some(then));
}

proptest! {
    /// T29, T33: whatever a client sends.
    #[test]
    fn nothing_that_is_sent_panics_or_opens(bytes in prop::collection::vec(any::<u8>(), 0..5_000)) {
        let text = URL_SAFE_NO_PAD.encode(&bytes);
        for sealer in both("sid", &[SECRET, OTHER]) {
            for first in [0x11, 0x21] {
                let formed = URL_SAFE_NO_PAD.encode([&[first], &bytes[..]].concat());
                prop_assert_eq!(sealer.open(formed.as_bytes(), NOW), None);
            }
            prop_assert_eq!(sealer.open(&bytes, NOW), None);
            prop_assert_eq!(sealer.open(text.as_bytes(), NOW), None);
        }
    }

    #[test]
    fn any_data_comes_back(data in prop::collection::vec(any::<u8>(), 0..2_000), account in any::<Option<String>>()) {
        let record = Record { data: data.into(), account, ..record() };
        for sealer in both("sid", &[SECRET]) {
            let token = sealer.seal(&record, NOW).unwrap();
            if token.len() <= 4096 {
                prop_assert_eq!(sealer.open(token.as_bytes(), NOW), Some(record.clone()));
            }
        }
    }
}
