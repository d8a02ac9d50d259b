//! What must hold on every database server.

use std::net::SocketAddr;
use std::time::Duration;

use session_core::store::{
    Filter, Inserted, Replaced, Select, SessionStore, StoreError, StoreErrorKind, StoreResult,
};
use session_core::testing::{Visitor, server};
use session_core::{AnyStore, Backend, Record, Sessions, Settings, Version};
use session_sqlx::TableName;
use sqlx::pool::PoolOptions;
use sqlx::{AssertSqlSafe, Connection, Database, Executor, Pool};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;

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

/// Each store has connections of its own, as another process has.
pub(crate) async fn many_may_create_one_table_at_once<E: Engine>(server: &Server<E>) {
    for _ in 0..8 {
        let name = server.name();
        let mut starting = JoinSet::new();
        for _ in 0..8 {
            let (url, name) = (server.url.clone(), name.clone());
            starting.spawn(async move { put(&E::connect(&url, name).await.unwrap()).await });
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
        assert_eq!(error.kind(), StoreErrorKind::Misconfigured);
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
            store.page(Filter::All, None, 10.try_into().unwrap(), NOW).await.unwrap_err(),
        ] {
            assert_eq!(error.kind(), StoreErrorKind::Undecodable, "{column}");
            assert!(error.to_string().contains(&format!("`{column}`")), "{error}");
            assert!(!everything(&error).contains(key.as_str()), "a key may be a whole token: {error}");
        }
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

/// A touch or a retry that finds everything as it wants it has found the row all the same.
pub(crate) async fn a_row_that_is_not_changed_counts<E: Engine>(server: &Server<E>) {
    let store = server.store().await;
    let (key, there) = put(&store).await;
    for _ in 0..2 {
        assert!(store.touch(&key, there.expires_at, &there, NOW).await.unwrap());
    }
    assert_eq!(store.replace(&key, &key, &there, &there, NOW).await.unwrap(), Replaced::Done);
}

/// A conflict shows what the other writer has just committed, not what was there when the statement began.
pub(crate) async fn a_writer_waits_for_another_and_sees_its_record<E: Engine>(server: &Server<E>) {
    let (store, name) = server.store_with_name().await;
    let table = quoted(&name);
    let (key, there) = put(&store).await;
    let mut other = server.another().await;
    E::run(&mut other, "BEGIN".to_owned()).await.unwrap();
    E::run(&mut other, format!("UPDATE {table} SET seq = 7")).await.unwrap();
    let waiting = tokio::spawn({
        let (store, there) = (store.clone(), there.clone());
        async move { store.replace(&key, &key, &next(&there), &there, NOW).await }
    });
    assert_eq!(store.load(&key, NOW).await.unwrap().unwrap().version.seq, 1, "before the commit");
    E::run(&mut other, "COMMIT".to_owned()).await.unwrap();
    let answer = waiting.await.unwrap().unwrap();
    assert!(matches!(answer, Replaced::Conflict(record) if record.version.seq == 7));
}

/// Many insert over one expired record while it is purged: one of them has it, and no purge takes that.
pub(crate) async fn an_expired_key_has_one_heir<E: Engine>(server: &Server<E>) {
    let store = server.store().await;
    for _ in 0..8 {
        let (key, dead) = put(&store).await;
        let late = dead.expires_at;
        let mut racing = JoinSet::new();
        for nonce in 0..16 {
            let (heir, version) = (store.clone(), Version { seq: 1, nonce });
            let reborn = Record { version, expires_at: late + Duration::from_secs(60), ..dead.clone() };
            racing.spawn(async move {
                let inserted = heir.insert(&key, &reborn, late).await.unwrap();
                (inserted == Inserted::Done).then_some(version)
            });
            if nonce % 4 == 0 {
                let store = store.clone();
                racing.spawn(async move {
                    store.purge(late, 9.try_into().unwrap()).await.unwrap();
                    None
                });
            }
        }
        let heirs: Vec<_> = racing.join_all().await.into_iter().flatten().collect();
        let there = store.load(&key, late).await.unwrap().map(|record| record.version);
        // Where a purge came between, all may have been told that the key is taken; more than one has it never.
        assert!(heirs.len() <= 1, "{heirs:?}");
        assert_eq!(there, heirs.first().copied());
        store.remove(Select::One(&key), late).await.unwrap();
    }
}

/// Whole accounts are ended, listed and purged while their sessions are written: nothing is locked against each other.
pub(crate) async fn verbs_of_many_rows_do_not_lock_each_other<E: Engine>(server: &Server<E>) {
    let store = server.store().await;
    let mut racing = JoinSet::new();
    for i in 0..24_u32 {
        let store = store.clone();
        racing.spawn(async move {
            for j in 0..8_u32 {
                let (key, there) = put(&store).await;
                let late = NOW + Duration::from_secs(u64::from(i + j));
                match (i + j) % 4 {
                    0 => drop(store.purge(there.expires_at, 5.try_into().unwrap()).await.unwrap()),
                    1 => {
                        let hers = Select::Account { account: "ada", except: Some(&key) };
                        store.remove(hers, late).await.unwrap();
                    }
                    _ => drop(store.replace(&key, &key, &next(&there), &there, late).await.unwrap()),
                }
            }
        });
    }
    racing.join_all().await;
}

/// A visitor who goes away drops the request's future in the middle of a statement.
pub(crate) async fn a_cancelled_verb_leaves_its_connection_usable<E: Engine>(server: &Server<E>) {
    let name = server.name();
    let store = E::from_pool(server.pool(1).await, name.clone());
    E::migrate(&store).await.unwrap();
    let (key, there) = put(&store).await;
    let mut other = server.another().await;
    for polls in 0..20 {
        E::run(&mut other, "BEGIN".to_owned()).await.unwrap();
        E::run(&mut other, format!("UPDATE {} SET seq = 1", quoted(&name))).await.unwrap();
        let second = next(&there);
        let replace = store.replace(&key, &key, &second, &there, NOW);
        tokio::select! {
            biased;
            answer = replace => panic!("the row is locked: {answer:?}"),
            () = yields(polls) => {}
        }
        E::run(&mut other, "ROLLBACK".to_owned()).await.unwrap();
        // The pool has this one connection. What was cancelled was done, or not, and whole.
        let found = store.load(&key, NOW).await.unwrap().unwrap();
        assert!(found == there || found == second);
        if found == second {
            assert_eq!(store.replace(&key, &key, &there, &second, NOW).await.unwrap(), Replaced::Done);
        }
    }
}

async fn yields(count: usize) {
    for _ in 0..count {
        tokio::task::yield_now().await;
    }
}

/// A pool of four connections that all lie idle, and end: as when the server is restarted.
async fn idle_and_ended<E: Engine>(server: &Server<E>, pool: &Pool<E::Db>) {
    let mut numbers = Vec::new();
    let mut all = Vec::new();
    for _ in 0..4 {
        let mut connection = pool.acquire().await.unwrap();
        numbers.push(E::number(&mut connection).await);
        all.push(connection);
    }
    drop(all);
    while pool.num_idle() < 4 {
        tokio::task::yield_now().await;
    }
    for number in numbers {
        E::end(&mut *server.admin.lock().await, number).await;
    }
}

/// No ping before each use: so the first verb after a restart meets a dead connection. It closes the others too.
pub(crate) async fn a_restart_costs_no_verb<E: Engine>(server: &Server<E>) {
    let pool = server.pool(4).await;
    let store = E::from_pool(pool.clone(), server.name());
    E::migrate(&store).await.unwrap();
    let (key, there) = put(&store).await;
    let until = there.expires_at;

    idle_and_ended(server, &pool).await;
    assert_eq!(store.load(&key, NOW).await.unwrap().as_ref(), Some(&there));
    assert!(pool.size() <= 1, "what lay idle is closed, not met by the next");
    idle_and_ended(server, &pool).await;
    store.ping().await.unwrap();
    idle_and_ended(server, &pool).await;
    assert!(store.touch(&key, until, &there, NOW).await.unwrap());
    idle_and_ended(server, &pool).await;
    assert_eq!(store.page(Filter::All, None, 9.try_into().unwrap(), NOW).await.unwrap().records.len(), 1);
    idle_and_ended(server, &pool).await;
    assert_eq!(store.purge(NOW, 9.try_into().unwrap()).await.unwrap(), 0);
    idle_and_ended(server, &pool).await;
    assert_eq!(store.remove(Select::One(&key), NOW).await.unwrap(), 1);

    // What can be done once only is core's to repeat.
    idle_and_ended(server, &pool).await;
    let error = store.insert(&key, &there, NOW).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert_eq!(store.insert(&key, &there, NOW).await.unwrap(), Inserted::Done);
    idle_and_ended(server, &pool).await;
    let error = store.replace(&key, &key, &next(&there), &there, NOW).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
}

pub(crate) async fn a_restart_costs_no_request<E: Engine>(server: &Server<E>) {
    let pool = server.pool(4).await;
    let store = E::from_pool(pool.clone(), server.name());
    E::migrate(&store).await.unwrap();
    let sessions = Sessions::new(Backend::from(store), Settings::default()).unwrap();
    let mut visitor = Visitor::new(&sessions);
    for n in 0..3_u32 {
        idle_and_ended(server, &pool).await;
        visitor.visit(200, async |s| s.update("n", |n: &mut u32| *n += 1)).await.unwrap();
        let slow = visitor.begin();
        slow.session().await.unwrap().insert("slow", n).unwrap();
        idle_and_ended(server, &pool).await;
        assert!(slow.finish(200).await.error.is_none(), "the save itself meets them");
    }
    idle_and_ended(server, &pool).await;
    assert_eq!(visitor.visit(200, async |s| s.get("n")).await.unwrap(), Some(3_u32));
    idle_and_ended(server, &pool).await;
    visitor.visit(200, async |s| s.flush().await).await.unwrap();
    assert_eq!(visitor.cookie(), None);
}

/// The network swallows what is sent, as a firewall does that has forgotten a connection: nobody says that it is gone.
pub(crate) async fn silence_is_given_up<E: Engine>(server: &Server<E>) {
    let (scheme, rest) = server.url.split_once("://").unwrap();
    let (credentials, place) = rest.rsplit_once('@').unwrap();
    let (host, path) = place.split_once('/').unwrap();
    let (silent, address) = forward_to(host.to_owned()).await;
    let url = format!("{scheme}://{credentials}@{address}/{path}");
    let pool = PoolOptions::new().max_connections(2).test_before_acquire(false).connect(&url).await.unwrap();
    let store = E::from_pool(pool.clone(), server.name());
    E::migrate(&store).await.unwrap();
    let (key, there) = put(&store).await;
    let both = (pool.acquire().await.unwrap(), pool.acquire().await.unwrap());
    drop(both);
    while pool.num_idle() < 2 {
        tokio::task::yield_now().await;
    }

    silent.send(true).unwrap();
    // Nobody has anything to do but wait: then this clock goes to the end of the wait.
    tokio::time::pause();
    let error = store.load(&key, NOW).await.unwrap_err();
    tokio::time::resume();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert_eq!(pool.size(), 0, "no request more waits for what is silent");
    silent.send(false).unwrap();
    assert_eq!(store.load(&key, NOW).await.unwrap(), Some(there));
}

/// A way to a server that can fall silent, for the connections that are open then.
async fn forward_to(host: String) -> (watch::Sender<bool>, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (silent, listening) = watch::channel(false);
    tokio::spawn(async move {
        while let Ok((mut from, _)) = listener.accept().await {
            let (host, mut listening) = (host.clone(), listening.clone());
            tokio::spawn(async move {
                let mut to = TcpStream::connect(host).await.unwrap();
                let falls_silent = async { drop(listening.wait_for(|silent| *silent).await) };
                tokio::select! {
                    _ = copy_bidirectional(&mut from, &mut to) => return,
                    () = falls_silent => {}
                }
                std::future::pending::<()>().await;
            });
        }
    });
    (silent, address)
}

/// What each kind of request costs, as the server has counted it.
pub(crate) async fn round_trips_are_as_promised<E: Engine, C: AsyncFn() -> u64>(store: E::Store, count: C) {
    let sessions = Sessions::new(Backend::Server(AnyStore::new(store)), Settings::default()).unwrap();
    // The first pass teaches the connection its statements.
    for pass in 0..2 {
        let mut visitor = Visitor::new(&sessions);
        let cost = async |what: &str, expected: u64, before: u64| {
            let cost = count().await - before;
            assert!(pass == 0 || cost == expected, "{what} costs {cost}");
        };
        let before = count().await;
        visitor.visit(200, async |s| s.insert("n", 1)).await.unwrap();
        cost("a new session", 1, before).await;
        let before = count().await;
        visitor.visit(200, async |s| s.get::<u32>("n")).await.unwrap();
        cost("a read", 1, before).await;
        let before = count().await;
        visitor.visit(200, async |s| s.insert("n", 2)).await.unwrap();
        cost("a write", 2, before).await;
        let before = count().await;
        visitor.visit(200, async |s| s.login("ada").await).await.unwrap();
        cost("a login", 2, before).await;
        let before = count().await;
        visitor.visit(200, async |s| s.flush().await).await.unwrap();
        cost("a logout", 2, before).await;

        visitor.visit(200, async |s| s.insert("n", 1)).await.unwrap();
        let before = count().await;
        let visit = visitor.begin();
        visit.pending().flush().await.unwrap();
        assert!(visit.finish(200).await.error.is_none());
        cost("a logout that loads nothing", 1, before).await;
    }
}

pub(crate) async fn who_is_not_let_in_is_told_so<E: Engine>(server: &Server<E>) {
    let (scheme, rest) = server.url.split_once("://").unwrap();
    let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
    let (host, _) = place.split_once('/').unwrap_or((place, ""));
    let credentials = rest.rsplit_once('@').map_or("", |(credentials, _)| credentials);
    let of = |url: String| async move { E::connect(&url, TableName::default()).await.unwrap_err() };
    let nobody = of(format!("{scheme}://nobody:hunter2@{place}")).await;
    let nowhere = of(format!("{scheme}://{credentials}@{host}/no_such_database")).await;
    let other_engine = of("redis://me:hunter2@localhost".to_owned()).await;
    let no_port = of(format!("{scheme}://me:hunter2@localhost:port/shop")).await;
    for (error, remedy) in
        [(&nobody, "password"), (&nowhere, "create it"), (&other_engine, "begins with"), (&no_port, "port")]
    {
        assert_eq!(error.kind(), StoreErrorKind::Misconfigured, "{error:?}");
        assert!(error.to_string().contains(remedy), "{error}");
        assert!(!everything(error).contains("hunter2"), "{error:?}");
    }
}

pub(crate) async fn a_server_that_does_not_answer_is_unavailable<E: Engine>(server: &Server<E>) {
    // A port that somebody had, and nobody listens at.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (scheme, _) = server.url.split_once("://").unwrap();
    let url = format!("{scheme}://me:hunter2@127.0.0.1:{port}/shop");
    let pool = PoolOptions::new().acquire_timeout(Duration::from_millis(50)).connect_lazy(&url).unwrap();
    let store = E::from_pool(pool, TableName::default());
    let errors: [StoreError; 2] =
        [store.ping().await.unwrap_err(), store.load(&new_key(), NOW).await.unwrap_err()];
    for error in errors {
        assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error:?}");
        assert!(!everything(&error).contains("hunter2"), "{error:?}");
    }
}

/// What each code of the server's comes to, said by the server itself.
pub(crate) async fn codes_are_read<E: Engine>(server: &Server<E>, codes: &[(&str, StoreErrorKind, &str)]) {
    let name = server.name();
    let store = E::from_pool(server.pool(1).await, name.clone());
    E::migrate(&store).await.unwrap();
    for (code, kind, says) in codes {
        // More often than a statement that was undone is tried again.
        for sql in E::fail_with(&name, &[*code; 11]) {
            server.run(sql).await;
        }
        let error = store.insert(&new_key(), &record(&store), NOW).await.unwrap_err();
        assert_eq!(error.kind(), *kind, "{code} {error:?}");
        assert!(error.to_string().contains(says), "{code}: {error}");
    }
}

/// A statement that was undone is as if it had never been: it is sent again.
pub(crate) async fn what_was_undone_is_tried_again<E: Engine>(server: &Server<E>, codes: &[&str]) {
    let name = server.name();
    let store = E::from_pool(server.pool(1).await, name.clone());
    E::migrate(&store).await.unwrap();
    for sql in E::fail_with(&name, codes) {
        server.run(sql).await;
    }
    let (key, there) = put(&store).await;
    assert_eq!(store.load(&key, NOW).await.unwrap(), Some(there));
}

/// Runs statements that stand one after the other in a text.
pub(crate) async fn run_raw<'c, Db: Database>(
    connection: impl Executor<'c, Database = Db>,
    sql: String,
) -> sqlx::Result<()> {
    connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await.map(drop)
}
