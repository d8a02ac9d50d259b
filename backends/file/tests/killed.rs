//! Processes that are killed while they write to one folder, in each [`Durability`]: nothing that was acknowledged is lost,
//! nothing is torn, and nothing stays behind.

#![expect(clippy::unwrap_used, reason = "the program fails where what it is made of fails")]

use std::env;
use std::fs;
use std::path::Path;

use session_file::{Durability, FileStore};

#[tokio::main]
async fn main() {
    // A writer is told the folder, whose name says how it is written to; the judge makes new ones.
    if let Some(path) = env::args().skip_while(|argument| argument != "--folder").nth(1) {
        return run(&path).await;
    }
    let folder = tempfile::tempdir().unwrap();
    for name in ["full", "fast"] {
        let path = folder.path().join(name);
        run(path.to_str().unwrap()).await;
        // All sessions have been purged by now.
        for inner in ["records", "accounts"] {
            assert_eq!(files(&path.join(inner)), 0, "half of a record, or an entry without one, in {inner}");
        }
    }
}

async fn run(path: &str) {
    let durability = if path.ends_with("fast") { Durability::Fast } else { Durability::Full };
    let make = async || FileStore::open(path).unwrap().with_durability(durability);
    session_core::testing::kill::run(make, &["--folder", path]).await;
}

/// How many files there are in the folders of a folder.
fn files(folder: &Path) -> usize {
    let inner = fs::read_dir(folder).unwrap().map(|inner| inner.unwrap().path());
    inner.map(|inner| fs::read_dir(inner).unwrap().count()).sum()
}
