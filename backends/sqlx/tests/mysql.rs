//! The conformance kit on MySQL or MariaDB, what must hold on every server, and what is special to these.

#![expect(clippy::unwrap_used, reason = "a test fails where what it is made of fails")]

mod common;
mod servers;

use StoreErrorKind::{Full, Misconfigured, Unavailable};
use common::{NOW, new_key, put, record};
use servers::{Engine, Server, quoted, run_raw, server_tests};
use session_core::store::{Inserted, Replaced, SessionStore, StoreErrorKind, StoreResult};
use session_core::{Record, Time};
use session_sqlx::{MySqlStore, TableName};
use sqlx::{AssertSqlSafe, MySql, MySqlConnection, MySqlPool, Row};

struct My;

impl Engine for My {
    type Db = MySql;
    type Store = MySqlStore;
    const NAME: &'static str = "mysql";
    const PLAIN: &'static str = "SET SESSION sql_mode = CONCAT(@@sql_mode, ',ANSI_QUOTES')";

    async fn connect(url: &str, table: TableName) -> StoreResult<MySqlStore> {
        MySqlStore::connect_to_table(url, table).await
    }

    fn from_pool(pool: MySqlPool, table: TableName) -> MySqlStore {
        MySqlStore::from_pool(pool).with_table(table)
    }

    async fn migrate(store: &MySqlStore) -> StoreResult<()> {
        store.migrate().await
    }

    fn schema(table: &TableName) -> String {
        MySqlStore::schema(table)
    }

    async fn run(connection: &mut MySqlConnection, sql: String) -> sqlx::Result<()> {
        run_raw(connection, sql).await
    }

    async fn ask(connection: &mut MySqlConnection, sql: String) -> String {
        let row = sqlx::raw_sql(AssertSqlSafe(sql)).fetch_one(connection).await.unwrap();
        row.try_get_unchecked(0).unwrap()
    }

    async fn number(connection: &mut MySqlConnection) -> i64 {
        Self::ask(connection, "SELECT CONNECTION_ID()".to_owned()).await.parse().unwrap()
    }

    async fn end(connection: &mut MySqlConnection, number: i64) {
        Self::run(connection, format!("KILL {number}")).await.unwrap();
        let sql = format!("SELECT count(*) FROM information_schema.processlist WHERE id = {number}");
        while Self::ask(connection, sql.clone()).await != "0" {
            tokio::task::yield_now().await;
        }
    }

    fn bytes(hex: &str) -> String {
        format!("x'{hex}'")
    }

    fn create_schema(name: &str) -> String {
        format!("CREATE DATABASE {name}")
    }

    fn drop_schema(name: &str) -> String {
        format!("DROP DATABASE {name}")
    }

    fn fail_with(table: &TableName, codes: &[&str]) -> Vec<String> {
        // A variable of the connection counts also what is undone.
        let counter = format!("@n_{}", new_key());
        let failures: Vec<String> = (1..)
            .zip(codes)
            .map(|(n, code)| {
                let (number, state) = code.split_once('/').unwrap();
                let says = if number == "1030" { "got error 28" } else { "as the test wants it" };
                format!(
                    "IF {counter} = {n} THEN
                        SIGNAL SQLSTATE '{state}' SET MYSQL_ERRNO = {number}, MESSAGE_TEXT = '{says}';
                    END IF;\n"
                )
            })
            .collect();
        let failures = failures.concat();
        vec![
            format!("DROP TRIGGER IF EXISTS {table}_fail"),
            format!(
                "CREATE TRIGGER {table}_fail BEFORE INSERT ON {} FOR EACH ROW BEGIN
                    SET {counter} = COALESCE({counter}, 0) + 1;
                    {failures}
                END",
                quoted(table)
            ),
        ]
    }

    fn drop_table(table: &TableName) -> Vec<String> {
        vec![format!("DROP TABLE IF EXISTS {}", quoted(table))]
    }
}

