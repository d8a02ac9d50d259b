//! Django's session files, with the writers in two processes.

#![expect(clippy::unwrap_used, reason = "the program fails where what it is made of fails")]

use session_core::testing::django::SECRET_KEY;
use session_core::testing::processes;
use session_core::{AnyStore, SecretKeys, Settings};
use session_file::django::FileStore;

#[tokio::main]
async fn main() {
    let given = std::env::args().skip_while(|argument| argument != "--folder").nth(1);
    let parent = tempfile::tempdir().unwrap();
    let folder = given.unwrap_or_else(|| parent.path().join("sessions").display().to_string());
    let connect = async || {
        let keys = SecretKeys::new(SECRET_KEY);
        let store = FileStore::open(&folder, &keys, &Settings::default()).unwrap();
        AnyStore::new(store).with_django_format(&keys)
    };
    processes::run(connect, &["--folder", &folder]).await;
}
