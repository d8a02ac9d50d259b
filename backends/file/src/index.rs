//! Which sessions an account has.
//!
//! An empty file for each, whose name is the account's hash and the session's key, in one of 4,096 folders by the hash's first
//! digits. So an account's sessions are found by listing one folder, and a login creates one file, no folder.
//!
//! **A session of an account has its entry here before its record is stored**, and loses it after its record is gone. So the
//! index may hold more than there is, never less, wherever a process was killed; it is compared with the record when read.

use session_core::RecordKey;
use sha2::{Digest, Sha256};

use crate::dir::Dir;
use crate::error::Result;
use crate::store::Durability;

pub(crate) const FOLDER: &str = "accounts";

/// An account's place in the index. Its name is in no file's name: a listing of the disk names nobody.
#[derive(Clone, Debug)]
pub(crate) struct AccountHash {
    /// Half a SHA-256, in hexadecimal digits. Two accounts that had the same would only be looked through together.
    digits: String,
    shard: u8,
}

const DIGITS: usize = 32;
const BUCKET: usize = 3;

impl AccountHash {
    pub(crate) fn of(account: &str) -> Self {
        use std::fmt::Write as _;

        let hash = Sha256::digest(account);
        let mut digits = String::with_capacity(DIGITS);
        for byte in &hash[..DIGITS / 2] {
            // Writing to a string cannot fail.
            let _ = write!(digits, "{byte:02x}");
        }
        Self { digits, shard: hash[0] }
    }

    /// Which lock is its.
    pub(crate) fn shard(&self) -> usize {
        usize::from(self.shard)
    }

    /// Notes that this session is the account's, and says whether that was new.
    pub(crate) fn add(&self, root: &Dir, key: &RecordKey, durability: Durability) -> Result<bool> {
        let bucket = root.ensure_folder(FOLDER, durability)?.ensure_folder(self.bucket(), durability)?;
        bucket.create_empty(&self.entry(key), durability)
    }

    /// Takes an entry out. Where that does not last, it is one too many, which is allowed.
    pub(crate) fn remove(&self, root: &Dir, key: &RecordKey) -> Result<()> {
        if let Some(accounts) = root.folder(FOLDER)?
            && let Some(bucket) = accounts.folder(self.bucket())?
        {
            bucket.remove(&self.entry(key))?;
        }
        Ok(())
    }

    /// The keys of all sessions that the account may have, in order.
    pub(crate) fn keys(&self, root: &Dir) -> Result<Vec<RecordKey>> {
        let Some(accounts) = root.folder(FOLDER)? else { return Ok(Vec::new()) };
        let Some(bucket) = accounts.folder(self.bucket())? else { return Ok(Vec::new()) };
        bucket.list(|name| key_of(name.strip_prefix(&*self.digits)?))
    }

    fn bucket(&self) -> &str {
        &self.digits[..BUCKET]
    }

    fn entry(&self, key: &RecordKey) -> String {
        format!("{}-{key}", self.digits)
    }
}

/// Whether this is the name of a folder of entries.
pub(crate) fn is_bucket(name: &str) -> bool {
    name.len() == BUCKET && is_hash(name)
}

/// The key that an entry is of.
pub(crate) fn key_of_entry(name: &str) -> Option<RecordKey> {
    let (hash, rest) = name.split_at_checked(DIGITS)?;
    if is_hash(hash) { key_of(rest) } else { None }
}

fn key_of(rest: &str) -> Option<RecordKey> {
    rest.strip_prefix('-')?.parse().ok()
}

fn is_hash(text: &str) -> bool {
    text.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'))
}
