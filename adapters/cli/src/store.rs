//! From what is typed to a store.

use std::env;
use std::fs;

use session_backends::Connect;
#[cfg(feature = "cached")]
use session_backends::ConnectError;
use session_core::store::SessionStore as _;
use session_core::{
    AnyStore, Backend, RecordKey, SecretKeys, Sessions, Settings, StoredSession, Token, TokenFormat,
};

use crate::args::{Format, StoreArgs};
use crate::error::{Failure, OUT_OF_REACH};
use crate::secrecy::{ENCRYPTION_KEYS, SECRET_KEYS, name_of};
use crate::walk;

/// Sessions in their store, and how they are named to people.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) any: AnyStore,
    pub(crate) sessions: Sessions,
    /// Whether it is its key that opens a session.
    keys_are_secret: bool,
}

/// What becomes of a store that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Absent {
    /// It is an error: a mistyped name makes no new store.
    Fails,
    IsCreated,
}

const NO_STORE: &str =
    "which store? Set SESSION_STORE to its URL, or use --store URL; for example sqlite:shop.db";

/// A session larger than any application's limit can be looked at all the same.
const MAX_BYTES: usize = 1 << 27;

impl StoreArgs {
    /// The URL of the store.
    pub(crate) fn url(&self) -> Result<String, Failure> {
        resolved(self.store.as_deref().filter(|url| !url.is_empty()).ok_or(usage(NO_STORE))?)
    }

    /// Whether the store is a table of a database.
    pub(crate) fn has_table(&self) -> bool {
        const SCHEMES: [&str; 5] = ["sqlite", "postgres", "postgresql", "mysql", "mariadb"];
        self.url().is_ok_and(|url| url.split_once(':').is_some_and(|(scheme, _)| SCHEMES.contains(&scheme)))
    }

    /// Opens the store, which must be there.
    pub(crate) async fn open(&self) -> Result<Store, Failure> {
        self.open_with(Absent::Fails).await
    }

    /// The same for who ends sessions: a cache that is not told of it would go on serving them.
    pub(crate) async fn open_to_end(&self) -> Result<Store, Failure> {
        self.ask_the_cache().await?;
        self.open().await
    }

    /// Whether the cache answers, where there is one.
    #[cfg(feature = "cached")]
    pub(crate) async fn ask_the_cache(&self) -> Result<(), Failure> {
        let Some(url) = self.cache.as_deref().filter(|url| !url.is_empty()) else { return Ok(()) };
        let asked = match Connect::new(resolved(url)?).open().await {
            Ok(Backend::Server(cache)) => cache.ping().await,
            // Which is no cache is said where it is to be one.
            Ok(Backend::Client(_)) => Ok(()),
            Err(ConnectError::Store(error)) => Err(error),
            Err(error) => return Err(error.into()),
        };
        asked.map_err(Failure::Cache)
    }

    #[cfg(not(feature = "cached"))]
    #[expect(clippy::unused_async, reason = "what is left out uses it")]
    pub(crate) async fn ask_the_cache(&self) -> Result<(), Failure> {
        Ok(())
    }

    pub(crate) async fn open_with(&self, absent: Absent) -> Result<Store, Failure> {
        let connect = self.with_cache(self.connect(&self.url()?, absent)?)?;
        Store::new(connect.open().await?, self.settings()?)
    }

    /// The store of this URL, as these arguments describe it.
    pub(crate) fn connect(&self, url: &str, absent: Absent) -> Result<Connect, Failure> {
        let mut connect = Connect::new(url).with_settings(&self.settings()?);
        if let Some(table) = &self.table {
            connect = connect.with_table(table);
        }
        if let Some(prefix) = &self.key_prefix {
            connect = connect.with_key_prefix(prefix);
        }
        if let Some(keys) = self.secret_keys() {
            connect = connect.with_secret_keys(keys);
        }
        if absent == Absent::Fails {
            connect = connect.without_creating();
        }
        if self.format == Format::Django {
            if self.secret_keys().is_none() {
                return Err(usage(
                    "--format django needs the project's SECRET_KEY: set SESSION_SECRET_KEY to it",
                ));
            }
            return in_djangos_format(connect);
        }
        Ok(connect)
    }

    #[cfg(feature = "cached")]
    pub(crate) fn with_cache(&self, connect: Connect) -> Result<Connect, Failure> {
        match self.cache.as_deref().filter(|url| !url.is_empty()) {
            Some(url) => Ok(connect.with_cache(resolved(url)?)),
            None => Ok(connect),
        }
    }

    #[cfg(not(feature = "cached"))]
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "what is left out uses them")]
    pub(crate) fn with_cache(&self, connect: Connect) -> Result<Connect, Failure> {
        Ok(connect)
    }

    /// The application's, where they are given. Sessions are read whether they are encrypted or not.
    pub(crate) fn settings(&self) -> Result<Settings, Failure> {
        let settings = match &self.settings {
            None => Settings::default().with_max_bytes(MAX_BYTES),
            Some(path) => {
                let text = fs::read_to_string(path)
                    .map_err(|source| Failure::File { what: path.display().to_string(), source })?;
                serde_json::from_str(&text)
                    .map_err(|error| usage(&format!("{} holds no settings: {error}", path.display())))?
            }
        };
        match keys(&self.encryption_key, ENCRYPTION_KEYS) {
            Some(keys) => settings.with_encryption_from_now_on(&keys).map_err(|source| Failure::Key {
                name: "SESSION_ENCRYPTION_KEY or --encryption-key",
                source,
            }),
            None => Ok(settings),
        }
    }

    /// Of a Django project, or of sealed cookies.
    pub(crate) fn secret_keys(&self) -> Option<SecretKeys> {
        keys(&self.secret_key, SECRET_KEYS)
    }
}