server_tests!(My:
    it_conforms,
    a_record_moves_in_one_step,
    migrating_again_keeps_what_is_there,
    many_may_create_one_table_at_once,
    the_schema_is_what_migrate_makes,
    a_table_may_be_in_a_schema_of_its_own,
    a_missing_table_is_named_with_the_remedy,
    the_applications_own_table_is_left_alone,
    a_table_with_more_columns_shows_no_row_in_its_error,
    a_damaged_row_is_undecodable_and_left_alone,
    an_account_is_compared_exactly,
    an_account_has_a_length,
    a_row_that_is_not_changed_counts,
    a_writer_waits_for_another_and_sees_its_record,
    a_locked_session_keeps_no_other_waiting,
    an_expired_key_has_one_heir,
    verbs_of_many_rows_do_not_lock_each_other,
    a_cancelled_verb_leaves_its_connection_usable,
    a_restart_costs_no_verb,
    a_restart_costs_no_request,
    who_is_not_let_in_is_told_so,
    a_server_that_does_not_answer_is_unavailable,
    round_trips_are_counted_on_the_wire,
    own_connections_that_end_cost_no_request,
    own_connections_that_fall_silent_keep_nobody_waiting,
    a_connection_that_works_is_kept_while_the_others_are_silent,
    own_connections_are_as_many_as_the_address_says,
    a_store_outlives_the_runtime_it_was_made_on,
    a_cancelled_verb_leaves_an_own_connection_usable,
);

#[tokio::test]
async fn silence_is_given_up() {
    let Some(server) = server().await else { return };
    servers::silence_is_given_up(&server).await;
    server.clean().await;
}

async fn server() -> Option<Server<My>> {
    Server::find().await
}

#[tokio::test]
async fn the_servers_codes_are_read() {
    let Some(server) = server().await else { return };
    let codes = [
        ("1114/HY000", Full, "free some"),
        ("1030/HY000", Full, "free some"),
        ("1153/08S01", Full, "larger"),
        ("1406/22001", Full, "larger"),
        ("1040/08004", Unavailable, "in time"),
        ("1053/08S01", Unavailable, "in time"),
        ("1205/HY000", Unavailable, "in time"),
        ("1317/70100", Unavailable, "in time"),
        ("1290/HY000", Unavailable, "replica"),
        ("1213/40001", Unavailable, "try again"),
        ("1142/42000", Misconfigured, "grant it"),
        ("1054/42S22", Misconfigured, "another name"),
        ("1366/HY000", Misconfigured, "another name"),
        ("1045/28000", Misconfigured, "password"),
        ("1932/42S02", Misconfigured, "damaged"),
    ];
    servers::codes_are_read(&server, &codes).await;
    server.clean().await;
}

#[tokio::test]
async fn deadlocks_are_tried_again() {
    let Some(server) = server().await else { return };
    let codes = ["1213/40001", "1020/HY000", "1213/40001"];
    servers::what_was_undone_is_tried_again(&server, &codes).await;
    server.clean().await;
}

/// Two transactions that wait for each other: `InnoDB` undoes the smaller, which is the store's, and the store sends it again.
#[tokio::test]
async fn a_deadlock_with_the_application_ends_well() {
    let Some(server) = server().await else { return };
    let (store, name) = server.store_with_name().await;
    let table = quoted(&name);
    let mut records = Vec::new();
    for _ in 0..2 {
        records.push(put(&store).await);
    }
    records.sort_by_key(|(key, _)| *key);
    let (first, last) = (records[0].0, records[1].0);
    let mut other = server.another().await;
    My::run(&mut other, "BEGIN".to_owned()).await.unwrap();
    let filler = "INSERT INTO {table} (session_key, seq, nonce, created_at, last_active, expires_at, details, data) VALUES";
    let fillers = (0..20).map(|_| format!("('{}', 0, 0, 0, 0, 0, '', '')", new_key())).collect::<Vec<_>>();
    let sql = format!("{} {}", filler.replace("{table}", &table), fillers.join(", "));
    My::run(&mut other, sql).await.unwrap();
    My::run(&mut other, format!("UPDATE {table} SET seq = 1 WHERE session_key = '{last}'")).await.unwrap();
    // Locks the first, and waits for the last.
    let removing = tokio::spawn({
        let store = store.clone();
        async move {
            let hers = session_core::store::Select::Account { account: "ada", except: None };
            store.remove(hers, NOW).await
        }
    });
    let waits = "SELECT count(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'";
    while My::ask(&mut server.another().await, waits.to_owned()).await == "0" {
        // InnoDB answers with what it answered last, where it was asked in the last tenth of a second.
        tokio::time::sleep(std::time::Duration::from_millis(150)).await;
    }
    let sql = format!("UPDATE {table} SET seq = 1 WHERE session_key = '{first}'");
    My::run(&mut other, sql).await.unwrap();
    My::run(&mut other, "ROLLBACK".to_owned()).await.unwrap();
    assert_eq!(removing.await.unwrap().unwrap(), 2);
    server.clean().await;
}

