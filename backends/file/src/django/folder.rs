//! The verbs, as they are done in the folder: they block, and run where that is allowed.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use session_core::django::FileExpiry;
use session_core::store::{Inserted, Page, Replaced};
use session_core::{Record, RecordKey, Time};

use crate::dir::Dir;
use crate::error::{Error, Result};
use crate::folder::{fan_out, shard_of};
use crate::listing::Collected;
use crate::lock::{How, Kind, Lock};
use crate::store::Durability;

/// A project's folder and settings.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    pub(super) path: PathBuf,
    /// What the names of its files begin with: the cookie's name.
    pub(super) prefix: String,
    pub(super) expiry: FileExpiry,
    pub(super) durability: Durability,
    pub(super) patience: Duration,
}

impl Folder {
    pub(super) fn insert(&self, key: &RecordKey, record: &Record, now: Time) -> Result<Inserted> {
        let (root, _alone) = self.hold(key)?;
        match self.read(&root, key) {
            Ok(Some(there)) if there.is_live(now) => return Ok(Inserted::Taken),
            // Something is there, and nobody can say that it has expired.
            Err(error) if error.is_about_a_record() => return Ok(Inserted::Taken),
            other => other?,
        };
        self.write(&root, key, record)?;
        Ok(Inserted::Done)
    }

    /// Takes no lock: a file is replaced as a whole, so what is read is what one write left.
    pub(super) fn load(&self, key: &RecordKey, now: Time) -> Result<Option<Record>> {
        self.live(&Dir::open(&self.path)?, key, now)
    }

    pub(super) fn replace(
        &self,
        key: &RecordKey,
        to: &RecordKey,
        record: &Record,
        was: &[u8],
        now: Time,
    ) -> Result<Replaced> {
        // A key that a session moves to was drawn a moment ago: nobody else knows it.
        let (root, _alone) = self.hold(key)?;
        match self.live(&root, key, now)? {
            None => Ok(Replaced::Gone),
            Some(there) if there.data != was => Ok(Replaced::Conflict(Box::new(there))),
            Some(_) => {
                self.write(&root, to, record)?;
                if key != to {
                    root.remove(&self.name(key)).map_err(Error::after_the_fact)?;
                    root.sync(self.durability).map_err(Error::after_the_fact)?;
                }
                Ok(Replaced::Done)
            }
        }
    }

    pub(super) fn touch(&self, key: &RecordKey, until: Time, was: &[u8], now: Time) -> Result<bool> {
        let (root, _alone) = self.hold(key)?;
        match self.live(&root, key, now)? {
            Some(there) if there.data == was => {
                self.write(&root, key, &Record { expires_at: until, ..there })?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    pub(super) fn remove(&self, key: &RecordKey, now: Time) -> Result<u64> {
        let (root, _alone) = self.hold(key)?;
        if self.live(&root, key, now)?.is_none() {
            return Ok(0);
        }
        root.remove(&self.name(key))?;
        root.sync(self.durability).map_err(Error::after_the_fact)?;
        Ok(1)
    }

    pub(super) fn page(&self, after: &str, limit: usize, now: Time) -> Result<Page> {
        let root = Dir::open(&self.path)?;
        let mut page = Collected::new(limit);
        for key in self.keys(&root)?.into_iter().filter(|key| key.as_str() > after) {
            if page.add(key, self.live(&root, &key, now))? {
                break;
            }
        }
        Ok(page.done())
    }

    /// Removes what has expired, at most `most`, beginning behind a key; and says behind which one to go on.
    pub(super) fn clean(
        &self,
        after: Option<RecordKey>,
        most: usize,
        now: Time,
    ) -> Result<(usize, Option<RecordKey>)> {
        let root = Dir::open(&self.path)?;
        let mut keys = self.keys(&root)?;
        let first = after.map_or(0, |after| keys.partition_point(|key| *key <= after));
        keys.rotate_left(first);
        let mut removed = 0;
        for key in keys {
            // Looked at without the lock, so that nobody waits for this.
            if !self.has_expired(&root, &key, now)? {
                continue;
            }
            let (root, _alone) = self.hold(&key)?;
            if self.has_expired(&root, &key, now)? && root.remove(&self.name(&key))? {
                removed += 1;
            }
            if removed == most {
                return Ok((removed, Some(key)));
            }
        }
        Ok((removed, None))
    }

    /// Whether the folder is there, and ours.
    pub(super) fn ping(&self) -> Result<()> {
        Dir::open(&self.path).map(drop)
    }

    /// A key that no other writer of ours may write.
    fn hold(&self, key: &RecordKey) -> Result<(Dir, Lock)> {
        let (root, deadline) = (Dir::open(&self.path)?, Instant::now() + self.patience);
        let alone = Lock::take(&root, Kind::Records, shard_of(fan_out(key)), How::Alone, deadline)?;
        Ok((root, alone))
    }

    fn live(&self, root: &Dir, key: &RecordKey, now: Time) -> Result<Option<Record>> {
        Ok(self.read(root, key)?.filter(|record| record.is_live(now)))
    }

    /// What cannot be read is nobody's to remove.
    fn has_expired(&self, root: &Dir, key: &RecordKey, now: Time) -> Result<bool> {
        match self.read(root, key) {
            Ok(there) => Ok(there.is_some_and(|record| !record.is_live(now))),
            Err(error) if error.is_about_a_record() => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn read(&self, root: &Dir, key: &RecordKey) -> Result<Option<Record>> {
        let Some((text, modified)) = root.read_dated(&self.name(key))? else { return Ok(None) };
        self.expiry.record(text, modified).map(Some).map_err(Error::Foreign)
    }

    fn write(&self, root: &Dir, key: &RecordKey, record: &Record) -> Result<()> {
        let modified = self.expiry.modified(record).map_err(Error::Foreign)?;
        root.write(&self.name(key), &record.data, modified, self.durability)
    }

    /// The keys of the files, in order.
    fn keys(&self, root: &Dir) -> Result<Vec<RecordKey>> {
        root.list(|name| name.strip_prefix(&self.prefix)?.parse().ok())
    }

    fn name(&self, key: &RecordKey) -> String {
        format!("{}{key}", self.prefix)
    }
}
