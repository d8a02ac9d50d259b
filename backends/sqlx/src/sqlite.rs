//! Sessions in SQLite.

mod fault;
mod open;
mod sql;

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;

use session_core::store::{
    Capabilities, Cursor, Filter, Inserted, Page, Replaced, Select, SessionStore, StoreError, StoreResult,
};
use session_core::{Record, RecordKey, Time};
use sqlx::sqlite::SqlitePool;
use sqlx::{AssertSqlSafe, SqlStr, Sqlite};

use crate::error::Error;
use crate::row::{self, Bound};
use crate::table::TableName;
use sql::Sql;

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
/// Each verb is one statement outside any transaction: so it holds against other processes, it waits for another writer
/// instead of failing, and a request that is cancelled in the middle leaves its connection as it was.
///
/// The file that [`connect`](Self::connect) opens keeps a write-ahead log, with `synchronous = NORMAL`: nothing is lost when
/// the process dies, but a power failure may take back the last writes, and with them a logout. To rule that out, give
/// [`from_pool`](Self::from_pool) a pool with `synchronous = FULL`; each write then waits for the disk.
///
/// Clones are the same store.
#[derive(Clone)]
pub struct SqliteStore {
    pool: SqlitePool,
    in_memory: bool,
    table: TableName,
    sql: Arc<Sql>,
}

impl SqliteStore {
    /// Opens a database, and creates the file and the table `sessions` where they are absent.
    ///
    /// `sqlite:shop.db`, `sqlite:/var/lib/shop.db`, or a path alone. In a URL, `%` and `?` of the file's name are written `%25`
    /// and `%3F`; with `?mode=rw` a file that is absent is not created. `sqlite::memory:` is a database that this store alone
    /// sees, and that ends with it.
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
        let (pool, in_memory) = open::open(url_or_path, &table).await?;
        let store = Self::new(pool, in_memory, table);
        store.migrate().await?;
        Ok(store)
    }

    /// Uses the application's own pool, with its settings, and the table `sessions`. Creates nothing: see
    /// [`migrate`](Self::migrate).
    ///
    /// Worth setting in the pool: `journal_mode` WAL, `synchronous` NORMAL, and `test_before_acquire(false)`, which saves each
    /// verb a trip to the connection's thread. The store takes the database to be a file; for one in memory, which needs a pool
    /// of one connection, use [`connect`](Self::connect).
    pub fn from_pool(pool: SqlitePool) -> Self {
        Self::new(pool, false, TableName::default())
    }

    /// Keeps the sessions in a table of this name. Creates nothing: see [`migrate`](Self::migrate).
    #[must_use = "this returns the store with the other table"]
    pub fn with_table(self, table: TableName) -> Self {
        Self::new(self.pool, self.in_memory, table)
    }

    /// Creates the table and its indexes where they are absent. It may run twice, and in two processes at once.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](session_core::store::StoreErrorKind::Misconfigured) where a table of this name has other columns; they
    /// and its rows are left as they are.
    pub async fn migrate(&self) -> StoreResult<()> {
        // The name in it is a word, and the rest is this crate's own.
        let schema = AssertSqlSafe(Self::schema(&self.table));
        sqlx::raw_sql(schema).execute(&self.pool).await.map_err(|error| self.fault(error))?;
        self.ping().await
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

    fn new(pool: SqlitePool, in_memory: bool, table: TableName) -> Self {
        Self { pool, in_memory, sql: Arc::new(Sql::new(&table)), table }
    }

    /// Runs a statement that writes, and says how many rows it found.
    async fn write(&self, statement: Bound<Sqlite>) -> StoreResult<u64> {
        let done = statement.execute(&self.pool).await;
        Ok(done.map_err(|error| self.fault(error))?.rows_affected())
    }

    fn fault(&self, error: sqlx::Error) -> StoreError {
        fault::read(error, &self.table).into()
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("table", &self.table.as_str()).finish_non_exhaustive()
    }
}

fn query(sql: &SqlStr) -> Bound<Sqlite> {
    sqlx::query(sql.clone())
}

