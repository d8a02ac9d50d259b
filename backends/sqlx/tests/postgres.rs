//! The conformance kit on PostgreSQL, what must hold on every server, and what is special to this one.

#![expect(clippy::unwrap_used, reason = "a test fails where what it is made of fails")]

mod common;
mod servers;

use std::time::Duration;

use StoreErrorKind::{Full, Misconfigured, Unavailable};
use common::{NOW, new_key, next, put, record};
use servers::{Engine, Server, quoted, run_raw, server_tests};
use session_core::store::{Inserted, SessionStore, StoreErrorKind, StoreResult};
use session_core::{Record, RecordKey};
use session_sqlx::{PostgresStore, TableName};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Postgres, Row};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

struct Pg;

impl Engine for Pg {
    type Db = Postgres;
    type Store = PostgresStore;
    const NAME: &'static str = "postgres";
    const PLAIN: &'static str = "SELECT 1";

    async fn connect(url: &str, table: TableName) -> StoreResult<PostgresStore> {
        PostgresStore::connect_to_table(url, table).await
    }

    fn from_pool(pool: PgPool, table: TableName) -> PostgresStore {
        PostgresStore::from_pool(pool).with_table(table)
    }

    async fn migrate(store: &PostgresStore) -> StoreResult<()> {
        store.migrate().await
    }

    fn schema(table: &TableName) -> String {
        PostgresStore::schema(table)
    }

    async fn run(connection: &mut PgConnection, sql: String) -> sqlx::Result<()> {
        run_raw(connection, sql).await
    }

    async fn ask(connection: &mut PgConnection, sql: String) -> String {
        let row = sqlx::raw_sql(AssertSqlSafe(sql)).fetch_one(connection).await.unwrap();
        row.try_get_unchecked(0).unwrap()
    }

    async fn number(connection: &mut PgConnection) -> i64 {
        Self::ask(connection, "SELECT pg_backend_pid()".to_owned()).await.parse().unwrap()
    }

    async fn end(connection: &mut PgConnection, number: i64) {
        // Waits until it has ended.
        let sql = format!("SELECT pg_terminate_backend({number}, 10000)");
        assert_eq!(Self::ask(connection, sql).await, "t");
    }

    fn bytes(hex: &str) -> String {
        format!("'\\x{hex}'::bytea")
    }

    fn create_schema(name: &str) -> String {
        format!("CREATE SCHEMA {name}")
    }

    fn drop_schema(name: &str) -> String {
        format!("DROP SCHEMA {name} CASCADE")
    }

    fn fail_with(table: &TableName, codes: &[&str]) -> Vec<String> {
        let quoted = quoted(table);
        let codes: Vec<_> = codes.iter().map(|code| format!("'{code}'")).collect();
        let codes = codes.join(", ");
        // A sequence counts also what is undone.
        vec![
            format!("DROP SEQUENCE IF EXISTS {table}_count"),
            format!("CREATE SEQUENCE {table}_count"),
            format!(
                "CREATE OR REPLACE FUNCTION {table}_fail() RETURNS trigger LANGUAGE plpgsql AS $$
                DECLARE n bigint := nextval('{table}_count'); codes text[] := ARRAY[{codes}];
                BEGIN
                    IF n <= array_length(codes, 1) THEN
                        RAISE EXCEPTION 'as the test wants it' USING ERRCODE = codes[n];
                    END IF;
                    RETURN NEW;
                END $$"
            ),
            format!("DROP TRIGGER IF EXISTS {table}_fail ON {quoted}"),
            format!(
                "CREATE TRIGGER {table}_fail BEFORE INSERT ON {quoted} FOR EACH ROW EXECUTE FUNCTION {table}_fail()"
            ),
        ]
    }

    fn drop_table(table: &TableName) -> Vec<String> {
        vec![
            format!("DROP TABLE IF EXISTS {}", quoted(table)),
            format!("DROP SEQUENCE IF EXISTS {table}_count"),
            format!("DROP FUNCTION IF EXISTS {table}_fail()"),
        ]
    }
}

