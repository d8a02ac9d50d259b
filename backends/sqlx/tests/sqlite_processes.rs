//! The races between two processes on one file.

#![expect(clippy::unwrap_used, reason = "the program fails where what it is made of fails")]

use std::env;

use session_sqlx::SqliteStore;

#[tokio::main]
async fn main() {
    // A worker is told the file; the judge makes a new one.
    let folder = tempfile::tempdir().unwrap();
    let new = folder.path().join("sessions.db").display().to_string();
    let path = env::args().skip_while(|argument| argument != "--file").nth(1).unwrap_or(new);
    let connect = async || SqliteStore::connect(&path).await.unwrap();
    session_core::testing::processes::run(connect, &["--file", &path]).await;
}
