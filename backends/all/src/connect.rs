//! From a URL to a store.

#![cfg_attr(
    not(all(feature = "cached", feature = "cookie", feature = "sqlite")),
    allow(dead_code, clippy::unused_async, reason = "the stores that are left out use them")
)]

#[cfg(feature = "file")]
use session_core::store::{StoreError, StoreErrorKind};
use session_core::{AnyStore, Backend, SecretKeys, Settings};

use crate::error::ConnectError;
#[cfg(feature = "redis")]
use crate::schemes::redis_offered;
use crate::schemes::{is_of_redis, not_offered, split};
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
use crate::table::{TABLE, connected};

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
    Connect::new(url).open().await
}

/// A URL, and what it does not say.
///
/// ```
/// # #[cfg(feature = "cookie")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use session_backends::Connect;
/// use session_core::{SecretKeys, Sessions, Settings};
///
/// let settings = Settings::default();
/// let keys = SecretKeys::new([7; 32]); // drawn at random, of course
/// let backend = Connect::new("cookie+encrypted:").with_secret_keys(keys).with_settings(&settings).open().await?;
/// let sessions = Sessions::new(backend, settings)?;
/// # Ok(()) }
/// # #[cfg(not(feature = "cookie"))]
/// # fn main() {}
/// ```
#[derive(Clone, Debug)]
pub struct Connect {
    url: String,
    cache: Option<Cache>,
    keys: Option<SecretKeys>,
    settings: Settings,
    table: Option<String>,
    key_prefix: Option<String>,
    /// Whether what is absent stays so.
    existing: bool,
    #[cfg(feature = "django")]
    django: bool,
}

/// A cache's URL, and when its copies are used.
#[derive(Clone, Debug)]
struct Cache {
    url: String,
    /// Only while the store has the same version.
    verified: bool,
}

