//! From an address to connections.

use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions, SqliteSynchronous};

use super::fault;
use crate::error::{Failure, Fault};

/// How long a statement waits for another process that writes. A request waits twice as long for a connection: the one before it
/// may be waiting.
const PATIENCE: Duration = Duration::from_secs(5);

/// Enough that those who read do not wait for one who writes. SQLite has one writer at a time, and the others sleep and ask
/// again: with 8 connections 64 tasks got a twentieth more done than with 4, and the unluckiest waited two to five times as long.
const CONNECTIONS: u32 = 4;

/// How often a database is asked to keep a write-ahead log while others ask it as well.
const TRIES: usize = 10;

/// What becomes of a file's journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Journal {
    /// A write-ahead log: the file is this project's.
    Ahead,
    /// The file is somebody else's.
    #[cfg(feature = "django")]
    AsItIs,
}

/// Opens what this address names, and says whether it is in memory only.
pub(super) async fn open(address: &str, journal: Journal) -> Result<(SqlitePool, bool), Failure> {
    // A connection to a file does not break while it lies idle, so that no use need begin with a question.
    let pool = SqlitePoolOptions::new().test_before_acquire(false).acquire_timeout(2 * PATIENCE);
    let address = Address::parse(address).map_err(|reason| Failure::new(Fault::Address, reason))?;
    let opened = match address {
        Address::Memory => {
            // The database ends with its connection: there is one, and it is never closed.
            let pool = pool.max_connections(1).min_connections(1).idle_timeout(None).max_lifetime(None);
            pool.connect_with(SqliteConnectOptions::new().in_memory(true)).await.map(|pool| (pool, true))
        }
        Address::File(options) => {
            let (options, pool) = (options.busy_timeout(PATIENCE), pool.max_connections(CONNECTIONS));
            let opened = match journal {
                Journal::Ahead => open_file(pool, options.synchronous(SqliteSynchronous::Normal)).await,
                #[cfg(feature = "django")]
                Journal::AsItIs => pool.connect_with(options).await,
            };
            opened.map(|pool| (pool, false))
        }
    };
    opened.map_err(fault::read)
}

async fn open_file(pool: SqlitePoolOptions, options: SqliteConnectOptions) -> sqlx::Result<SqlitePool> {
    let pool = pool.connect_with(options).await?;
    keep_a_write_ahead_log(&pool).await?;
    Ok(pool)
}

/// Turns the write-ahead log on: then nobody who reads waits for one who writes. The file remembers it.
///
/// SQLite refuses at once, whatever the busy timeout, while another connection writes or asks the same. So the loser waits for
/// its turn to write, which SQLite does wait for, and asks again.
async fn keep_a_write_ahead_log(pool: &SqlitePool) -> sqlx::Result<()> {
    let ask = || sqlx::query("PRAGMA journal_mode = WAL").execute(pool);
    for _ in 1..TRIES {
        match ask().await {
            Err(sqlx::Error::Database(error)) if fault::is_busy(error.as_ref()) => {
                pool.begin_with("BEGIN IMMEDIATE").await?.rollback().await?;
            }
            other => return other.map(drop),
        }
    }
    ask().await.map(drop)
}

/// What the user wrote.
enum Address {
    Memory,
    File(Box<SqliteConnectOptions>),
}

impl Address {
    /// `sqlite:` and a path, as sqlx has it, with its parameters; or a path alone, where no character has a meaning.
    fn parse(address: &str) -> Result<Self, String> {
        let Some(place) = address.strip_prefix("sqlite:") else {
            return match address {
                ":memory:" => Ok(Self::Memory),
                // Another database's address may hold a password: it is not shown, and no file gets its name.
                url if url.contains("://") => {
                    Err("it is not one of SQLite, which begins with `sqlite:`".to_owned())
                }
                path => Self::file(SqliteConnectOptions::new().filename(path).create_if_missing(true)),
            };
        };
        let place = place.strip_prefix("//").unwrap_or(place);
        let (path, parameters) = place.split_once('?').unwrap_or((place, ""));
        let mode = parameters.split('&').find_map(|parameter| parameter.strip_prefix("mode="));
        if path == ":memory:" || mode == Some("memory") {
            return Ok(Self::Memory);
        }
        let options: SqliteConnectOptions = address.parse().map_err(|error| match error {
            sqlx::Error::Configuration(reason) => reason.to_string(),
            other => other.to_string(),
        })?;
        // Who says how to open it is not told otherwise.
        Self::file(if mode.is_none() { options.create_if_missing(true) } else { options })
    }

    fn file(options: SqliteConnectOptions) -> Result<Self, String> {
        let name = options.get_filename().as_os_str();
        // Without a name SQLite makes a file for each connection, and behind `file:` it reads parameters that are not seen here.
        if name.is_empty() || name.as_encoded_bytes().starts_with(b"file:") {
            return Err("it names no file, as `sqlite:sessions.db` does".to_owned());
        }
        Ok(Self::File(Box::new(options)))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use sqlx::ConnectOptions;

    use super::*;

    /// The path, or why not.
    fn file(address: &str) -> Result<String, String> {
        Address::parse(address).map(|parsed| match parsed {
            Address::Memory => "in memory".to_owned(),
            Address::File(options) => options.get_filename().display().to_string(),
        })
    }

    #[test]
    fn an_address_is_a_url_or_a_path() {
        for (address, expected) in [
            ("sqlite:shop.db", "shop.db"),
            ("sqlite://shop.db", "shop.db"),
            ("sqlite:/var/lib/shop.db", "/var/lib/shop.db"),
            ("sqlite:///var/lib/shop.db?mode=rw", "/var/lib/shop.db"),
            ("sqlite:a%20b.db", "a b.db"),
            ("/var/lib/a%20b?.db", "/var/lib/a%20b?.db"),
            ("shop.db", "shop.db"),
            ("sqlite::memory:", "in memory"),
            ("sqlite://?mode=memory", "in memory"),
            (":memory:", "in memory"),
        ] {
            assert_eq!(file(address).as_deref(), Ok(expected), "{address}");
        }
    }

    #[test]
    fn what_names_no_file_is_refused_and_no_password_is_shown() {
        for address in [
            "",
            "sqlite:",
            "sqlite://",
            "sqlite:?mode=ro",
            "sqlite:shop.db?mode=odd",
            "file:shop.db",
            "sqlite:file:x",
            "sqlite:s?x=1",
        ] {
            assert!(file(address).is_err(), "{address}");
        }
        let of_another = file("postgres://me:hunter2@host/shop").unwrap_err();
        assert!(!of_another.contains("hunter2"));
    }

    /// Another process writes in the old way while this one starts, and is done once this one was refused.
    #[tokio::test]
    async fn a_write_ahead_log_is_asked_for_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = SqliteConnectOptions::new().filename(folder.path().join("s.db")).create_if_missing(true);
        let mut other = file.connect().await.unwrap();
        sqlx::raw_sql("CREATE TABLE shop (id); BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
        let other = Arc::new(Mutex::new(Some(other)));
        let pool = SqlitePoolOptions::new().max_connections(1).after_release(move |_, _| {
            let other = other.lock().unwrap().take();
            Box::pin(async {
                if let Some(mut other) = other {
                    sqlx::raw_sql("COMMIT").execute(&mut other).await?;
                }
                Ok(true)
            })
        });
        let pool = pool.connect_lazy_with(file);
        keep_a_write_ahead_log(&pool).await.unwrap();
        let mode: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&pool).await.unwrap();
        assert_eq!(mode, "wal");
    }
}
