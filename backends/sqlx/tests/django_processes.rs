//! Django's table in an SQLite file, with the writers in two processes.

#![expect(clippy::unwrap_used, reason = "the program fails where what it is made of fails")]

use session_core::testing::django::SECRET_KEY;
use session_core::testing::processes;
use session_core::{AnyStore, SecretKeys};
use session_sqlx::django::SqliteStore;

#[tokio::main]
async fn main() {
    let given = std::env::args().skip_while(|argument| argument != "--file").nth(1);
    let folder = tempfile::tempdir().unwrap();
    let file = given.unwrap_or_else(|| folder.path().join("db.sqlite3").display().to_string());
    let connect = async || {
        let store = SqliteStore::connect(&file).await.unwrap();
        AnyStore::new(store).with_django_format(&SecretKeys::new(SECRET_KEY))
    };
    processes::run(connect, &["--file", &file]).await;
}