impl Connect {
    /// The store of this URL.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            cache: None,
            keys: None,
            settings: Settings::default(),
            table: None,
            key_prefix: None,
            existing: false,
            #[cfg(feature = "django")]
            django: false,
        }
    }

    /// With a write-through cache before it, `memory:` or one of the Redis forms (feature `cached`).
    #[must_use = "this returns the changed value"]
    pub fn with_cache(self, url: impl Into<String>) -> Self {
        Self { cache: Some(Cache { url: url.into(), verified: false }), ..self }
    }

    /// With such a cache that asks the store for the version of each session that is read: what was ended elsewhere is ended here at
    /// once, and the store is asked one short question instead of for the whole session.
    ///
    /// ```
    /// # #[cfg(all(feature = "cached", feature = "memory"))]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use session_backends::Connect;
    ///
    /// let url = "memory:"; // postgres://…, of course
    /// let backend = Connect::new(url).with_verified_cache("memory:").open().await?;
    /// # Ok(()) }
    /// # #[cfg(not(all(feature = "cached", feature = "memory")))]
    /// # fn main() {}
    /// ```
    #[must_use = "this returns the changed value"]
    pub fn with_verified_cache(self, url: impl Into<String>) -> Self {
        Self { cache: Some(Cache { url: url.into(), verified: true }), ..self }
    }

    /// With secrets, the newest first: what `cookie:` signs with and `cookie+encrypted:` encrypts with; a Django project's
    /// `SECRET_KEY` and fallbacks.
    #[must_use = "this returns the changed value"]
    pub fn with_secret_keys(self, keys: SecretKeys) -> Self {
        Self { keys: Some(keys), ..self }
    }

    /// For these settings: a session in a cookie is bound to the cookie's name, and so are Django's files.
    #[must_use = "this returns the changed value"]
    pub fn with_settings(self, settings: &Settings) -> Self {
        Self { settings: settings.clone(), ..self }
    }

    /// With the sessions of a Django project: the table `django_session` in `sqlite:`, `postgres:` or `mysql:`, its session files in
    /// `file:`, or its `signed_cookies` in `cookie:`. Needs [`with_secret_keys`](Self::with_secret_keys).
    ///
    /// ```no_run
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use session_backends::Connect;
    /// use session_core::SecretKeys;
    ///
    /// let keys = SecretKeys::new("the project's SECRET_KEY").with_fallback("one of SECRET_KEY_FALLBACKS");
    /// let url = "postgres://shop:secret@localhost/shop";
    /// let backend = Connect::new(url).with_secret_keys(keys).with_django_format().open().await?;
    /// # Ok(()) }
    /// ```
    #[cfg(feature = "django")]
    #[must_use = "this returns the changed value"]
    pub fn with_django_format(self) -> Self {
        Self { django: true, ..self }
    }

    /// With a table of this name, in `sqlite:`, `postgres:` or `mysql:`, in place of `sessions`.
    #[must_use = "this returns the changed value"]
    pub fn with_table(self, name: impl Into<String>) -> Self {
        Self { table: Some(name.into()), ..self }
    }

    /// With keys that begin so, in the forms of `redis:`, in place of `session:`. The last character is `:`.
    #[must_use = "this returns the changed value"]
    pub fn with_key_prefix(self, prefix: impl Into<String>) -> Self {
        Self { key_prefix: Some(prefix.into()), ..self }
    }

    /// Creates nothing: a file, a folder or a table that is absent is an error. For tools, which should not make a new store of a
    /// mistyped name.
    ///
    /// ```
    /// # #[cfg(feature = "sqlite")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// use session_backends::Connect;
    ///
    /// assert!(Connect::new("sqlite:mistyped.db").without_creating().open().await.is_err());
    /// assert!(!std::path::Path::new("mistyped.db").exists());
    /// # }
    /// # #[cfg(not(feature = "sqlite"))]
    /// # fn main() {}
    /// ```
    #[must_use = "this returns the changed value"]
    pub fn without_creating(self) -> Self {
        Self { existing: true, ..self }
    }

    /// Makes it, ready for use.
    pub async fn open(self) -> Result<Backend, ConnectError> {
        let backend = match (self.backend().await?, &self.cache) {
            (backend, None) => backend,
            (Backend::Server(store), Some(cache)) => behind_cache(store, cache).await?,
            (Backend::Client(_), Some(_)) => {
                return Err(ConnectError::Combination(
                    "a session in its cookie needs no cache: leave it out",
                ));
            }
        };
        #[cfg(feature = "django")]
        if self.django {
            return Ok(crate::django::in_its_format(backend, self.secrets()?));
        }
        Ok(backend)
    }

    async fn backend(&self) -> Result<Backend, ConnectError> {
        let (scheme, place) = split(&self.url)?;
        // Which arms there are, and whether they look at the place, is up to the features.
        let _ = place;
        self.check_names(&scheme)?;
        #[cfg(feature = "django")]
        if self.django {
            return crate::django::open(self, scheme, place).await;
        }
        match scheme.as_str() {
            #[cfg(feature = "memory")]
            "memory" => {
                is_nowhere(place)?;
                Ok(crate::memory::MemoryStore::new().into())
            }
            #[cfg(feature = "file")]
            "file" => Ok(crate::file::FileStore::open(self.folder(place)?)?.into()),
            #[cfg(feature = "sqlite")]
            "sqlite" => connected!(SqliteStore, self, &format!("sqlite:{place}"), TABLE),
            #[cfg(feature = "postgres")]
            "postgres" | "postgresql" => connected!(PostgresStore, self, &format!("postgres:{place}"), TABLE),
            #[cfg(feature = "mysql")]
            "mysql" | "mariadb" => {
                connected!(MySqlStore, self, &format!("mysql:{place}"), TABLE)
            }
            #[cfg(feature = "redis")]
            _ if redis_offered(&scheme) => {
                let prefix = self.key_prefix.as_deref().map(str::parse).transpose().map_err(name)?;
                let store = crate::redis::RedisStore::connect(&self.url).await?;
                Ok(match prefix {
                    Some(prefix) => store.with_prefix(prefix).into(),
                    None => store.into(),
                })
            }
            #[cfg(feature = "cookie")]
            "cookie" => {
                let sealer =
                    crate::cookie::SignedCookie::new(self.settings.cookie_name(), self.secrets()?.iter());
                Ok(session_core::AnySealer::new(sealer.map_err(secret)?).into())
            }
            #[cfg(feature = "cookie")]
            "cookie+encrypted" => {
                let sealer =
                    crate::cookie::EncryptedCookie::new(self.settings.cookie_name(), self.secrets()?.iter());
                Ok(session_core::AnySealer::new(sealer.map_err(secret)?).into())
            }
            _ => Err(not_offered(scheme)),
        }
    }

    /// A name for what the store does not have would be ignored in silence.
    fn check_names(&self, scheme: &str) -> Result<(), ConnectError> {
        let has_table = matches!(scheme, "sqlite" | "postgres" | "postgresql" | "mysql" | "mariadb");
        let has_prefix = is_of_redis(scheme);
        if self.table.is_some() && !has_table {
            return Err(ConnectError::Combination(
                "only `sqlite:`, `postgres:` and `mysql:` have a table that has a name",
            ));
        }
        if self.key_prefix.is_some() && !has_prefix {
            return Err(ConnectError::Combination("only the forms of `redis:` have a prefix of keys"));
        }
        Ok(())
    }

    /// The folder that `file:` names.
    #[cfg(feature = "file")]
    pub(crate) fn folder<'a>(&self, place: &'a str) -> Result<&'a str, ConnectError> {
        let path = path(place)?;
        if self.existing && !std::path::Path::new(path).exists() {
            let says =
                format!("the session folder `{path}` does not exist: check its path, or have it created");
            return Err(StoreError::new(StoreErrorKind::Absent, says).into());
        }
        Ok(path)
    }

    /// The table, and whether it is there already.
    #[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
    pub(crate) fn table(&self, default: &str) -> Result<(crate::sqlx::TableName, bool), ConnectError> {
        let table = self.table.as_deref().unwrap_or(default).parse().map_err(name)?;
        Ok((table, self.existing))
    }

    #[cfg(feature = "django")]
    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    #[cfg(any(feature = "cookie", feature = "django"))]
    pub(crate) fn secrets(&self) -> Result<&SecretKeys, ConnectError> {
        const NONE: &str = "a session in its cookie, or in Django's format, needs a secret: use `Connect::with_secret_keys`, or \
             `secret_keys` in Rocket.toml";
        self.keys.as_ref().ok_or(ConnectError::Combination(NONE))
    }
}

