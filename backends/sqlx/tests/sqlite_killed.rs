//! Processes that are killed while they write to one file: nothing that was acknowledged is lost, nothing is torn, and no lock is
//! left behind.

#![expect(clippy::unwrap_used, reason = "the program fails where what it is made of fails")]

use std::env;

use session_sqlx::SqliteStore;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Row};

#[tokio::main]
async fn main() {
    // A writer is told the file; the judge makes a new one.
    let folder = tempfile::tempdir().unwrap();
    let new = folder.path().join("sessions.db").display().to_string();
    let told = env::args().skip_while(|argument| argument != "--file").nth(1);
    let path = told.as_ref().unwrap_or(&new);
    let connect = async || SqliteStore::connect(path).await.unwrap();
    session_core::testing::kill::run(connect, &["--file", path]).await;
    if told.is_none() {
        is_sound(path).await;
    }
}

/// SQLite's own look at every page and every index: also what no verb reads is whole.
async fn is_sound(path: &str) {
    let mut database = SqliteConnectOptions::new().filename(path).connect().await.unwrap();
    let says = sqlx::query("PRAGMA integrity_check").fetch_all(&mut database).await.unwrap();
    let says: Vec<String> = says.iter().map(|row| row.get(0)).collect();
    assert_eq!(says, ["ok"]);
}
