//! From an address to connections.

use std::fs::{self, OpenOptions};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteSynchronous};
use sqlx::{Connection as _, Sqlite};

use super::fault;
use super::own::Connections;
use crate::address::Parameters;
use crate::engine::Engine as _;
use crate::error::{Failure, Fault};

/// How long a statement waits for another process that writes.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many connections read, unless the address says otherwise. One more writes.
const READERS: u32 = 4;

/// How often a database is asked to keep a write-ahead log while others ask it as well.
const TRIES: usize = 10;

/// What becomes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// It is this project's: created where it is absent, with a write-ahead log.
    Own,
    /// It is somebody else's: created where it is absent, its journal left as it is.
    #[cfg(feature = "django")]
    Foreign,
    /// It is there, and left as it is.
    Existing,
}

/// Opens what this address names, and says whether it is in memory only.
pub(super) async fn open(address: &str, how: Use) -> Result<(Connections, bool), Failure> {
    let Words { address, readers, synchronous } = read(address)?;
    match address {
        Address::Memory => {
            // The database ends with its connection.
            let options = SqliteConnectOptions::new().in_memory(true);
            let only = Sqlite::connect(&options).await;
            only.map(|only| (Connections::in_memory(options, only), true)).map_err(fault::read)
        }
        Address::File { options, may_be_new } => {
            if may_be_new && how == Use::Own {
                make_for_its_owner(options.get_filename());
            }
            let name = options.get_filename().display().to_string();
            let is_made = may_be_new && how != Use::Existing;
            let is_absent = !is_made && !options.get_filename().exists();
            let options = options.busy_timeout(PATIENCE).synchronous(synchronous);
            let options = if how == Use::Existing { options.create_if_missing(false) } else { options };
            open_file(options, how, readers).await.map(|connections| (connections, false)).map_err(|error| {
                let failure = fault::read(error);
                let fault =
                    if is_absent && failure.fault == Fault::NoAccess { Fault::NoFile } else { failure.fault };
                // A server's address that has slipped in may hold a password: it is not shown.
                if name.contains('@') {
                    return Failure::new(fault, failure.cause);
                }
                Failure::new(fault, format!("{name}: {}", failure.cause))
            })
        }
    }
}

/// What an address says.
pub(super) struct Words {
    address: Address,
    readers: u32,
    synchronous: SqliteSynchronous,
}

pub(super) fn read(address: &str) -> Result<Words, Failure> {
    let refused = |reason| Failure::new(Fault::Address, reason);
    // In a path alone no character has a meaning.
    let (address, mut own) =
        if address.starts_with("sqlite:") { Parameters::split(address) } else { Parameters::none(address) };
    let readers = own.number("connections").map_err(refused)?.unwrap_or(READERS);
    let synchronous = own.take("synchronous").map(|word| synchronous(&word)).transpose().map_err(refused)?;
    let address = Address::parse(&address).map_err(refused)?;
    Ok(Words { address, readers, synchronous: synchronous.unwrap_or(SqliteSynchronous::Full) })
}

fn synchronous(word: &str) -> Result<SqliteSynchronous, String> {
    match word {
        "full" => Ok(SqliteSynchronous::Full),
        "normal" => Ok(SqliteSynchronous::Normal),
        _ => Err("`synchronous` is `full` or `normal`".to_owned()),
    }
}

/// Makes the file so that its owner alone may read and write it, where it is absent. The files that SQLite puts beside it have the same
/// rights. Where it cannot be made, SQLite makes it, or says why not.
///
/// It gets its name when it is closed: to close a database's file takes the locks of all who have it open in this process.
fn make_for_its_owner(path: &Path) {
    static DRAFTS: AtomicU32 = AtomicU32::new(0);
    let (Some(name), false) = (path.file_name(), path.exists()) else { return };
    let number = DRAFTS.fetch_add(1, Ordering::Relaxed);
    let mut draft = name.to_owned();
    draft.push(format!(".{}-{number}.new", std::process::id()));
    let draft = path.with_file_name(draft);
    let mut file = OpenOptions::new();
    file.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut file, 0o600);
    if file.open(&draft).map(drop).is_ok() {
        let _ = fs::hard_link(&draft, path);
        let _ = fs::remove_file(&draft);
    }
}

async fn open_file(options: SqliteConnectOptions, how: Use, readers: u32) -> sqlx::Result<Connections> {
    let mut first = Sqlite::connect(&options).await?;
    if how == Use::Own {
        keep_a_write_ahead_log(&mut first).await?;
    }
    Connections::to_file(options, first, readers).await
}

/// Turns the write-ahead log on: then nobody who reads waits for one who writes. The file remembers it.
///
/// SQLite refuses at once, whatever the busy timeout, while another connection writes or asks the same. So the loser waits for
/// its turn to write, which SQLite does wait for, and asks again.
async fn keep_a_write_ahead_log(connection: &mut SqliteConnection) -> sqlx::Result<()> {
    for _ in 1..TRIES {
        match ask_for_a_write_ahead_log(connection).await {
            Err(sqlx::Error::Database(error)) if fault::is_busy(error.as_ref()) => {
                connection.begin_with("BEGIN IMMEDIATE").await?.rollback().await?;
            }
            other => return other,
        }
    }
    ask_for_a_write_ahead_log(connection).await
}

async fn ask_for_a_write_ahead_log(connection: &mut SqliteConnection) -> sqlx::Result<()> {
    sqlx::query("PRAGMA journal_mode = WAL").execute(connection).await.map(drop)
}

/// What the user wrote.
enum Address {
    Memory,
    File {
        options: Box<SqliteConnectOptions>,
        /// Where the file is absent, it is created.
        may_be_new: bool,
    },
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
                path => Self::file(SqliteConnectOptions::new().filename(path).create_if_missing(true), true),
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
        let may_be_new = matches!(mode, None | Some("rwc"));
        Self::file(if mode.is_none() { options.create_if_missing(true) } else { options }, may_be_new)
    }

    fn file(options: SqliteConnectOptions, may_be_new: bool) -> Result<Self, String> {
        let name = options.get_filename().as_os_str();
        // Without a name SQLite makes a file for each connection, and behind `file:` it reads parameters that are not seen here.
        if name.is_empty() || name.as_encoded_bytes().starts_with(b"file:") {
            return Err("it names no file, as `sqlite:sessions.db` does".to_owned());
        }
        Ok(Self::File { options: Box::new(options), may_be_new })
    }
}

#[cfg(test)]
mod tests {
    use sqlx::ConnectOptions;

    use super::*;

    /// The path, or why not.
    fn file(address: &str) -> Result<String, String> {
        Address::parse(address).map(|parsed| match parsed {
            Address::Memory => "in memory".to_owned(),
            Address::File { options, .. } => options.get_filename().display().to_string(),
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
        let mut ours = file.connect().await.unwrap();
        let refused = ask_for_a_write_ahead_log(&mut ours).await.unwrap_err();
        assert!(matches!(refused, sqlx::Error::Database(error) if fault::is_busy(error.as_ref())));
        let commits = async {
            for _ in 0..10_000 {
                tokio::task::yield_now().await;
            }
            sqlx::raw_sql("COMMIT").execute(&mut other).await
        };
        let (kept, committed) = tokio::join!(keep_a_write_ahead_log(&mut ours), commits);
        kept.unwrap();
        committed.unwrap();
        let mode: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&mut ours).await.unwrap();
        assert_eq!(mode, "wal");
    }
}