server_tests!(Pg:
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

async fn server() -> Option<Server<Pg>> {
    Server::find().await
}

#[tokio::test]
async fn the_servers_codes_are_read() {
    let Some(server) = server().await else { return };
    let codes = [
        ("53100", Full, "free some"),
        ("54000", Full, "larger"),
        ("53200", Unavailable, "in time"),
        ("53300", Unavailable, "in time"),
        ("57P01", Unavailable, "in time"),
        ("57014", Unavailable, "in time"),
        ("55P03", Unavailable, "in time"),
        ("08006", Unavailable, "in time"),
        ("25006", Unavailable, "replica"),
        ("40001", Unavailable, "try again"),
        ("40P01", Unavailable, "try again"),
        ("42501", Misconfigured, "grant it"),
        ("42703", Misconfigured, "another name"),
        ("23514", Misconfigured, "another name"),
        ("28000", Misconfigured, "password"),
        ("XX001", Misconfigured, "damaged"),
    ];
    servers::codes_are_read(&server, &codes).await;
    server.clean().await;
}

#[tokio::test]
async fn serialization_failures_and_deadlocks_are_tried_again() {
    let Some(server) = server().await else { return };
    servers::what_was_undone_is_tried_again(&server, &["40P01", "40001", "40001"]).await;
    server.clean().await;
}

/// A database whose default is stricter makes writers fail that would wait for each other.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_conforms_where_transactions_are_serializable() {
    let Some(server) = server().await else { return };
    let options: PgConnectOptions = server.url.parse().unwrap();
    let options = options.options([("default_transaction_isolation", "serializable")]);
    let pool = PgPoolOptions::new().connect_with(options).await.unwrap();
    let make = async || {
        let store = PostgresStore::from_pool(pool.clone()).with_table(server.name());
        store.migrate().await.unwrap();
        store
    };
    session_core::testing::conformance(make).await;
    server.clean().await;
}

/// `connect` where an administrator has run the SQL of `schema`.
#[tokio::test]
async fn a_table_that_is_there_needs_no_right_to_create_one() {
    let Some(server) = server().await else { return };
    let options: PgConnectOptions = server.url.parse().unwrap();
    let reader = options.options([("default_transaction_read_only", "on")]);
    let pool = PgPoolOptions::new().connect_with(reader).await.unwrap();
    let store = PostgresStore::from_pool(pool).with_table(server.name());
    assert_eq!(store.migrate().await.unwrap_err().kind(), StoreErrorKind::Unavailable);
    let (there, name) = server.store_with_name().await;
    let (key, record) = put(&there).await;
    let store = store.with_table(name);
    store.migrate().await.unwrap();
    assert_eq!(store.load(&key, NOW).await.unwrap(), Some(record));
    server.clean().await;
}

#[tokio::test]
async fn who_may_not_create_or_write_is_told_what_to_grant() {
    let Some(server) = server().await else { return };
    let (there, name) = server.store_with_name().await;
    let (key, old) = put(&there).await;
    let role = format!("r_{}", new_key());
    server.run(format!("CREATE ROLE {role}; GRANT SELECT ON {} TO {role}", quoted(&name))).await;
    let pool = PgPoolOptions::new().max_connections(1).connect(&server.url).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(format!("SET ROLE {role}"))).execute(&pool).await.unwrap();
    let store = PostgresStore::from_pool(pool).with_table(name.clone());
    store.migrate().await.unwrap();
    assert_eq!(store.load(&key, NOW).await.unwrap().as_ref(), Some(&old));
    for error in [
        store.insert(&new_key(), &old, NOW).await.unwrap_err(),
        store.clone().with_table(server.name()).migrate().await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), StoreErrorKind::Misconfigured);
        assert!(error.to_string().contains("grant it SELECT"), "{error}");
    }
    drop(store);
    server.run(format!("DROP OWNED BY {role}; DROP ROLE {role}")).await;
    server.clean().await;
}

