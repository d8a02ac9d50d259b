//! From a URL to the sessions of a Django project.

#![cfg_attr(
    not(any(feature = "sqlite", feature = "postgres", feature = "mysql")),
    allow(clippy::unused_async, reason = "the stores that are left out use it")
)]

use session_core::django::SignedCookies;
use session_core::{AnySealer, AnyStore, Backend, SecretKeys};

use crate::connect::Connect;
use crate::error::ConnectError;
use crate::schemes::{is_of_redis, not_offered};
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
use crate::table::connected;

#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
const TABLE: &str = "django_session";

/// The store of this URL, as Django keeps it; [`in_its_format`] comes when everything is around it.
pub(crate) async fn open(connect: &Connect, scheme: String, place: &str) -> Result<Backend, ConnectError> {
    let secret_key = connect.secrets()?;
    // Which arms there are is up to the features.
    let _ = place;
    match scheme.as_str() {
        #[cfg(feature = "file")]
        "file" => {
            let path = connect.folder(place)?;
            Ok(crate::file::django::FileStore::open(path, secret_key, connect.settings())?.into())
        }
        #[cfg(feature = "sqlite")]
        "sqlite" => connected!(django::SqliteStore, connect, &format!("sqlite:{place}"), TABLE),
        #[cfg(feature = "postgres")]
        "postgres" | "postgresql" => {
            connected!(django::PostgresStore, connect, &format!("postgres:{place}"), TABLE)
        }
        #[cfg(feature = "mysql")]
        "mysql" | "mariadb" => {
            connected!(django::MySqlStore, connect, &format!("mysql:{place}"), TABLE)
        }
        "cookie" => {
            Ok(AnySealer::new(SignedCookies::new(secret_key, connect.settings().cookie_age())).into())
        }
        _ if is_of_redis(&scheme) || matches!(scheme.as_str(), "memory" | "cookie+encrypted") => {
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
