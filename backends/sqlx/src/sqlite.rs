//! Sessions in SQLite.

#[cfg(feature = "django")]
pub(crate) mod django;
mod fault;
mod open;
mod own;
mod sql;
mod writer;
mod writer_thread;

use std::time::Duration;

use session_core::store::{Capabilities, StoreResult};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqliteQueryResult};
use sqlx::{ConnectOptions as _, Sqlite, SqliteConnection};

#[cfg(feature = "django")]
use crate::django::Create;
use crate::engine::{Answer, Engine, Way, fetch};
use crate::error::Failure;
use crate::row::{Bound, Native};
use crate::sql::Sql;
use crate::statement::{Statement, Value};
use crate::table::TableName;
use crate::verbs::{Verbs, is_a_store};

#[cfg(feature = "django")]
pub(crate) use sql::dialect;

/// Sessions in a table of an SQLite database: a file, which any number of processes of one machine may share.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use session_sqlx::{SqliteStore, TableName};
/// use sqlx::sqlite::SqlitePoolOptions;
///
/// // Of its own: the file and the table are created where they are absent.
/// # let folder = tempfile::tempdir()?;
/// # let path = |name| folder.path().join(name).display().to_string();
/// # let shop_db = format!("sqlite:{}?mode=rwc", path("shop.db"));
/// let store = SqliteStore::connect(&path("sessions.db")).await?;
///
/// // In the application's database, under a name of its own.
/// let pool = SqlitePoolOptions::new().connect(&shop_db).await?;
/// let store = SqliteStore::from_pool(pool).with_table("shop_sessions".parse()?);
/// store.migrate().await?;
/// # Ok(())
/// # }
/// ```
///
/// # How it writes
///
/// Each verb is one statement: so it holds against other processes, and it waits for another writer instead of failing.
///
/// A store that [`connect`](Self::connect) opens has one connection that writes, on a thread of its own, and commits together what
/// comes together: while some writes are being committed, the next ones gather. Each of them has its own outcome, and is answered
/// when all are committed. Reads go through other connections, and wait for no write. A request that is cancelled before its turn
/// writes nothing. The thread belongs to no runtime, and ends with the last clone of the store.
///
/// The file keeps a write-ahead log with `synchronous = FULL`: what was answered is on the disk, also after a power failure. With
/// `?synchronous=normal` in the URL nothing is lost when the process dies, but a power failure may take back the last writes, and
/// with them a logout.
///
/// A store [`from_pool`](Self::from_pool) writes through any connection of the application's pool, each verb in a transaction of its
/// own, with what durability the pool was given.
///
/// Clones are the same store.
#[derive(Clone)]
pub struct SqliteStore {
    verbs: Verbs<Sqlite>,
}

impl SqliteStore {
    /// Opens a database, and creates the file and the table `sessions` where they are absent.
    ///
    /// `sqlite:shop.db`, `sqlite:/var/lib/shop.db`, or a path alone. In a URL, `%` and `?` of the file's name are written `%25`
    /// and `%3F`; with `?mode=rw` a file that is absent is not created. `sqlite::memory:` is a database that this store alone
    /// sees, and that ends with it.
    ///
    /// In a URL, `?synchronous=full` (unless said otherwise) or `normal` is how durable a write is when it is answered, and
    /// `?connections=4` how many connections read.
    ///
    /// Statements wait up to 5 seconds for another process that writes, requests up to 10 for a connection.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](session_core::store::StoreErrorKind::Misconfigured) where the address names no file, its folder is not
    /// there or not ours, the file is something else, or there is a table of this name that is;
    /// [`Unavailable`](session_core::store::StoreErrorKind::Unavailable) where others do not stop writing.
    pub async fn connect(url_or_path: &str) -> StoreResult<Self> {
        Self::connect_to_table(url_or_path, TableName::default()).await
    }

    /// As [`connect`](Self::connect), with a table of another name.
    pub async fn connect_to_table(url_or_path: &str, table: TableName) -> StoreResult<Self> {
        let store = Self::open(url_or_path, table, open::Use::Own).await?;
        store.migrate().await?;
        Ok(store)
    }

    /// As [`connect_to_table`](Self::connect_to_table), and creates nothing: a file or a table that is absent is an error, and the
    /// file's journal mode stays what it is. For tools, which should not make a new database of a mistyped name.
    pub async fn connect_to_existing(url_or_path: &str, table: TableName) -> StoreResult<Self> {
        let store = Self::open(url_or_path, table, open::Use::Existing).await?;
        store.verbs.ping().await?;
        Ok(store)
    }

