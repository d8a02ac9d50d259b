//! Sessions in MySQL and MariaDB.

#[cfg(feature = "django")]
pub(crate) mod django;
mod fault;
mod open;
mod sql;

use std::time::Duration;

use session_core::store::{Capabilities, StoreResult};
use sqlx::mysql::{MySqlConnectOptions, MySqlPool, MySqlQueryResult};
use sqlx::{ConnectOptions as _, MySql, MySqlConnection};

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

/// Sessions in a table of a MySQL or MariaDB database, which any number of machines may share.
///
/// ```no_run
/// # async fn f() -> Result<(), Box<dyn std::error::Error>> {
/// use session_sqlx::MySqlStore;
/// use sqlx::mysql::MySqlPoolOptions;
///
/// // Of its own: the table is created where it is absent.
/// let store = MySqlStore::connect("mysql://shop:secret@localhost/shop").await?;
///
/// // In the application's pool, under a name and in a database of its own.
/// let pool = MySqlPoolOptions::new().test_before_acquire(false).connect("mysql://localhost/shop").await?;
/// let store = MySqlStore::from_pool(pool).with_table("web.shop_sessions".parse()?);
/// store.migrate().await?;
/// # Ok(())
/// # }
/// ```
///
/// # How it writes
///
/// Each verb is one statement outside any transaction, so that a request that is cancelled in the middle leaves nothing behind. A
/// statement waits for another writer of the same session, and then sees what that one wrote; one that `InnoDB` undoes to end a
/// deadlock is sent again.
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
/// An account is kept as bytes, and compared exactly: the collations of MySQL and MariaDB take `Ada` for `ada`, or `ada` with a
/// space behind it for `ada`. `WHERE account = 'ada'` finds it all the same. It may have 1,024 bytes; a longer one is
/// [`Unsupported`](session_core::store::StoreErrorKind::Unsupported).
///
/// Clones are the same store.
#[derive(Clone)]
pub struct MySqlStore {
    verbs: Verbs<MySql>,
}

impl MySqlStore {
    /// Connects to a database, and creates the table `sessions` where it is absent.
    ///
    /// `mysql://user:password@host:3306/database`, or `mariadb://…`, with `?ssl-mode=REQUIRED` and the other parameters of sqlx's
    /// [`MySqlConnectOptions`](sqlx::mysql::MySqlConnectOptions). For TLS, turn on one of sqlx's TLS features; without it MySQL 8
    /// asks for sqlx's feature `mysql-rsa`.
    ///
    /// `?connections=8` in the URL is how many connections there may be; each application server has its own.
    ///
    /// The server gives up waiting for a lock after 5 seconds, and what statements it can. One that goes unanswered
    /// for 10 is given up, and its connection with it. For a server that is starting this function waits 10 seconds, a request later on
    /// one.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](session_core::store::StoreErrorKind::Misconfigured) where the URL is none of MySQL, the server does not let
    /// this user in, has no such database, or there is a table of this name that is something else;
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
    /// `acquire_timeout`; and an `innodb_lock_wait_timeout` below its 50 seconds in each connection.
    pub fn from_pool(pool: MySqlPool) -> Self {
        Self::new(Way::Pool(pool), TableName::default())
    }

    /// Keeps the sessions in a table of this name. Creates nothing: see [`migrate`](Self::migrate).
    #[must_use = "this returns the store with the other table"]
    pub fn with_table(self, table: TableName) -> Self {
        Self::new(self.verbs.way().clone(), table)
    }

    /// Creates the table where it is absent. It may run twice, and in several processes at once: they wait for each other. Where
    /// the table is there, the database account needs no right to create one.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](session_core::store::StoreErrorKind::Misconfigured) where a table of this name has other columns (they
    /// and its rows are left as they are), its database is not there, or the account may not create tables.
    pub async fn migrate(&self) -> StoreResult<()> {
        if self.verbs.is_there().await? {
            return Ok(());
        }
        self.verbs.create(Self::schema(self.verbs.table())).await
    }

    /// The SQL that creates the table and its indexes, for those whose application may not.
    ///
    /// ```
    /// use session_sqlx::{MySqlStore, TableName};
    ///
    /// let sql = MySqlStore::schema(&TableName::default());
    /// assert!(sql.starts_with("CREATE TABLE IF NOT EXISTS `sessions`"));
    /// ```
    pub fn schema(table: &TableName) -> String {
        sql::schema(table)
    }

    fn new(way: Way<MySql>, table: TableName) -> Self {
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
) -> Result<(OwnConnections<MySql>, Capabilities), Failure> {
    Ok((open::open(url).await?, Capabilities::durable()))
}

#[cfg(feature = "django")]
pub(crate) use django::schema as create_for_django;

is_a_store!(MySqlStore);

impl Engine for MySql {
    type Account = Vec<u8>;
    type Options = MySqlConnectOptions;
    type Own = OwnConnections<Self>;
    const MAX_ACCOUNT: usize = sql::MAX_ACCOUNT;
    const PATIENCE: Option<Duration> = Some(open::PATIENCE);

    fn bind(statement: Bound<Self>, value: &Value) -> Bound<Self> {
        match value {
            Value::Number(number) => statement.bind(*number),
            Value::Text(text) => statement.bind(text.as_deref()),
            Value::Bytes(bytes) => statement.bind(bytes.as_deref()),
            Value::Account(account) => statement.bind(account.as_deref().map(str::as_bytes)),
        }
    }

    async fn connect(options: &MySqlConnectOptions) -> sqlx::Result<MySqlConnection> {
        let mut connection = options.connect().await?;
        open::set_timeouts(&mut connection).await;
        Ok(connection)
    }

    async fn fetch(connection: &mut MySqlConnection, statement: &Statement) -> sqlx::Result<Answer<Self>> {
        fetch!(connection, statement)
    }

    /// The rows that a statement has found, whether or not it changed them: sqlx asks the server for that.
    fn rows_affected(done: &MySqlQueryResult) -> u64 {
        done.rows_affected()
    }

    fn read_error(error: sqlx::Error) -> Failure {
        fault::read(error)
    }
}
