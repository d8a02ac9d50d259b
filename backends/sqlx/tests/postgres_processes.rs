//! The races between two processes on one table.

#![expect(clippy::unwrap_used, reason = "the program fails where what it is made of fails")]

use std::env;

use session_core::RecordKey;
use session_core::testing::{processes, server};
use session_sqlx::{PostgresStore, TableName};

#[tokio::main]
async fn main() {
    let Some(url) = server("postgres") else { return };
    // A worker is told the table; the judge makes a new one.
    let new = format!("t_{}", RecordKey::random().unwrap());
    let told = env::args().skip_while(|argument| argument != "--table").nth(1);
    let name: TableName = told.clone().unwrap_or(new).parse().unwrap();
    let connect = async || PostgresStore::connect_to_table(&url, name.clone()).await.unwrap();
    processes::run(connect, &["--table", name.as_str()]).await;
    if told.is_none() {
        let drop = sqlx::AssertSqlSafe(format!("DROP TABLE {name}"));
        let pool = sqlx::Pool::<sqlx::Postgres>::connect(&url).await.unwrap();
        sqlx::raw_sql(drop).execute(&pool).await.unwrap();
    }
}