    async fn open(url_or_path: &str, table: TableName, how: open::Use) -> StoreResult<Self> {
        let opened = open::open(url_or_path, how).await.map_err(|failure| failure.about(&table));
        let (connections, in_memory) = opened?;
        let capabilities = if in_memory { Capabilities::in_process() } else { Capabilities::durable() };
        Ok(Self::new(Way::Own(connections), table, capabilities))
    }

    /// Uses the application's own pool, with its settings, and the table `sessions`. Creates nothing: see
    /// [`migrate`](Self::migrate).
    ///
    /// Worth setting in the pool: `journal_mode` WAL, `synchronous` NORMAL, and `test_before_acquire(false)`, which saves each
    /// verb a trip to the connection's thread. The store takes the database to be a file; for one in memory, which needs a pool
    /// of one connection, use [`connect`](Self::connect).
    pub fn from_pool(pool: SqlitePool) -> Self {
        Self::new(Way::Pool(pool), TableName::default(), Capabilities::durable())
    }

    /// Keeps the sessions in a table of this name. Creates nothing: see [`migrate`](Self::migrate).
    #[must_use = "this returns the store with the other table"]
    pub fn with_table(self, table: TableName) -> Self {
        Self::new(self.verbs.way().clone(), table, self.verbs.capabilities)
    }

    /// Creates the table and its indexes where they are absent. It may run twice, and in two processes at once.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](session_core::store::StoreErrorKind::Misconfigured) where a table of this name has other columns; they
    /// and its rows are left as they are.
    pub async fn migrate(&self) -> StoreResult<()> {
        self.verbs.create(Self::schema(self.verbs.table())).await
    }

    /// The SQL that [`migrate`](Self::migrate) runs, for those whose application may not create tables.
    ///
    /// ```
    /// use session_sqlx::{SqliteStore, TableName};
    ///
    /// let sql = SqliteStore::schema(&TableName::default());
    /// assert!(sql.starts_with("CREATE TABLE IF NOT EXISTS \"sessions\""));
    /// ```
    pub fn schema(table: &TableName) -> String {
        sql::schema(table)
    }

    fn new(way: Way<Sqlite>, table: TableName, capabilities: Capabilities) -> Self {
        let sql = Sql::new(sql::dialect(&table, Native::shape()));
        Self { verbs: Verbs::new(way, table, sql, capabilities) }
    }
}

/// Whether an address can be read.
#[cfg(feature = "fuzzing")]
pub(crate) fn reads(url: &str) -> Result<(), Failure> {
    open::read(url).map(drop)
}

/// Opens a project's file, as it is.
#[cfg(feature = "django")]
pub(crate) async fn open_for_django(
    address: &str,
    create: Create,
) -> Result<(own::Connections, Capabilities), Failure> {
    let how = match create {
        Create::WhereAbsent => open::Use::Foreign,
        Create::Nothing => open::Use::Existing,
    };
    let (connections, in_memory) = open::open(address, how).await?;
    Ok((connections, if in_memory { Capabilities::in_process() } else { Capabilities::durable() }))
}

#[cfg(feature = "django")]
pub(crate) use django::schema as create_for_django;

is_a_store!(SqliteStore);

impl Engine for Sqlite {
    type Account = String;
    type Options = SqliteConnectOptions;
    type Own = own::Connections;
    const MAX_ACCOUNT: usize = usize::MAX;
    // A file answers, or says that it is busy.
    const PATIENCE: Option<Duration> = None;

    fn bind(statement: Bound<Self>, value: &Value) -> Bound<Self> {
        match value {
            Value::Number(number) => statement.bind(*number),
            Value::Text(text) | Value::Account(text) => statement.bind(text.as_deref()),
            Value::Bytes(bytes) => statement.bind(bytes.as_deref()),
        }
    }

    async fn connect(options: &SqliteConnectOptions) -> sqlx::Result<SqliteConnection> {
        options.connect().await
    }

    async fn fetch(connection: &mut SqliteConnection, statement: &Statement) -> sqlx::Result<Answer<Self>> {
        fetch!(connection, statement)
    }

    fn rows_affected(done: &SqliteQueryResult) -> u64 {
        done.rows_affected()
    }

    fn read_error(error: sqlx::Error) -> Failure {
        fault::read(error)
    }
}