impl Store {
    pub(crate) fn new(backend: Backend, settings: Settings) -> Result<Self, Failure> {
        let Backend::Server(store) = backend else {
            return Err(usage(OUT_OF_REACH));
        };
        let can = store.capabilities();
        if !can.durable {
            return Err(usage(OUT_OF_REACH));
        }
        let keys_are_secret = can.tokens == TokenFormat::Plain;
        Ok(Self { sessions: Sessions::new(store.clone(), settings)?, any: store, keys_are_secret })
    }

    /// What a session is called. In Django's format its key opens it, so there it is the key's successor.
    pub(crate) fn handle(&self, session: &StoredSession) -> RecordKey {
        if self.keys_are_secret { session.handle().successor() } else { session.handle() }
    }

    /// The session that somebody means by a handle, a key of Django's or a cookie's value; and its key.
    pub(crate) async fn find(&self, id: &str) -> Result<(RecordKey, StoredSession), Failure> {
        let key = Token::parse(TokenFormat::Split, id.as_bytes()).map(|token| *token.key());
        let key = key.or_else(|| id.parse().ok()).ok_or(usage(NO_HANDLE))?;
        let found = self.sessions.look_up(&key).await?.map(|session| (key, session));
        let found = match found {
            None if self.keys_are_secret => self.search(&key).await?,
            // Of Django's, and moved since: it is stored by its key's successor.
            None => {
                let moved = key.successor();
                self.sessions.look_up(&moved).await?.map(|session| (moved, session))
            }
            found => found,
        };
        // In this project's format only what is as long as a handle, or as a key of Django's that has moved, can be one.
        let may_be_one = self.keys_are_secret || [HANDLE, DJANGOS_KEY].contains(&key.as_str().len());
        let absent =
            || if may_be_one { Failure::NotFound(shown(&key).to_string()) } else { usage(NO_HANDLE) };
        found.ok_or_else(absent)
    }

    /// Looks through all: nothing leads from a handle to a key that is secret.
    async fn search(&self, handle: &RecordKey) -> Result<Option<(RecordKey, StoredSession)>, Failure> {
        let mut found = None;
        walk::all(&self.sessions, |session| {
            if self.handle(&session) == *handle {
                found = Some((session.handle(), session));
            }
            if found.is_some() { walk::Next::Stop } else { walk::Next::GoOn }
        })
        .await?;
        Ok(found)
    }
}

/// A key of Django's is not repeated, whatever it was asked of.
fn shown(key: &RecordKey) -> RecordKey {
    if key.as_str().len() == HANDLE { *key } else { key.successor() }
}

/// Characters.
const HANDLE: usize = 25;
const DJANGOS_KEY: usize = 32;

const NO_HANDLE: &str =
    "that is no handle of a session: 25 letters and figures, as `session list` shows them";

#[cfg(feature = "django")]
#[expect(clippy::unnecessary_wraps, reason = "without the feature it fails")]
fn in_djangos_format(connect: Connect) -> Result<Connect, Failure> {
    Ok(connect.with_django_format())
}

#[cfg(not(feature = "django"))]
fn in_djangos_format(_: Connect) -> Result<Connect, Failure> {
    Err(usage(
        "this program was built without Django's format: turn on the cargo feature `django` of session-cli",
    ))
}

/// What stands in the environment comes before what other programs see on the command line.
fn keys(typed: &[String], (names, older): (&[&str], &str)) -> Option<SecretKeys> {
    let set = |name: &str| env::var(name).ok().filter(|key| !key.is_empty());
    let mut keys = match names.iter().find_map(|name| set(name)) {
        Some(key) => vec![key],
        None => typed.to_vec(),
    };
    keys.extend(set(older).iter().flat_map(|older| older.split(',').map(str::to_owned)));
    let (newest, fallbacks) = keys.split_first()?;
    Some(fallbacks.iter().fold(SecretKeys::new(newest), |keys, older| keys.with_fallback(older)))
}

/// `env:NAME` is what is in that variable.
pub(crate) fn resolved(url: &str) -> Result<String, Failure> {
    match url.strip_prefix("env:") {
        None => Ok(url.to_owned()),
        Some(name) => env::var(name).map_err(|_| usage(&format!("the variable {name} is not set"))),
    }
}

/// A store's name for people; that of `env:NAME` is the one in the variable.
pub(crate) fn named(url: &str) -> String {
    resolved(url).map_or_else(|_| url.to_owned(), |url| name_of(&url))
}

pub(crate) fn usage(message: &str) -> Failure {
    Failure::Usage(message.to_owned())
}