#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql", feature = "redis"))]
fn name(error: impl std::fmt::Display) -> ConnectError {
    ConnectError::Name(error.to_string())
}

#[cfg(feature = "cached")]
async fn behind_cache(store: AnyStore, cache: &Cache) -> Result<Backend, ConnectError> {
    let (scheme, place) = split(&cache.url)?;
    let _ = (&store, place);
    match scheme.as_str() {
        #[cfg(feature = "memory")]
        "memory" => {
            is_nowhere(place)?;
            Ok(joined(store, crate::memory::MemoryCache::default(), cache.verified))
        }
        #[cfg(feature = "redis")]
        _ if redis_offered(&scheme) => {
            let redis = crate::redis::RedisCache::connect(&cache.url).await?;
            Ok(joined(store, redis, cache.verified))
        }
        "file" | "sqlite" | "postgres" | "postgresql" | "mysql" | "mariadb" | "cookie"
        | "cookie+encrypted" => Err(ConnectError::Combination("a cache is `memory:`, or a form of `redis:`")),
        _ => Err(not_offered(scheme)),
    }
}

#[cfg(all(feature = "cached", any(feature = "memory", feature = "redis")))]
fn joined(store: AnyStore, cache: impl session_core::Cache, verified: bool) -> Backend {
    let store = crate::cached::CachedStore::new(store, cache);
    if verified { store.with_verify().into() } else { store.into() }
}

#[cfg(not(feature = "cached"))]
async fn behind_cache(_: AnyStore, _: &Cache) -> Result<Backend, ConnectError> {
    Err(ConnectError::NotCompiledIn { scheme: "cache".to_owned(), feature: "cached" })
}

#[cfg(feature = "memory")]
fn is_nowhere(place: &str) -> Result<(), ConnectError> {
    match place {
        "" | "//" => Ok(()),
        _ => Err(ConnectError::Malformed("nothing follows `memory:`, which is no place")),
    }
}

/// `file:PATH` and `file:///PATH` are the same place.
#[cfg(feature = "file")]
fn path(place: &str) -> Result<&str, ConnectError> {
    match place.strip_prefix("//").unwrap_or(place) {
        "" => Err(ConnectError::Malformed("the path of a folder follows `file:`")),
        path => Ok(path),
    }
}