/// Each keeps to what the other leaves.
#[tokio::test]
async fn a_purge_does_not_wait_for_another() {
    let Some(server) = server().await else { return };
    let (store, name) = server.store_with_name().await;
    let mut keys: Vec<RecordKey> = Vec::new();
    for _ in 0..3 {
        keys.push(put(&store).await.0);
    }
    let mut other = server.another().await;
    let lock = format!("SELECT 1 FROM {} WHERE session_key = '{}' FOR UPDATE", quoted(&name), keys[0]);
    Pg::run(&mut other, format!("BEGIN; {lock}")).await.unwrap();
    let late = NOW + Duration::from_secs(365 * 86_400);
    assert_eq!(store.purge(late, 9.try_into().unwrap()).await.unwrap(), 2);
    Pg::run(&mut other, "COMMIT".to_owned()).await.unwrap();
    assert_eq!(store.purge(late, 9.try_into().unwrap()).await.unwrap(), 1);
    server.clean().await;
}

/// The server gives a statement up before anybody has to wait for ever. A timeout of the URL's own goes first: so this test need
/// not wait for the default.
#[tokio::test]
async fn statements_have_a_timeout() {
    let Some(server) = server().await else { return };
    let (store, name) = server.store_with_name().await;
    let (key, there) = put(&store).await;
    let mark = if server.url.contains('?') { '&' } else { '?' };
    let url = format!("{}{mark}options[statement_timeout]=200", server.url);
    let impatient = PostgresStore::connect_to_table(&url, name.clone()).await.unwrap();
    let mut other = server.another().await;
    Pg::run(&mut other, format!("BEGIN; LOCK TABLE {}", quoted(&name))).await.unwrap();
    let error = impatient.replace(&key, &key, &next(&there), &there, NOW).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert_eq!(impatient.load(&key, NOW).await.unwrap_err().kind(), StoreErrorKind::Unavailable);
    Pg::run(&mut other, "COMMIT".to_owned()).await.unwrap();
    assert_eq!(store.load(&key, NOW).await.unwrap(), Some(there));
    server.clean().await;
}

/// What the default is, as the server has it.
#[tokio::test]
async fn a_store_of_its_own_has_timeouts_from_the_start() {
    let Some(server) = server().await else { return };
    let name = server.name();
    PostgresStore::connect_to_table(&server.url, name.clone()).await.unwrap();
    // Which the store's connections told it to, and this one did not.
    server
        .run(format!(
            "CREATE FUNCTION {name}_fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        NEW.data := convert_to(current_setting('statement_timeout'), 'UTF8'); RETURN NEW; END $$"
        ))
        .await;
    server
        .run(format!(
            "CREATE TRIGGER spy BEFORE INSERT ON {} FOR EACH ROW EXECUTE FUNCTION {name}_fail()",
            quoted(&name)
        ))
        .await;
    let store = PostgresStore::connect_to_table(&server.url, name).await.unwrap();
    let key = new_key();
    assert_eq!(store.insert(&key, &record(&store), NOW).await.unwrap(), Inserted::Done);
    assert_eq!(&store.load(&key, NOW).await.unwrap().unwrap().data[..], b"5s");
    server.clean().await;
}

