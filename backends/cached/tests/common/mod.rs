//! What the programs share whose processes race each other.

use std::env;

use session_cached::CachedStore;
use session_core::testing::{processes, server};
use session_core::{Cache, RecordKey};
use session_sqlx::{PostgresStore, TableName};

/// Runs the races with a cache before a table. A worker is told the table and whether copies are verified; the judge makes new ones.
pub(crate) async fn race<C: Cache>(cached: impl AsyncFn(PostgresStore, &str) -> CachedStore<C>) {
    let Some(url) = server("postgres") else { return };
    let argument = |name: &str| env::args().skip_while(|argument| argument != name).nth(1);
    if let (Some(table), Some(trust)) = (argument("--table"), argument("--trust")) {
        return races(&url, &table, &trust, &cached).await;
    }
    for trust in ["a-while", "verified"] {
        let table = format!("t_{}", RecordKey::random().unwrap());
        println!("two processes, copies trusted: {trust}");
        races(&url, &table, trust, &cached).await;
        let drop = sqlx::AssertSqlSafe(format!("DROP TABLE {table}"));
        let pool = sqlx::PgPool::connect(&url).await.unwrap();
        sqlx::raw_sql(drop).execute(&pool).await.unwrap();
    }
}

async fn races<C: Cache>(
    url: &str,
    table: &str,
    trust: &str,
    cached: &impl AsyncFn(PostgresStore, &str) -> CachedStore<C>,
) {
    let connect = async || {
        let name: TableName = table.parse().unwrap();
        let store = cached(PostgresStore::connect_to_table(url, name).await.unwrap(), table).await;
        if trust == "verified" { store.with_verify() } else { store }
    };
    processes::run(connect, &["--table", table, "--trust", trust]).await;
}
