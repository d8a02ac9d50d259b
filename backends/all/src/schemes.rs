//! The schemes of URLs, and what each is behind.

use crate::error::ConnectError;

/// Each scheme with the cargo feature that its store is behind. Valkey's forms, sockets and encrypted forms are `OF_REDIS`.
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

/// The other schemes of Redis and Valkey.
const OF_REDIS: [(&str, &str); 11] = [
    ("valkey", "redis"),
    ("valkeys", "redis-tls"),
    ("unix", "redis"),
    ("redis+unix", "redis"),
    ("valkey+unix", "redis"),
    ("rediss+cluster", "redis-cluster` and `redis-tls"),
    ("valkey+cluster", "redis-cluster"),
    ("valkeys+cluster", "redis-cluster` and `redis-tls"),
    ("rediss+sentinel", "redis-sentinel` and `redis-tls"),
    ("valkey+sentinel", "redis-sentinel"),
    ("valkeys+sentinel", "redis-sentinel` and `redis-tls"),
];

/// The cargo feature, or the two, that a scheme needs.
fn feature(scheme: &str) -> Option<&'static str> {
    SCHEMES.iter().chain(&OF_REDIS).find(|(known, _)| *known == scheme).map(|(_, feature)| *feature)
}

/// Whether a scheme is one of Redis's or Valkey's.
pub(crate) fn is_of_redis(scheme: &str) -> bool {
    feature(scheme).is_some_and(|feature| feature.starts_with("redis"))
}

/// Whether it is one whose features are on.
#[cfg(feature = "redis")]
pub(crate) fn redis_offered(scheme: &str) -> bool {
    const ON: [(&str, bool); 4] = [
        ("redis", true),
        ("redis-tls", cfg!(feature = "redis-tls")),
        ("redis-cluster", cfg!(feature = "redis-cluster")),
        ("redis-sentinel", cfg!(feature = "redis-sentinel")),
    ];
    let is_on = |feature| ON.contains(&(feature, true));
    feature(scheme).is_some_and(|features| features.split("` and `").all(is_on))
}

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
    match feature(&scheme) {
        Some(feature) => ConnectError::NotCompiledIn { scheme, feature },
        None => ConnectError::UnknownScheme { scheme },
    }
}

/// RFC 3986, section 3.1. So what stands before the colon of `user@host:password` is not shown as a scheme.
fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}