#[cfg(feature = "cookie")]
fn secret(error: crate::cookie::KeyError) -> ConnectError {
    ConnectError::Secret(error.to_string())
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
        assert!(error.to_string().contains("memory, file, sqlite"), "{error}");
        assert_eq!(format!("{error:?}"), error.to_string(), "what a program says that ends with it");
    }

    #[cfg(feature = "sqlite")]
    #[tokio::test]
    async fn the_debug_says_what_is_behind_it() {
        let error = error("sqlite:/nowhere/shop.db").await;
        let (says, all) = (error.to_string(), format!("{error:?}"));
        assert!(all.starts_with(&says) && all.contains("/nowhere/shop.db"), "{all}");
    }

    #[test]
    fn a_store_that_was_left_out_names_its_feature() {
        let error = not_offered("sqlite".to_owned());
        assert!(matches!(error, ConnectError::NotCompiledIn { feature: "sqlite", .. }), "{error:?}");
        assert!(error.to_string().contains("cargo feature `sqlite`"), "{error}");
    }

    /// Nobody listens there, or it needs features that are named.
    #[tokio::test]
    async fn what_redis_knows_is_known_here() {
        for (scheme, feature) in [
            ("valkey", "redis"),
            ("valkeys", "redis-tls"),
            ("unix", "redis"),
            ("rediss+cluster", "redis-cluster` and `redis-tls"),
            ("valkey+sentinel", "redis-sentinel"),
        ] {
            let place = match scheme {
                "unix" => "///nowhere/redis.sock",
                "valkey+sentinel" => "//127.0.0.1:1/primary",
                _ => "//127.0.0.1:1",
            };
            match error(&format!("{scheme}:{place}")).await {
                ConnectError::NotCompiledIn { feature: needed, .. } => assert_eq!(needed, feature),
                ConnectError::Store(error) => {
                    assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{scheme}");
                }
                error => panic!("{scheme}: {error:?}"),
            }
        }
    }

    #[cfg(not(feature = "sqlite"))]
    #[tokio::test]
    async fn sqlite_was_left_out() {
        assert!(matches!(error("sqlite:shop.db").await, ConnectError::NotCompiledIn { .. }));
    }

    /// They would be ignored.
    #[tokio::test]
    async fn a_name_for_what_a_store_does_not_have_is_refused() {
        for connect in [
            Connect::new("redis://localhost").with_table("shop"),
            Connect::new("file:shop").with_table("shop"),
            Connect::new("sqlite:shop.db").with_key_prefix("shop:"),
        ] {
            let error = connect.open().await.unwrap_err();
            assert!(matches!(error, ConnectError::Combination(_)), "{error}");
        }
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

    #[cfg(feature = "django")]
    #[tokio::test]
    async fn a_cache_holds_no_session_of_django_s() {
        let django = |url: &str| Connect::new(url).with_django_format();
        let no_secret = django("cookie:").open().await.unwrap_err();
        assert!(no_secret.to_string().contains("with_secret_keys"), "{no_secret}");
        let keys = SecretKeys::new("the project's SECRET_KEY");
        let sealed = django("cookie:").with_secret_keys(keys.clone()).open().await.unwrap();
        assert!(matches!(sealed, Backend::Client(_)));
        for url in ["memory:", "redis://localhost", "valkeys+cluster://localhost", "cookie+encrypted:"] {
            let error = django(url).with_secret_keys(keys.clone()).open().await.unwrap_err();
            assert!(matches!(error, ConnectError::Combination(_)), "{url}: {error}");
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
        async fn nothing_is_created_where_that_was_not_wanted() {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("shop.db");
            let shop = || Connect::new(format!("sqlite:{}", path.display()));
            let is_absent = |error: ConnectError| matches!(error, ConnectError::Store(store) if store.kind() == StoreErrorKind::Absent);
            assert!(is_absent(shop().without_creating().open().await.unwrap_err()));
            assert!(!path.exists());
            shop().with_table("others").open().await.unwrap();
            assert!(is_absent(shop().without_creating().open().await.unwrap_err()), "no such table");
            shop().with_table("others").without_creating().open().await.unwrap();
            let error = shop().with_table("shop; DROP TABLE others").open().await.unwrap_err();
            assert!(matches!(error, ConnectError::Name(_)), "{error}");
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
