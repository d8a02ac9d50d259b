//! What must hold on every database server.

mod faults;
mod wire;
mod writers;

pub(crate) use faults::*;
pub(crate) use wire::*;
pub(crate) use writers::*;

use std::time::{Duration, Instant};

use session_core::store::{
    Filter, Inserted, Replaced, Select, SessionStore, StoreError, StoreErrorKind, StoreResult,
};
use session_core::testing::{Visitor, server};
use session_core::{AnyStore, Backend, Error, Record, Sessions, Settings, Version};
use session_sqlx::TableName;
use sqlx::pool::PoolOptions;
use sqlx::{AssertSqlSafe, Connection, Database, Executor, Pool};
use test_services::{Fault, FaultProxy};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, watch};
use tokio::task::{JoinHandle, JoinSet};

use crate::common::{NOW, everything, new_key, next, put, record};

/// An engine that is a server. What is said to it in SQL stands names in double quotes.
pub(crate) trait Engine: Sized + Sync + 'static {
    type Db: Database;
    type Store: SessionStore + Clone;
    /// As [`server`] calls it.
    const NAME: &'static str;
    /// What makes a session of SQL understand double quotes.
    const PLAIN: &'static str;

    fn connect(url: &str, table: TableName) -> impl Future<Output = StoreResult<Self::Store>> + Send;
    fn from_pool(pool: Pool<Self::Db>, table: TableName) -> Self::Store;
    fn migrate(store: &Self::Store) -> impl Future<Output = StoreResult<()>> + Send;
    fn schema(table: &TableName) -> String;

    fn run(
        connection: &mut <Self::Db as Database>::Connection,
        sql: String,
    ) -> impl Future<Output = sqlx::Result<()>> + Send;
    /// The first column of the first row, as text.
    fn ask(
        connection: &mut <Self::Db as Database>::Connection,
        sql: String,
    ) -> impl Future<Output = String> + Send;
    /// The number under which the server knows this connection.
    fn number(connection: &mut <Self::Db as Database>::Connection) -> impl Future<Output = i64> + Send;
    /// Ends the connection of this number.
    fn end(
        connection: &mut <Self::Db as Database>::Connection,
        number: i64,
    ) -> impl Future<Output = ()> + Send;
    /// Bytes, written in hexadecimal digits.
    fn bytes(hex: &str) -> String;
    /// Creates a place for tables.
    fn create_schema(name: &str) -> String;
    fn drop_schema(name: &str) -> String;
    /// Makes an INSERT into the table fail with each of the codes in turn, and then not any more.
    fn fail_with(table: &TableName, codes: &[&str]) -> Vec<String>;
    /// Removes a table with what [`fail_with`](Self::fail_with) has made.
    fn drop_table(table: &TableName) -> Vec<String>;
}

/// A server, and the tables that a test has made on it. A test that succeeds takes them with it.
pub(crate) struct Server<E: Engine> {
    pub(crate) url: String,
    names: std::sync::Mutex<Vec<TableName>>,
    admin: Mutex<<E::Db as Database>::Connection>,
}

impl<E: Engine> Server<E> {
    /// `None` where there is no such server: then the test has not run.
    pub(crate) async fn find() -> Option<Self> {
        let url = server(E::NAME)?;
        let admin = Self::open(&url).await;
        Some(Self { url, names: std::sync::Mutex::default(), admin: Mutex::new(admin) })
    }

    async fn open(url: &str) -> <E::Db as Database>::Connection {
        let mut connection = <E::Db as Database>::Connection::connect(url).await.unwrap();
        E::run(&mut connection, E::PLAIN.to_owned()).await.unwrap();
        connection
    }

    /// A connection of somebody else's.
    pub(crate) async fn another(&self) -> <E::Db as Database>::Connection {
        Self::open(&self.url).await
    }

    /// A name that no other test has.
    pub(crate) fn name(&self) -> TableName {
        let name: TableName = format!("t_{}", new_key()).parse().unwrap();
        self.names.lock().unwrap().push(name.clone());
        name
    }

    /// A store with a table of its own.
    pub(crate) async fn store(&self) -> E::Store {
        E::connect(&self.url, self.name()).await.unwrap()
    }

