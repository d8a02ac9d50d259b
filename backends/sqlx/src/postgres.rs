//! Sessions in PostgreSQL.

#[cfg(feature = "django")]
pub(crate) mod django;
mod fault;
mod open;
mod sql;

use std::time::Duration;

use session_core::store::{Capabilities, StoreResult};
use sqlx::postgres::{PgConnectOptions, PgPool, PgQueryResult};
use sqlx::{ConnectOptions as _, PgConnection, Postgres};

#[cfg(feature = "django")]
use crate::django::Create;
use crate::engine::{Answer, Engine, Way, fetch};
use crate::error::Failure;
use crate::own::OwnConnections;
use crate::row::{Bound, Native};
use crate::sql::Sql;
use crate::statement::{Statement, Value};
use crate::table::TableName;
use crate::verbs::{Verbs, is_a_store};

#[cfg(feature = "django")]
pub(crate) use sql::dialect;

/// Sessions in a table of a PostgreSQL database, which any number of machines may share.
///
/// ```no_run
/// # async fn f() -> Result<(), Box<dyn std::error::Error>> {
/// use session_sqlx::PostgresStore;
/// use sqlx::postgres::PgPoolOptions;
///
/// // Of its own: the table is created where it is absent.
/// let store = PostgresStore::connect("postgres://shop:secret@localhost/shop").await?;
///
/// // In the application's pool, under a name and in a schema of its own.
/// let pool = PgPoolOptions::new().test_before_acquire(false).connect("postgres://localhost/shop").await?;
/// let store = PostgresStore::from_pool(pool).with_table("web.shop_sessions".parse()?);
/// store.migrate().await?;
/// # Ok(())
/// # }
/// ```
///
/// # How it writes
///
/// Each verb is one statement outside any transaction, so that a request that is cancelled in the middle leaves nothing behind. A
/// statement waits for another writer of the same session, and then sees what that one wrote.
///
/// A store that [`connect`](Self::connect) opens has connections of its own, at most eight of them, which no pool has: so a verb is
/// exactly one trip to the server. (A pool of sqlx's asks each connection that comes back whether it still works, which is a
/// second one.) They are opened when they are needed, and asked whether they work when nobody has used them for 20 seconds. A request
/// that is cancelled spoils none: what was sent is done, and its answer read. They belong to the
/// runtime on which the store was opened; a store works on any other runtime too, also when that one has ended: then it opens new ones.
/// They are closed with the last clone of the store.
///
/// A store [`from_pool`](Self::from_pool) uses the application's connections, on the application's runtime, with the pool's trips.
///
/// Where a connection turns out to have ended (the server was restarted, or has a successor), it is closed with all that lie idle, and
/// what can be done twice without harm is tried once more on a new one; a save is tried again by `session-core`, which knows its own
/// writes.
///
/// An account is kept as bytes: compared exactly, in every encoding of a database, and also with a NUL in it, which PostgreSQL's
/// text cannot hold. `WHERE account = 'ada'` finds it all the same. It may have 1,024 bytes; a longer one is
/// [`Unsupported`](session_core::store::StoreErrorKind::Unsupported).
///
/// Clones are the same store.
#[derive(Clone)]
pub struct PostgresStore {
    verbs: Verbs<Postgres>,
}

impl PostgresStore {
    /// Connects to a database, and creates the table `sessions` where it is absent.
    ///
    /// `postgres://user:password@host:5432/database`, with `?sslmode=require` and the other parameters of sqlx's
    /// [`PgConnectOptions`](sqlx::postgres::PgConnectOptions); what the URL leaves out is taken from the environment, as `psql`
    /// does. For TLS, turn on one of sqlx's TLS features.
    ///
    /// `?connections=8` in the URL is how many connections there may be; each application server has its own.
    ///
    /// The server gives up a statement after 5 seconds (unless the URL's `options` set `statement_timeout`). One that goes unanswered
    /// for 10 is given up, and its connection with it. For a server that is starting this function waits 10 seconds, a request later on
    /// one.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](session_core::store::StoreErrorKind::Misconfigured) where the URL is none of PostgreSQL, the server does
    /// not let this user in, has no such database, or there is a table of this name that is something else;
    /// [`Unavailable`](session_core::store::StoreErrorKind::Unavailable) where no server answers. No error shows the URL.
    pub async fn connect(url: &str) -> StoreResult<Self> {
        Self::connect_to_table(url, TableName::default()).await
    }

