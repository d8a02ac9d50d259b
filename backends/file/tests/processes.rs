//! The races between two processes on one folder.

#![expect(clippy::unwrap_used, reason = "the program fails where what it is made of fails")]

use std::env;

use session_file::FileStore;

#[tokio::main]
async fn main() {
    // A worker is told the folder; the judge makes a new one.
    let folder = tempfile::tempdir().unwrap();
    let new = folder.path().join("sessions").display().to_string();
    let path = env::args().skip_while(|argument| argument != "--folder").nth(1).unwrap_or(new);
    let connect = async || FileStore::open(&path).unwrap();
    session_core::testing::processes::run(connect, &["--folder", &path]).await;
}