    pub(crate) async fn store_with_name(&self) -> (E::Store, TableName) {
        let name = self.name();
        (E::connect(&self.url, name.clone()).await.unwrap(), name)
    }

    pub(crate) async fn pool(&self, connections: u32) -> Pool<E::Db> {
        let pool = PoolOptions::new().max_connections(connections).test_before_acquire(false);
        pool.connect(&self.url).await.unwrap()
    }

    pub(crate) async fn run(&self, sql: impl Into<String>) {
        E::run(&mut *self.admin.lock().await, sql.into()).await.unwrap();
    }

    pub(crate) async fn ask(&self, sql: impl Into<String>) -> String {
        E::ask(&mut *self.admin.lock().await, sql.into()).await
    }

    pub(crate) async fn clean(self) {
        let names = self.names.lock().unwrap().clone();
        for sql in names.iter().flat_map(E::drop_table) {
            self.run(sql).await;
        }
    }
}

pub(crate) fn quoted(name: &TableName) -> String {
    format!("\"{}\"", name.as_str().replace('.', "\".\""))
}

/// Makes each case a test of this engine.
macro_rules! server_tests {
    ($engine:ident: $($case:ident),+ $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $case() {
                let Some(server) = servers::Server::<$engine>::find().await else { return };
                servers::$case(&server).await;
                server.clean().await;
            }
        )+
    };
}
pub(crate) use server_tests;

pub(crate) async fn it_conforms<E: Engine>(server: &Server<E>) {
    session_core::testing::conformance(async || server.store().await).await;
}

/// Stores of Django's kind rotate so: at no moment are there two records, or none. Its keys are secrets.
pub(crate) async fn a_record_moves_in_one_step<E: Engine>(server: &Server<E>) {
    let store = server.store().await;
    let (from, first) = put(&store).await;
    let (to, second) = (new_key(), next(&first));
    assert_eq!(store.replace(&from, &to, &second, &first, NOW).await.unwrap(), Replaced::Done);
    assert_eq!(store.load(&from, NOW).await.unwrap(), None);
    assert_eq!(store.load(&to, NOW).await.unwrap(), Some(second.clone()));
    assert_eq!(store.replace(&from, &new_key(), &first, &first, NOW).await.unwrap(), Replaced::Gone);

    let (taken, others) = put(&store).await;
    let error = store.replace(&to, &taken, &first, &second, NOW).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert!(!everything(&error).contains(taken.as_str()), "{}", everything(&error));
    assert_eq!(store.load(&to, NOW).await.unwrap(), Some(second));
    assert_eq!(store.load(&taken, NOW).await.unwrap(), Some(others));
}

pub(crate) async fn migrating_again_keeps_what_is_there<E: Engine>(server: &Server<E>) {
    let store = server.store().await;
    let (key, record) = put(&store).await;
    E::migrate(&store).await.unwrap();
    assert_eq!(store.load(&key, NOW).await.unwrap(), Some(record));
}

/// Each has a connection of its own, as another process has, and it is open: all begin at once.
pub(crate) async fn many_may_create_one_table_at_once<E: Engine>(server: &Server<E>) {
    let mut pools = Vec::new();
    for _ in 0..8 {
        pools.push(server.pool(1).await);
    }
    for _ in 0..8 {
        let name = server.name();
        let mut starting = JoinSet::new();
        for pool in &pools {
            let store = E::from_pool(pool.clone(), name.clone());
            starting.spawn(async move {
                E::migrate(&store).await.unwrap();
                put(&store).await
            });
        }
        let written = starting.join_all().await;
        let store = E::connect(&server.url, name).await.unwrap();
        for (key, record) in written {
            assert_eq!(store.load(&key, NOW).await.unwrap(), Some(record));
        }
    }
}

