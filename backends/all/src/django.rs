//! From a URL to the sessions of a Django project.

#![cfg_attr(
    not(any(feature = "sqlite", feature = "postgres", feature = "mysql")),
    allow(clippy::unused_async, reason = "the stores that are left out use it")
)]

use session_core::django::SignedCookies;
use session_core::{AnySealer, AnyStore, Backend, SecretKeys, Settings};

use crate::error::ConnectError;
use crate::schemes::not_offered;

/// The store of this URL, as Django keeps it; [`in_its_format`] comes when everything is around it.
pub(crate) async fn open(
    scheme: String,
    url: &str,
    place: &str,
    secret_key: &SecretKeys,
    settings: &Settings,
) -> Result<Backend, ConnectError> {
    // Which arms there are is up to the features.
    let _ = (url, place);
    match scheme.as_str() {
        #[cfg(feature = "file")]
        "file" => {
            let path = crate::connect::path(place)?;
            Ok(crate::file::django::FileStore::open(path, secret_key, settings)?.into())
        }
        #[cfg(feature = "sqlite")]
        "sqlite" => Ok(crate::sqlx::django::SqliteStore::connect(&format!("sqlite:{place}")).await?.into()),
        #[cfg(feature = "postgres")]
        "postgres" | "postgresql" => Ok(crate::sqlx::django::PostgresStore::connect(url).await?.into()),
        #[cfg(feature = "mysql")]
        "mysql" | "mariadb" => {
            Ok(crate::sqlx::django::MySqlStore::connect(&format!("mysql:{place}")).await?.into())
        }
        "cookie" => Ok(AnySealer::new(SignedCookies::new(secret_key, settings.cookie_age())).into()),
        "memory" | "redis" | "rediss" | "redis+cluster" | "redis+sentinel" | "cookie+encrypted" => {
            Err(ConnectError::Combination(
                "Django's format is that of its database tables (`sqlite:`, `postgres:`, `mysql:`), its session files \
                 (`file:`) and its signed cookies (`cookie:`); what it keeps in a cache are Python's pickles",
            ))
        }
        _ => Err(not_offered(scheme)),
    }
}

/// Reads and writes as Django does.
pub(crate) fn in_its_format(backend: Backend, secret_key: &SecretKeys) -> Backend {
    match backend {
        Backend::Server(store) => AnyStore::with_django_format(store, secret_key).into(),
        sealed @ Backend::Client(_) => sealed,
    }
}