impl SessionStore for SqliteStore {
    fn capabilities(&self) -> Capabilities {
        if self.in_memory { Capabilities::in_process() } else { Capabilities::durable() }
    }

    async fn insert(&self, key: &RecordKey, record: &Record, now: Time) -> StoreResult<Inserted> {
        let insert = row::bind(query(&self.sql.insert), record).bind(key.as_str()).bind(now.as_millis());
        Ok(if self.write(insert).await? == 0 { Inserted::Taken } else { Inserted::Done })
    }

    async fn load(&self, key: &RecordKey, now: Time) -> StoreResult<Option<Record>> {
        let load = query(&self.sql.load).bind(key.as_str()).bind(now.as_millis());
        let row = load.fetch_optional(&self.pool).await.map_err(|error| self.fault(error))?;
        let read = row.map(|row| row::read(&row)).transpose().map_err(Error::from)?;
        Ok(read.map(|(_, record)| record))
    }

    async fn replace(
        &self,
        key: &RecordKey,
        to: &RecordKey,
        record: &Record,
        was: &Record,
        now: Time,
    ) -> StoreResult<Replaced> {
        let replace = if key == to {
            row::bind(query(&self.sql.replace), record)
        } else {
            row::bind(query(&self.sql.replace_and_move), record).bind(to.as_str())
        };
        let replace = row::bind_version(replace.bind(key.as_str()), was.version).bind(now.as_millis());
        if self.write(replace).await? > 0 {
            return Ok(Replaced::Done);
        }
        // The version was not there, and no writer makes it twice: what is read now is another, or nothing.
        let there = self.load(key, now).await?;
        Ok(there.map_or(Replaced::Gone, |record| Replaced::Conflict(Box::new(record))))
    }

    async fn touch(&self, key: &RecordKey, until: Time, was: &Record, now: Time) -> StoreResult<bool> {
        let touch = query(&self.sql.touch).bind(until.as_millis()).bind(now.as_millis()).bind(key.as_str());
        Ok(self.write(row::bind_version(touch, was.version).bind(now.as_millis())).await? > 0)
    }

    async fn remove(&self, what: Select<'_>, now: Time) -> StoreResult<u64> {
        let remove = match what {
            Select::One(key) => query(&self.sql.remove_one).bind(key.as_str()),
            Select::Presented(key, secret) => {
                query(&self.sql.remove_presented).bind(key.as_str()).bind(&secret.as_bytes()[..])
            }
            Select::Account { account, except } => {
                query(&self.sql.remove_account).bind(account).bind(except.map(RecordKey::as_str))
            }
        };
        self.write(remove.bind(now.as_millis())).await
    }

    async fn page(
        &self,
        of: Filter<'_>,
        after: Option<Cursor>,
        limit: NonZeroU32,
        now: Time,
    ) -> StoreResult<Page> {
        let page = match of {
            Filter::All => query(&self.sql.page_all),
            Filter::Account(account) => query(&self.sql.page_account).bind(account),
        };
        // No key is before the empty one. One row more than is wanted says whether there are more.
        let after = after.as_ref().map_or("", Cursor::as_str);
        let page = page.bind(after).bind(now.as_millis()).bind(i64::from(limit.get()) + 1);
        let rows = page.fetch_all(&self.pool).await.map_err(|error| self.fault(error))?;
        let wanted = rows.iter().take(limit.get() as usize);
        let records = wanted.map(row::read).collect::<Result<Vec<_>, _>>().map_err(Error::from)?;
        let last = records.last().filter(|_| rows.len() > records.len());
        let next = last.map(|(key, _)| Cursor::new(key.as_str()));
        Ok(Page { records, next })
    }

    async fn purge(&self, now: Time, batch: NonZeroU32) -> StoreResult<u64> {
        let purge = query(&self.sql.purge).bind(now.as_millis()).bind(i64::from(batch.get()));
        self.write(purge).await
    }

    async fn ping(&self) -> StoreResult<()> {
        let ping = query(&self.sql.ping).fetch_optional(&self.pool).await;
        ping.map(drop).map_err(|error| self.fault(error))
    }
}