pub(crate) async fn the_schema_is_what_migrate_makes<E: Engine>(server: &Server<E>) {
    let (by_hand, by_us) = (server.name(), server.name());
    let mut connection = server.another().await;
    E::run(&mut connection, E::schema(&by_hand)).await.unwrap();
    // It may run twice.
    E::run(&mut connection, E::schema(&by_hand)).await.unwrap();
    put(&E::from_pool(server.pool(1).await, by_hand.clone())).await;
    E::connect(&server.url, by_us.clone()).await.unwrap();
    let mut columns = Vec::new();
    for name in [by_hand, by_us] {
        let sql =
            format!("SELECT count(*) FROM information_schema.columns WHERE table_name = '{}'", name.table());
        columns.push(server.ask(sql).await);
    }
    assert_eq!(columns, ["10", "10"]);
}

pub(crate) async fn a_table_may_be_in_a_schema_of_its_own<E: Engine>(server: &Server<E>) {
    let schema = format!("s_{}", new_key());
    let name: TableName = format!("{schema}.order").parse().unwrap();
    let error = E::connect(&server.url, name.clone()).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Misconfigured, "{error:?}");
    assert!(error.to_string().contains("create it"), "{error}");

    server.run(E::create_schema(&schema)).await;
    let store = E::connect(&server.url, name.clone()).await.unwrap();
    let (key, record) = put(&store).await;
    // Every statement names it in full.
    assert_eq!(store.insert(&key, &record, NOW).await.unwrap(), Inserted::Taken);
    let late = record.expires_at;
    let reborn = Record { expires_at: late + Duration::from_secs(60), ..next(&record) };
    assert_eq!(store.insert(&key, &reborn, late).await.unwrap(), Inserted::Done);
    assert_eq!(store.replace(&key, &key, &next(&reborn), &reborn, late).await.unwrap(), Replaced::Done);
    assert!(store.touch(&key, late + Duration::from_secs(90), &next(&reborn), late).await.unwrap());
    assert_eq!(
        store.page(Filter::Account("ada"), None, 9.try_into().unwrap(), late).await.unwrap().records.len(),
        1
    );
    assert_eq!(store.purge(late, 9.try_into().unwrap()).await.unwrap(), 0);
    let hers = Select::Account { account: "ada", except: None };
    assert_eq!(store.remove(hers, late).await.unwrap(), 1);
    assert_eq!(server.ask(format!("SELECT count(*) FROM {}", quoted(&name))).await, "0");
    server.run(E::drop_schema(&schema)).await;
}

pub(crate) async fn a_missing_table_is_named_with_the_remedy<E: Engine>(server: &Server<E>) {
    let name = server.name();
    let store = E::from_pool(server.pool(1).await, name.clone());
    let key = new_key();
    for error in [
        store.ping().await.unwrap_err(),
        store.load(&key, NOW).await.unwrap_err(),
        store.insert(&key, &record(&store), NOW).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), StoreErrorKind::Absent);
        let says = error.to_string();
        assert!(
            says.contains(&format!("`{name}`")) && says.contains("migrate") && says.contains("schema"),
            "{says}"
        );
    }
}

pub(crate) async fn the_applications_own_table_is_left_alone<E: Engine>(server: &Server<E>) {
    let name = server.name();
    let table = quoted(&name);
    server.run(format!("CREATE TABLE {table} (film varchar(20))")).await;
    server.run(format!("INSERT INTO {table} VALUES ('Metropolis')")).await;
    let error = E::connect(&server.url, name).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Misconfigured);
    assert!(error.to_string().contains("another name"), "{error}");
    assert_eq!(server.ask(format!("SELECT film FROM {table}")).await, "Metropolis");
}

/// A column that only another program fills. What the server says to that shows the row.
pub(crate) async fn a_table_with_more_columns_shows_no_row_in_its_error<E: Engine>(server: &Server<E>) {
    let (store, name) = server.store_with_name().await;
    server.run(format!("ALTER TABLE {} ADD COLUMN film varchar(20) NOT NULL", quoted(&name))).await;
    let (key, record) = (new_key(), record(&store));
    let error = store.insert(&key, &record, NOW).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Misconfigured, "{error:?}");
    let told = everything(&error);
    assert!(!told.contains(key.as_str()) && !told.contains("fefefe"), "{told}");
}

