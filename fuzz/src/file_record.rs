//! A file of session-file. After `0` it is the input; after `1` it has a good checksum too, so that lengths that lie are believed.

use std::fs;
use std::path::PathBuf;

use session_backends::file::{Durability, FileStore};
use session_core::store::SessionStore as _;
use session_core::testing::store::sample;
use session_core::{AnyStore, Record};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use crate::visits::{NOW, settings, token, use_record, wait};

/// A folder, in which one file is written again and again.
struct Folder {
    folder: TempDir,
    store: FileStore,
}

impl Folder {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = FileStore::open(folder.path().join("s")).expect("it is ours");
        let made = Self { folder, store: store.with_durability(Durability::Fast) };
        wait(async {
            // Which makes all folders.
            let _ = made.store.insert(token().key(), &made.record(), NOW).await.expect("there is room");
        });
        made
    }

    fn record(&self) -> Record {
        sample(&AnyStore::new(self.store.clone()), NOW)
    }

    fn file(&self) -> PathBuf {
        let token = token();
        let key = token.key().as_str();
        self.folder.path().join("s/records").join(&key[..2]).join(key)
    }
}

pub(crate) fn run(input: &[u8]) {
    thread_local! {
        static FOLDER: Folder = Folder::new();
    }
    let Some((how, rest)) = input.split_first() else { return };
    let file = if how % 2 == 0 { rest.to_vec() } else { [rest, &checksum(rest)].concat() };
    let record = FOLDER.with(|folder| {
        fs::write(folder.file(), &file).expect("there is room");
        wait(async {
            let token = token();
            folder.store.head(token.key(), NOW).await.ok();
            folder.store.load(token.key(), NOW).await.ok().flatten()
        })
    });
    if let Some(record) = record {
        assert!(record.data.len() < file.len() && record.expires_at > NOW);
        wait(use_record(record, settings()));
    }
}

fn checksum(file: &[u8]) -> [u8; 16] {
    let token = token();
    let key = token.key().as_bytes();
    let length = u8::try_from(key.len()).expect("40 at most");
    let hash = Sha256::new().chain_update([length]).chain_update(key).chain_update(file).finalize();
    *hash.first_chunk().expect("it has 32 bytes")
}

pub(crate) fn hostile() -> Vec<Vec<u8>> {
    let folder = Folder::new();
    let good = fs::read(folder.file()).expect("it was just made");
    let content = &good[..good.len() - 16];
    let lie = |at: usize| {
        let mut content = [b"1", content].concat();
        content[at..at + 4].fill(0xFF);
        content
    };
    vec![[b"0", &good[..]].concat(), [b"1", content].concat(), lie(3), lie(7), lie(11), vec![1; 1 << 20]]
}
