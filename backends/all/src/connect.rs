//! From a URL to a store.

use session_core::Backend;

use crate::error::ConnectError;

/// The schemes, each with the cargo feature that its store is behind.
pub(crate) const SCHEMES: [(&str, &str); 2] = [("memory", "memory"), ("sqlite", "sqlite")];

/// Makes the backend that a URL names, ready for use: a database file and its table are created where they are absent. The
/// [crate's page](crate) lists the URLs. As in any URL, the scheme may be written in capitals.
///
/// # Errors
///
/// [`ConnectError`] says whether the URL, the features that were compiled in, or the store is at fault. It never shows more of
/// the URL than its scheme: there may be a password in it.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use session_backends::{ConnectError, connect};
///
/// let error = connect("mongodb://me:secret@localhost").await.unwrap_err();
/// assert!(matches!(error, ConnectError::UnknownScheme { scheme } if scheme == "mongodb"));
/// # }
/// ```
pub async fn connect(url: &str) -> Result<Backend, ConnectError> {
    let (scheme, place) = split(url)?;
    // Which arms there are, and whether they look at the place, is up to the features.
    let _ = place;
    match scheme.as_str() {
        #[cfg(feature = "memory")]
        "memory" => memory(place),
        #[cfg(feature = "sqlite")]
        "sqlite" => Ok(crate::sqlx::SqliteStore::connect(&format!("sqlite:{place}")).await?.into()),
        _ => Err(not_offered(scheme)),
    }
}

/// The scheme in small letters, and what follows its colon.
fn split(url: &str) -> Result<(String, &str), ConnectError> {
    let no_scheme = ConnectError::Malformed("it begins with a scheme and a colon, as `memory:` does");
    match url.split_once(':') {
        Some((scheme, place)) if is_scheme(scheme) => Ok((scheme.to_ascii_lowercase(), place)),
        _ => Err(no_scheme),
    }
}

/// RFC 3986, section 3.1. So what stands before the colon of `user@host:password` is not shown as a scheme.
fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

fn not_offered(scheme: String) -> ConnectError {
    match SCHEMES.iter().find(|(known, _)| *known == scheme) {
        Some((_, feature)) => ConnectError::NotCompiledIn { scheme, feature },
        None => ConnectError::UnknownScheme { scheme },
    }
}

#[cfg(feature = "memory")]
fn memory(place: &str) -> Result<Backend, ConnectError> {
    match place {
        "" | "//" => Ok(crate::memory::MemoryStore::new().into()),
        _ => Err(ConnectError::Malformed("nothing follows `memory:`, which is no place")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn error(url: &str) -> ConnectError {
        connect(url).await.unwrap_err()
    }

    #[tokio::test]
    async fn an_unknown_scheme_lists_the_known_ones() {
        let error = error("mongodb://me:hunter2@host/db").await;
        assert!(matches!(&error, ConnectError::UnknownScheme { scheme } if scheme == "mongodb"), "{error:?}");
        assert!(error.to_string().contains("memory, sqlite"), "{error}");
    }

    #[test]
    fn a_store_that_was_left_out_names_its_feature() {
        let error = not_offered("sqlite".to_owned());
        assert!(matches!(error, ConnectError::NotCompiledIn { feature: "sqlite", .. }), "{error:?}");
        assert!(error.to_string().contains("cargo feature `sqlite`"), "{error}");
    }

    #[cfg(not(feature = "sqlite"))]
    #[tokio::test]
    async fn sqlite_was_left_out() {
        assert!(matches!(error("sqlite:shop.db").await, ConnectError::NotCompiledIn { .. }));
    }

    #[tokio::test]
    async fn what_is_no_url_is_malformed() {
        for url in ["", "shop.db", ":memory:", "/var/lib/shop.db", "2:x", "me@host:hunter2", "a b:c"] {
            assert!(matches!(error(url).await, ConnectError::Malformed(_)), "{url}");
        }
    }

    /// A URL stands in logs when it is wrong, and that is when its password must not.
    #[tokio::test]
    async fn no_error_shows_a_password() {
        for url in [
            "mongodb://me:hunter2@host/db",
            "me:hunter2@host",
            "//me:hunter2@host",
            "memory:hunter2",
            "sqlite://me:hunter2@host/missing/shop.db",
            "sqlite:shop.db?password=hunter2",
        ] {
            let error = error(url).await;
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
        }
    }

    #[cfg(feature = "memory")]
    #[tokio::test]
    async fn memory_is_made_from_its_scheme_alone() {
        for url in ["memory:", "memory://", "MEMORY:"] {
            assert!(matches!(connect(url).await.unwrap(), Backend::Server(_)), "{url}");
        }
        assert!(matches!(error("memory:shop").await, ConnectError::Malformed(_)));
    }

    #[cfg(feature = "sqlite")]
    mod sqlite {
        use session_core::store::{SessionStore, StoreErrorKind};

        use super::*;

        #[tokio::test]
        async fn a_file_is_created_and_ready() {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("shop.db");
            for scheme in ["sqlite:", "SQLite:", "sqlite://"] {
                let Backend::Server(store) = connect(&format!("{scheme}{}", path.display())).await.unwrap()
                else {
                    panic!("a file is no cookie");
                };
                store.ping().await.unwrap();
                assert!(path.exists());
            }
        }

        #[tokio::test]
        async fn a_store_that_failed_says_why() {
            let folder = tempfile::tempdir().unwrap();
            let url = format!("sqlite:{}", folder.path().join("missing/shop.db").display());
            let error = error(&url).await;
            assert!(
                matches!(&error, ConnectError::Store(store) if store.kind() == StoreErrorKind::Misconfigured),
                "{error:?}"
            );
        }
    }
}