/// As poolers do between the application and the server: then the connection is made without settings.
#[tokio::test]
async fn a_pooler_that_takes_no_settings_is_asked_without() {
    let Some(server) = server().await else { return };
    let (credentials, place) = server.url.rsplit_once('@').unwrap();
    let (host, path) = place.split_once('/').unwrap();
    let host = host.to_owned();
    let pooler = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("{credentials}@{}/{path}", pooler.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut from, _)) = pooler.accept().await {
            let host = host.clone();
            tokio::spawn(async move {
                let mut hello = startup(&mut from).await;
                while hello.len() == 8 {
                    // It asks for TLS.
                    from.write_all(b"N").await.unwrap();
                    hello = startup(&mut from).await;
                }
                if hello.windows(9).any(|part| part == b"\0options\0") {
                    let says = b"SFATAL\0VFATAL\0C08P01\0Munsupported startup parameter: options\0\0";
                    let length = u32::try_from(says.len() + 4).unwrap();
                    from.write_all(&[&b"E"[..], &length.to_be_bytes(), says].concat()).await.unwrap();
                    return;
                }
                let mut to = TcpStream::connect(host).await.unwrap();
                to.write_all(&hello).await.unwrap();
                let _ = copy_bidirectional(&mut from, &mut to).await;
            });
        }
    });
    let store = PostgresStore::connect_to_table(&url, server.name()).await.unwrap();
    put(&store).await;
    server.clean().await;
}

/// The first message of a connection, with its length.
async fn startup(from: &mut TcpStream) -> Vec<u8> {
    let mut hello = vec![0; 4];
    from.read_exact(&mut hello).await.unwrap();
    let length = u32::from_be_bytes(hello[..].try_into().unwrap());
    hello.resize(length as usize, 0);
    from.read_exact(&mut hello[4..]).await.unwrap();
    hello
}

/// Names that differ in case only are two tables.
#[tokio::test]
async fn a_name_is_quoted() {
    let Some(server) = server().await else { return };
    let small = server.name();
    let large: TableName = small.as_str().to_uppercase().parse().unwrap();
    let (one, two) = (
        PostgresStore::connect_to_table(&server.url, small).await.unwrap(),
        PostgresStore::connect_to_table(&server.url, large.clone()).await.unwrap(),
    );
    let (key, _) = put(&one).await;
    assert_eq!(two.load(&key, NOW).await.unwrap(), None);
    server.run(format!("DROP TABLE {}", quoted(&large))).await;
    server.clean().await;
}

/// The server's own count, of `pg_stat_statements`. Pings when a connection goes back to the pool are none of its statements.
#[tokio::test]
async fn round_trips_are_counted_at_the_server() {
    let Some(server) = server().await else { return };
    server.run("CREATE EXTENSION IF NOT EXISTS pg_stat_statements").await;
    let (store, name) = server.store_with_name().await;
    let count = async || {
        let sql = format!(
            "SELECT coalesce(sum(calls), 0) FROM pg_stat_statements
            WHERE query LIKE '%{name}%' AND query NOT LIKE '%pg_stat_statements%'"
        );
        server.ask(sql).await.parse().unwrap()
    };
    servers::round_trips_are_as_promised::<Pg, _>(store, count).await;
    server.clean().await;
}

/// The connections have their statements prepared for the table as it was.
#[tokio::test]
async fn a_table_may_be_altered_under_way() {
    let Some(server) = server().await else { return };
    let (store, name) = server.store_with_name().await;
    let (key, there) = put(&store).await;
    assert_eq!(store.load(&key, NOW).await.unwrap().as_ref(), Some(&there));
    let to = "ALTER COLUMN session_key TYPE varchar(40) COLLATE \"C\"";
    server.run(format!("ALTER TABLE {} {to}", quoted(&name))).await;
    assert_eq!(store.load(&key, NOW).await.unwrap(), Some(there));
    server.clean().await;
}

/// No date of the server's, in no time zone.
#[tokio::test]
async fn deadlines_are_numbers_to_the_server() {
    let Some(server) = server().await else { return };
    let (store, name) = server.store_with_name().await;
    let far = Record { expires_at: session_core::Time::MAX, ..record(&store) };
    assert_eq!(store.insert(&new_key(), &far, NOW).await.unwrap(), Inserted::Done);
    let kept = server.ask(format!("SELECT expires_at FROM {}", quoted(&name))).await;
    assert_eq!(kept, "253402300799999");
    server.clean().await;
}