/// `utf8mb4_bin` and the server's own collation would both find more than one.
#[tokio::test]
async fn a_key_is_compared_by_its_bytes() {
    let Some(server) = server().await else { return };
    let (store, name) = server.store_with_name().await;
    let (key, _) = put(&store).await;
    let sql = format!(
        "SELECT count(*) FROM {} WHERE session_key = '{}'",
        quoted(&name),
        key.as_str().to_uppercase()
    );
    assert_eq!(server.ask(sql).await, "0");
    server.clean().await;
}

/// An old server, or one whose administrator wants it so, cuts what does not fit and says nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_conforms_where_the_server_is_not_strict() {
    let Some(server) = server().await else { return };
    let pool = sqlx::mysql::MySqlPoolOptions::new().after_connect(|connection, _| {
        Box::pin(async move {
            let lax = "SET SESSION sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES', time_zone = '-11:00'";
            run_raw(&mut *connection, lax.to_owned()).await?;
            run_raw(connection, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED".to_owned()).await
        })
    });
    let pool = pool.connect(&server.url).await.unwrap();
    let make = async || {
        let store = MySqlStore::from_pool(pool.clone()).with_table(server.name());
        store.migrate().await.unwrap();
        store
    };
    session_core::testing::conformance(make).await;
    server.clean().await;
}

/// What the defaults are, as the server has them.
#[tokio::test]
async fn a_store_of_its_own_has_timeouts_from_the_start() {
    let Some(server) = server().await else { return };
    let (_, name) = server.store_with_name().await;
    let settings = "CONCAT_WS(' ', @@innodb_lock_wait_timeout, @@lock_wait_timeout)";
    let sql = format!(
        "CREATE TRIGGER {name}_spy BEFORE INSERT ON {} FOR EACH ROW SET NEW.data = {settings}",
        quoted(&name)
    );
    server.run(sql).await;
    let store = MySqlStore::connect_to_table(&server.url, name).await.unwrap();
    let key = new_key();
    assert_eq!(store.insert(&key, &record(&store), NOW).await.unwrap(), Inserted::Done);
    assert_eq!(&store.load(&key, NOW).await.unwrap().unwrap().data[..], b"5 5");
    server.clean().await;
}

/// The server's own count of this connection's statements, without the preparing and without pings.
#[tokio::test]
async fn round_trips_are_counted_at_the_server() {
    let Some(server) = server().await else { return };
    let pool = server.pool(1).await;
    let store = MySqlStore::from_pool(pool.clone()).with_table(server.name());
    store.migrate().await.unwrap();
    let asked = std::cell::Cell::new(0);
    let count = async || {
        let sql = "SHOW SESSION STATUS LIKE 'Questions'";
        let row = sqlx::raw_sql(sql).fetch_one(&pool).await.unwrap();
        let questions: String = row.try_get_unchecked(1).unwrap();
        // But for this one.
        asked.set(asked.get() + 1);
        questions.parse::<u64>().unwrap() - asked.get()
    };
    servers::round_trips_are_as_promised::<My, _>(store, count).await;
    server.clean().await;
}

/// More than a packet: the server takes it, or says that it is too much, and is there for the next.
#[tokio::test]
async fn a_session_beyond_the_servers_limit_is_refused() {
    let Some(server) = server().await else { return };
    let store = server.store().await;
    let limit: usize = server.ask("SELECT @@max_allowed_packet").await.parse().unwrap();
    let key = new_key();
    let large = Record { data: vec![b'x'; limit + 1].into(), ..record(&store) };
    let error = store.insert(&key, &large, NOW).await.unwrap_err();
    assert!(matches!(error.kind(), Full | Unavailable), "{error:?}");
    assert_eq!(store.load(&key, NOW).await.unwrap(), None);
    put(&store).await;
    server.clean().await;
}

/// No date of the server's, in no time zone.
#[tokio::test]
async fn deadlines_are_numbers_to_the_server() {
    let Some(server) = server().await else { return };
    let (store, name) = server.store_with_name().await;
    let far = Record { expires_at: Time::MAX, ..record(&store) };
    let key = new_key();
    assert_eq!(store.insert(&key, &far, NOW).await.unwrap(), Inserted::Done);
    let kept = server.ask(format!("SELECT expires_at FROM {}", quoted(&name))).await;
    assert_eq!(kept, "253402300799999");
    assert_eq!(store.replace(&key, &key, &far, &far, NOW).await.unwrap(), Replaced::Done);
    server.clean().await;
}
