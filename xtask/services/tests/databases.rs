//! `PostgreSQL` and `MariaDB` start, let their user in, keep over `kill -9` what they acknowledged, and stop.

use std::net::TcpStream;

use sqlx::{Connection as _, MySqlConnection, PgConnection};
use test_services::{MariaDb, Postgres, is_without};

#[tokio::test]
async fn postgres_keeps_what_it_acknowledged() {
    if is_without("postgres-program") {
        return;
    }
    let mut server = Postgres::start().expect("PostgreSQL");
    let url = server.url();
    let mut connection = PgConnection::connect(&url).await.expect("its user is let in");
    for statement in ["CREATE TABLE t (n integer)", "INSERT INTO t VALUES (7)"] {
        sqlx::raw_sql(statement).execute(&mut connection).await.expect(statement);
    }
    // The extension is there where the library is; otherwise there is no such table.
    let counted = "SELECT count(*) FROM pg_stat_statements WHERE query LIKE 'INSERT INTO t %'";
    let library = "SELECT count(*) FROM pg_available_extensions WHERE name = 'pg_stat_statements'";
    let there: i64 = sqlx::query_scalar(library).fetch_one(&mut connection).await.expect("a count");
    let counted = sqlx::query_scalar::<_, i64>(counted).fetch_one(&mut connection).await;
    assert_eq!(counted.ok(), (there == 1).then_some(1));

    // sqlx asks for UTC, so what the server has by itself is seen where it was told.
    #[cfg(target_os = "linux")]
    {
        let told = std::fs::read(format!("/proc/{}/cmdline", server.processes()[0])).expect("it runs");
        assert!(String::from_utf8_lossy(&told).contains("timezone=Pacific/Kiritimati"));
    }

    server.kill();
    assert_eq!(server.processes(), []);
    assert!(PgConnection::connect(&url).await.is_err(), "a killed server answers nobody");
    server.restart().expect("PostgreSQL again");
    assert_eq!(server.url(), url);
    let mut connection = PgConnection::connect(&url).await.expect("its user is let in again");
    let n: i32 = sqlx::query_scalar("SELECT n FROM t").fetch_one(&mut connection).await.expect("a row");
    assert_eq!(n, 7);

    drop(server);
    assert!(is_refused(&url));
}

#[tokio::test]
async fn postgres_wants_the_password() {
    if is_without("postgres-program") {
        return;
    }
    let server = Postgres::start().expect("PostgreSQL");
    let wrong = server.url().replace("test:test@", "test:wrong@");
    assert!(PgConnection::connect(&wrong).await.is_err());
}

#[tokio::test]
async fn mysql_keeps_what_it_acknowledged() {
    if is_without("mysql-program") {
        return;
    }
    let mut server = MariaDb::start().expect("MariaDB");
    let url = server.url();
    let mut connection = MySqlConnection::connect(&url).await.expect("its user is let in");
    for statement in ["CREATE TABLE t (n integer)", "INSERT INTO t VALUES (7)"] {
        sqlx::raw_sql(statement).execute(&mut connection).await.expect(statement);
    }
    let settings = "SELECT CONCAT(@@global.time_zone, ' ', @@global.log_output)";
    let settings: String = sqlx::query_scalar(settings).fetch_one(&mut connection).await.expect("settings");
    assert_eq!(settings, "+13:00 TABLE");

    server.kill();
    assert_eq!(server.processes(), []);
    assert!(MySqlConnection::connect(&url).await.is_err(), "a killed server answers nobody");
    server.restart().expect("MariaDB again");
    assert_eq!(server.url(), url);
    let mut connection = MySqlConnection::connect(&url).await.expect("its user is let in again");
    let n: i32 = sqlx::query_scalar("SELECT n FROM t").fetch_one(&mut connection).await.expect("a row");
    assert_eq!(n, 7);

    let wrong = url.replace("test:test@", "test:wrong@");
    assert!(MySqlConnection::connect(&wrong).await.is_err(), "it wants the password");
    drop(server);
    assert!(is_refused(&url));
}

/// Whether nobody listens at a URL's address.
fn is_refused(url: &str) -> bool {
    let address = url.split('@').nth(1).and_then(|rest| rest.split('/').next()).expect("an address");
    TcpStream::connect(address).is_err()
}