    /// As [`connect`](Self::connect), with a table of another name.
    pub async fn connect_to_table(url: &str, table: TableName) -> StoreResult<Self> {
        let store = Self::open(url, table).await?;
        store.migrate().await?;
        Ok(store)
    }

    /// As [`connect_to_table`](Self::connect_to_table), and creates nothing: a table that is absent is an error. For tools, and for an
    /// account that may not create tables.
    pub async fn connect_to_existing(url: &str, table: TableName) -> StoreResult<Self> {
        let store = Self::open(url, table).await?;
        store.verbs.ping().await?;
        Ok(store)
    }

    async fn open(url: &str, table: TableName) -> StoreResult<Self> {
        let own = open::open(url).await.map_err(|failure| failure.about(&table))?;
        Ok(Self::new(Way::Own(own), table))
    }

    /// Uses the application's own pool, with its settings, and the table `sessions`. Creates nothing: see
    /// [`migrate`](Self::migrate).
    ///
    /// Worth setting in the pool: `test_before_acquire(false)`, which saves each verb a trip to the server; an
    /// `acquire_timeout`; and a `statement_timeout` in its connections' options.
    pub fn from_pool(pool: PgPool) -> Self {
        Self::new(Way::Pool(pool), TableName::default())
    }

    /// Keeps the sessions in a table of this name. Creates nothing: see [`migrate`](Self::migrate).
    #[must_use = "this returns the store with the other table"]
    pub fn with_table(self, table: TableName) -> Self {
        Self::new(self.verbs.way().clone(), table)
    }

    /// Creates the table and its indexes where the table is absent. It may run twice, and in several processes at once: they wait
    /// for each other. Where the table is there, the database account needs no right to create one.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](session_core::store::StoreErrorKind::Misconfigured) where a table of this name has other columns (they
    /// and its rows are left as they are), its schema is not there, or the account may not create tables.
    pub async fn migrate(&self) -> StoreResult<()> {
        if self.verbs.is_there().await? {
            return Ok(());
        }
        self.verbs.create(sql::alone(&Self::schema(self.verbs.table()))).await
    }

    /// The SQL that creates the table and its indexes, for those whose application may not.
    ///
    /// ```
    /// use session_sqlx::{PostgresStore, TableName};
    ///
    /// let sql = PostgresStore::schema(&TableName::default());
    /// assert!(sql.starts_with("CREATE TABLE IF NOT EXISTS \"sessions\""));
    /// ```
    pub fn schema(table: &TableName) -> String {
        sql::schema(table)
    }

    fn new(way: Way<Postgres>, table: TableName) -> Self {
        let sql = Sql::new(sql::dialect(&table, Native::shape()));
        Self { verbs: Verbs::new(way, table, sql, Capabilities::durable()) }
    }
}

/// Whether an address can be read.
#[cfg(feature = "fuzzing")]
pub(crate) fn reads(url: &str) -> Result<(), Failure> {
    open::read(url).map(drop)
}

#[cfg(feature = "django")]
pub(crate) async fn open_for_django(
    url: &str,
    _: Create,
) -> Result<(OwnConnections<Postgres>, Capabilities), Failure> {
    Ok((open::open(url).await?, Capabilities::durable()))
}

#[cfg(feature = "django")]
pub(crate) fn create_for_django(table: &TableName) -> String {
    sql::alone(&django::schema(table))
}

is_a_store!(PostgresStore);

impl Engine for Postgres {
    type Account = Vec<u8>;
    type Options = PgConnectOptions;
    type Own = OwnConnections<Self>;
    // An index takes a third of a page of 8 kB.
    const MAX_ACCOUNT: usize = 1024;
    const PATIENCE: Option<Duration> = Some(open::PATIENCE);

    fn bind(statement: Bound<Self>, value: &Value) -> Bound<Self> {
        match value {
            Value::Number(number) => statement.bind(*number),
            Value::Text(text) => statement.bind(text.as_deref()),
            Value::Bytes(bytes) => statement.bind(bytes.as_deref()),
            Value::Account(account) => statement.bind(account.as_deref().map(str::as_bytes)),
        }
    }

    async fn connect(options: &PgConnectOptions) -> sqlx::Result<PgConnection> {
        options.connect().await
    }

    async fn fetch(connection: &mut PgConnection, statement: &Statement) -> sqlx::Result<Answer<Self>> {
        fetch!(connection, statement)
    }

    fn rows_affected(done: &PgQueryResult) -> u64 {
        done.rows_affected()
    }

    fn read_error(error: sqlx::Error) -> Failure {
        fault::read(error)
    }
}