/// Invariant 6: what cannot be read is an error, is never taken for nothing, and is never written over.
pub(crate) async fn a_damaged_row_is_undecodable_and_left_alone<E: Engine>(server: &Server<E>) {
    let (store, name) = server.store_with_name().await;
    let table = quoted(&name);
    for (column, hex) in [("details", "09"), ("details", ""), ("secret", "00"), ("account", "ff")] {
        let (key, there) = put(&store).await;
        let set = format!("SET {column} = {} WHERE session_key = '{key}'", E::bytes(hex));
        server.run(format!("UPDATE {table} {set}")).await;

        let late = next(&there);
        let elsewhere = Record { version: Version { seq: 1, nonce: 1 }, ..late.clone() };
        for error in [
            store.load(&key, NOW).await.unwrap_err(),
            store.replace(&key, &key, &late, &elsewhere, NOW).await.unwrap_err(),
        ] {
            assert_eq!(error.kind(), StoreErrorKind::Undecodable, "{column}");
            assert!(error.to_string().contains(&format!("`{column}`")), "{error}");
            assert!(!everything(&error).contains(key.as_str()), "a key may be a whole token: {error}");
        }
        let page = store.page(Filter::All, None, 10.try_into().unwrap(), NOW).await.unwrap();
        assert_eq!((page.records.len(), page.unreadable), (0, 1));
        assert_eq!(store.insert(&key, &late, NOW).await.unwrap(), Inserted::Taken);
        let intact = format!("SELECT count(*) FROM {table} WHERE seq = 1 AND {column} = {}", E::bytes(hex));
        assert_eq!(server.ask(intact).await, "1", "{column}");
        server.run(format!("DELETE FROM {table}")).await;
    }
}

/// An account is any text, compared byte by byte: no letter case, no accent, no space at the end, no NUL is lost.
pub(crate) async fn an_account_is_compared_exactly<E: Engine>(server: &Server<E>) {
    let store = server.store().await;
    let names = ["ada", "Ada", "ada ", "ada\0", "\0", "", " ", "adá", "ada\u{301}", "a\\", "%", "\u{1F600}"];
    let of = |name: &str| Record { account: Some(name.to_owned()), ..record(&store) };
    for name in names {
        assert_eq!(store.insert(&new_key(), &of(name), NOW).await.unwrap(), Inserted::Done);
    }
    for name in names {
        let page = store.page(Filter::Account(name), None, 20.try_into().unwrap(), NOW).await.unwrap();
        let found: Vec<_> = page.records.iter().map(|(_, record)| record.account.as_deref()).collect();
        assert_eq!(found, [Some(name)]);
        let hers = Select::Account { account: name, except: None };
        assert_eq!(store.remove(hers, NOW).await.unwrap(), 1, "{name:?}");
    }
}

pub(crate) async fn an_account_has_a_length<E: Engine>(server: &Server<E>) {
    let (store, name) = server.store_with_name().await;
    // Random letters, which no engine makes shorter.
    let longest: String = (0..41).map(|_| new_key().to_string()).collect::<String>()[..1024].to_owned();
    let (key, fits) = (new_key(), Record { account: Some(longest.clone()), ..record(&store) });
    assert_eq!(store.insert(&key, &fits, NOW).await.unwrap(), Inserted::Done);
    assert_eq!(store.load(&key, NOW).await.unwrap().as_ref(), Some(&fits));

    let long = Record { account: Some(longest.clone() + "x"), ..next(&fits) };
    for error in [
        store.insert(&new_key(), &long, NOW).await.unwrap_err(),
        store.replace(&key, &key, &long, &fits, NOW).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), StoreErrorKind::Unsupported);
        assert!(error.to_string().contains("1024 bytes"), "{error}");
    }
    let all = Select::Account { account: &(longest + "x"), except: None };
    assert_eq!(store.remove(all, NOW).await.unwrap(), 0, "and nobody has one");
    assert_eq!(server.ask(format!("SELECT count(*) FROM {}", quoted(&name))).await, "1");
}

/// Runs statements that stand one after the other in a text.
pub(crate) async fn run_raw<'c, Db: Database>(
    connection: impl Executor<'c, Database = Db>,
    sql: String,
) -> sqlx::Result<()> {
    connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await.map(drop)
}
