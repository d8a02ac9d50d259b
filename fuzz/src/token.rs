//! A token, in every format.

use session_core::{MAX_KEY_LENGTH, MIN_KEY_LENGTH, RecordKey, Token, TokenFormat};

const FORMATS: [TokenFormat; 3] = [TokenFormat::Split, TokenFormat::Plain, TokenFormat::SplitFromPlain];

pub(crate) fn run(input: &[u8]) {
    for format in FORMATS {
        let Some(token) = Token::parse(format, input) else { continue };
        assert_eq!(token.expose().as_bytes(), input, "it is the text that it was read from, and no other");
        assert!((MIN_KEY_LENGTH..=MAX_KEY_LENGTH).contains(&token.key().as_str().len()));
        assert_eq!(token.secret_hash().is_none(), format == TokenFormat::Plain);
        assert_eq!(format!("{token:?}"), "Token(redacted)");
    }
    let key = std::str::from_utf8(input).ok().and_then(|text| text.parse::<RecordKey>().ok());
    if let Some(key) = key {
        assert_eq!(key.as_bytes(), input);
        assert!(key.as_bytes().iter().all(u8::is_ascii_alphanumeric), "it means nothing to any store");
    }
}

pub(crate) fn hostile() -> Vec<Vec<u8>> {
    [7, 8, 25, 32, 40, 41, 49, 50, 51, 1 << 20].map(|length| vec![b'a'; length]).into()
}
