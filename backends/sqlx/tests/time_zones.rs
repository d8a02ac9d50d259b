//! A database, and sessions of SQL, in a time zone far from UTC: nothing that a store writes or compares depends on it. The
//! servers of the tests are in such zones too (see `test-services`), but sqlx asks for UTC unless it is told otherwise.

#![expect(clippy::unwrap_used, reason = "a test fails where it is")]

mod common;

use std::sync::atomic::{AtomicU32, Ordering};

use common::new_key;
use session_core::store::SessionStore;
use session_core::testing::{conformance, server};
use session_core::{AnyStore, SecretKeys};
use session_sqlx::{MySqlStore, PostgresStore, TableName, django};
use sqlx::mysql::{MySqlConnectOptions, MySqlPoolOptions};
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, Executor, MySqlPool, PgPool};

fn in_djangos_format(store: impl SessionStore) -> AnyStore {
    AnyStore::new(store)
        .with_django_format(&SecretKeys::new("a secret key of fifty characters, which is for tests"))
}

/// Names of tables that no other test has, and that can be found again.
struct Names {
    start: String,
    count: AtomicU32,
}

impl Names {
    fn new() -> Self {
        Self { start: format!("t_{}", new_key()), count: AtomicU32::new(0) }
    }

    fn name(&self, number: u32) -> String {
        format!("{}_{number}", self.start)
    }

    fn next(&self) -> TableName {
        self.name(self.count.fetch_add(1, Ordering::SeqCst)).parse().unwrap()
    }

    fn drop_all(&self) -> String {
        let all: Vec<_> = (0..self.count.load(Ordering::SeqCst)).map(|number| self.name(number)).collect();
        format!("DROP TABLE {}", all.join(", "))
    }
}

/// Chatham has 45 minutes of its own, and daylight saving time.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn postgres_conforms_in_another_time_zone() {
    let Some(url) = server("postgres") else { return };
    let pool = PgPoolOptions::new().max_connections(8).after_connect(|connection, _| {
        Box::pin(async move { connection.execute("SET TIME ZONE 'Pacific/Chatham'").await.map(drop) })
    });
    let pool: PgPool = pool.connect(&url).await.unwrap();
    let zone: String = sqlx::query_scalar("SHOW timezone").fetch_one(&pool).await.unwrap();
    assert_eq!(zone, "Pacific/Chatham");
    let names = Names::new();
    conformance(async || {
        let store = PostgresStore::from_pool(pool.clone()).with_table(names.next());
        store.migrate().await.unwrap();
        store
    })
    .await;
    conformance(async || {
        let store = django::PostgresStore::from_pool(pool.clone()).with_table(names.next());
        store.migrate().await.unwrap();
        in_djangos_format(store)
    })
    .await;
    sqlx::raw_sql(AssertSqlSafe(names.drop_all())).execute(&pool).await.unwrap();
}

/// As the server has it, which is 13 hours ahead.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn mysql_conforms_in_the_servers_time_zone() {
    let Some(url) = server("mysql") else { return };
    let options = url.parse::<MySqlConnectOptions>().unwrap().timezone(None);
    let pool: MySqlPool = MySqlPoolOptions::new().max_connections(8).connect_with(options).await.unwrap();
    let now = "SELECT CAST(TIMESTAMPDIFF(HOUR, UTC_TIMESTAMP(), NOW()) AS SIGNED)";
    let ahead: i64 = sqlx::query_scalar(now).fetch_one(&pool).await.unwrap();
    assert_eq!(ahead, 13);
    let names = Names::new();
    conformance(async || {
        let store = MySqlStore::from_pool(pool.clone()).with_table(names.next());
        store.migrate().await.unwrap();
        store
    })
    .await;
    conformance(async || {
        let store = django::MySqlStore::from_pool(pool.clone()).with_table(names.next());
        store.migrate().await.unwrap();
        in_djangos_format(store)
    })
    .await;
    sqlx::raw_sql(AssertSqlSafe(names.drop_all())).execute(&pool).await.unwrap();
}
