//! The schemes of URLs, and what each is behind.

use crate::error::ConnectError;

/// Each scheme with the cargo feature that its store is behind.
const SCHEMES: [(&str, &str); 13] = [
    ("memory", "memory"),
    ("file", "file"),
    ("sqlite", "sqlite"),
    ("postgres", "postgres"),
    ("postgresql", "postgres"),
    ("mysql", "mysql"),
    ("mariadb", "mysql"),
    ("redis", "redis"),
    ("rediss", "redis-tls"),
    ("redis+cluster", "redis-cluster"),
    ("redis+sentinel", "redis-sentinel"),
    ("cookie", "cookie"),
    ("cookie+encrypted", "cookie"),
];

/// A list for an error.
pub(crate) fn known() -> String {
    SCHEMES.map(|(scheme, _)| scheme).join(", ")
}

/// The scheme in small letters, and what follows its colon.
pub(crate) fn split(url: &str) -> Result<(String, &str), ConnectError> {
    let no_scheme = ConnectError::Malformed("it begins with a scheme and a colon, as `memory:` does");
    match url.split_once(':') {
        Some((scheme, place)) if is_scheme(scheme) => Ok((scheme.to_ascii_lowercase(), place)),
        _ => Err(no_scheme),
    }
}

/// Why there is no store of this scheme.
pub(crate) fn not_offered(scheme: String) -> ConnectError {
    match SCHEMES.iter().find(|(known, _)| *known == scheme) {
        Some((_, feature)) => ConnectError::NotCompiledIn { scheme, feature },
        None => ConnectError::UnknownScheme { scheme },
    }
}

/// RFC 3986, section 3.1. So what stands before the colon of `user@host:password` is not shown as a scheme.
fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}
