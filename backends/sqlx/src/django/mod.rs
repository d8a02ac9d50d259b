//! Sessions in the table `django_session`, as `django.contrib.sessions` of Django 5.2 keeps them (engines `db` and `cached_db`).
//!
//! A Rust service and a Django project on one database share their sessions, and a site can be moved one view at a time with
//! nobody signed in again. Each store goes with the format of what it keeps:
//!
//! ```no_run
//! # #[cfg(not(feature = "postgres"))]
//! # fn main() {}
//! # #[cfg(feature = "postgres")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use session_core::{AnyStore, SecretKeys, Sessions, Settings};
//! use session_sqlx::django::PostgresStore;
//!
//! let store = PostgresStore::connect("postgres://shop:secret@localhost/shop").await?;
//! let secret_key = SecretKeys::new("the project's SECRET_KEY").with_fallback("one of SECRET_KEY_FALLBACKS");
//! let sessions = Sessions::new(AnyStore::new(store).with_django_format(&secret_key), Settings::default())?;
//! # Ok(())
//! # }
//! ```
//!
//! # What is otherwise than in this project's own table
//!
//! - The key in the cookie is the key in the table: who reads the table can use every session in it. Rotation gives a session
//!   another key, in one statement.
//! - There is no column for an account: sessions cannot be listed or ended by account
//!   ([`Unsupported`](session_core::store::StoreErrorKind::Unsupported)).
//! - A save is judged by the old text, compared byte by byte, so no two of ours lose each other's changes. Django itself writes over
//!   whatever is there.
//! - Deadlines are dates in UTC, as a project with `USE_TZ = True` writes them (Django's default). In PostgreSQL the setting makes no
//!   difference; in SQLite and MySQL a project with `USE_TZ = False` writes local time, which cannot be told from UTC.
//!
//! A table that is absent is created as Django would (`manage.py migrate --fake-initial` then takes it for its own).

mod moment;
mod row;

pub(crate) use row::{Django, Words};

use session_core::TokenFormat;
use session_core::store::{Capabilities, StoreResult};

use crate::engine::Way;
use crate::sql::Sql;
use crate::table::TableName;
use crate::verbs::{Verbs, is_a_store};

const fn capabilities(of: Capabilities) -> Capabilities {
    let mut capabilities = of;
    capabilities.tokens = TokenFormat::Plain;
    capabilities.accounts = false;
    capabilities
}

/// What is made of what is absent.
#[derive(Clone, Copy)]
pub(crate) enum Create {
    WhereAbsent,
    Nothing,
}

/// One engine's store: all that it says otherwise is in the folder of the engine.
macro_rules! django_store {
    ($(#[$doc:meta])* $store:ident, $engine:ident, $database:ty, $example:literal) => {
        $(#[$doc])*
        ///
        /// Clones are the same store.
        #[derive(Clone)]
        pub struct $store {
            verbs: Verbs<$database, Django>,
        }

        impl $store {
            /// Connects to the database of a Django project, and creates the table `django_session` where it is absent.
            ///
            /// # Errors
            ///
            /// As those of this project's own store of the engine.
            pub async fn connect(url: &str) -> StoreResult<Self> {
                Self::connect_to_table(url, TableName::of_django()).await
            }

            /// As [`connect`](Self::connect), with a table of another name.
            pub async fn connect_to_table(url: &str, table: TableName) -> StoreResult<Self> {
                let store = Self::open(url, table, Create::WhereAbsent).await?;
                store.migrate().await?;
                Ok(store)
            }

            /// As [`connect_to_table`](Self::connect_to_table), and creates nothing: what is absent is an error.
            pub async fn connect_to_existing(url: &str, table: TableName) -> StoreResult<Self> {
                let store = Self::open(url, table, Create::Nothing).await?;
                store.verbs.ping().await?;
                Ok(store)
            }

            async fn open(url: &str, table: TableName, create: Create) -> StoreResult<Self> {
                let opened = crate::$engine::open_for_django(url, create).await;
                let (own, is) = opened.map_err(|failure| failure.about(&table))?;
                Ok(Self::new(Way::Own(own), table, is))
            }

            /// Uses the application's own pool, with its settings, and the table `django_session`. Creates nothing: see
            /// [`migrate`](Self::migrate).
            pub fn from_pool(pool: sqlx::Pool<$database>) -> Self {
                Self::new(Way::Pool(pool), TableName::of_django(), Capabilities::durable())
            }

            /// Keeps the sessions in a table of this name. Creates nothing: see [`migrate`](Self::migrate).
            #[must_use = "this returns the store with the other table"]
            pub fn with_table(self, table: TableName) -> Self {
                Self::new(self.verbs.way().clone(), table, self.verbs.capabilities)
            }

            /// Creates the table and its indexes where the table is absent.
            ///
            /// # Errors
            ///
            /// [`Misconfigured`](session_core::store::StoreErrorKind::Misconfigured) where a table of this name has other columns,
            /// or the database account may not create tables.
            pub async fn migrate(&self) -> StoreResult<()> {
                if self.verbs.is_there().await? {
                    return Ok(());
                }
                self.verbs.create(crate::$engine::create_for_django(self.verbs.table())).await
            }

            /// The SQL that creates the table and its indexes, as Django 5.2 creates them.
            ///
            /// ```
            #[doc = concat!("use session_sqlx::django::", stringify!($store), ";")]
            ///
            #[doc = concat!("let sql = ", stringify!($store), "::schema(&\"django_session\".parse()?);")]
            #[doc = concat!("assert!(sql.contains(", $example, "));")]
            /// # Ok::<(), session_sqlx::InvalidTableName>(())
            /// ```
            pub fn schema(table: &TableName) -> String {
                crate::$engine::django::schema(table)
            }

            fn new(way: Way<$database>, table: TableName, is: Capabilities) -> Self {
                let shape = Django::shape(&crate::$engine::django::WORDS);
                let sql = Sql::new(crate::$engine::dialect(&table, shape));
                Self { verbs: Verbs::new(way, table, sql, capabilities(is)) }
            }
        }

        is_a_store!($store);
    };
}

#[cfg(feature = "sqlite")]
django_store!(
    /// The sessions of a Django project in an SQLite file. Its journal mode is left as it is: what the project runs with.
    SqliteStore,
    sqlite,
    sqlx::Sqlite,
    "\"\\\"expire_date\\\" datetime\""
);

#[cfg(feature = "postgres")]
django_store!(
    /// The sessions of a Django project in PostgreSQL.
    PostgresStore,
    postgres,
    sqlx::Postgres,
    "\"timestamp with time zone\""
);

#[cfg(feature = "mysql")]
django_store!(
    /// The sessions of a Django project in MySQL or MariaDB.
    MySqlStore,
    mysql,
    sqlx::MySql,
    "\"datetime(6)\""
);
