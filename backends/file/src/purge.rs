//! Removing what nobody needs any more, a folder at a time.

use session_core::{RecordKey, Time};

use crate::dir::{Dir, of_temporary};
use crate::error::{Error, Result};
use crate::folder::{Folder, RECORDS, fan_out, is_fan_out, read_record, shard_of};
use crate::index::{self, AccountHash};
use crate::listing::key_in;
use crate::lock::{How, Kind, Lock};

/// A folder that is looked through at once. They are visited in this order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    /// Of records: what has expired goes, and what killed processes have left.
    Records(String),
    /// Of the account index: entries without a record.
    Entries(String),
}

/// A file in a folder of records.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Found {
    Record(RecordKey),
    Temporary(String),
}

impl Folder {
    /// All parts that there are, from this one on and round to it.
    pub(crate) fn parts(&self, from: Option<&Part>) -> Result<Vec<Part>> {
        let root = Dir::open(&self.path)?;
        let mut parts = Vec::new();
        if let Some(records) = root.folder(RECORDS)? {
            parts.extend(records.list(|name| is_fan_out(name).then(|| Part::Records(name.to_owned())))?);
        }
        if let Some(accounts) = root.folder(index::FOLDER)? {
            parts.extend(
                accounts.list(|name| index::is_bucket(name).then(|| Part::Entries(name.to_owned())))?,
            );
        }
        let first = from.map_or(0, |from| parts.partition_point(|part| part < from));
        parts.rotate_left(first);
        Ok(parts)
    }

    /// Cleans a part up: at most `most` records are removed, and their number is told.
    pub(crate) fn clean(&self, part: &Part, most: usize, now: Time) -> Result<usize> {
        let root = Dir::open(&self.path)?;
        match part {
            Part::Records(name) => {
                match root.folder(RECORDS)?.map(|all| all.folder(name)).transpose()?.flatten() {
                    Some(records) => self.clean_records(&root, &records, name, most, now),
                    None => Ok(0),
                }
            }
            Part::Entries(name) => {
                match root.folder(index::FOLDER)?.map(|all| all.folder(name)).transpose()?.flatten() {
                    Some(bucket) => self.clean_entries(&root, &bucket).map(|()| 0),
                    None => Ok(0),
                }
            }
        }
    }

    fn clean_records(&self, root: &Dir, records: &Dir, name: &str, most: usize, now: Time) -> Result<usize> {
        let found = records.list(|file| match of_temporary(file) {
            Some(of) => key_in(of, name).map(|_| Found::Temporary(file.to_owned())),
            None => key_in(file, name).map(Found::Record),
        })?;
        // Looked at without the lock, and from outside, so that nobody waits for this.
        let mut candidates = Vec::new();
        for file in found {
            let wanted = match &file {
                Found::Record(key) => {
                    records.deadline_hint(key.as_str())?.is_some_and(|deadline| deadline <= now)
                }
                Found::Temporary(_) => true,
            };
            candidates.extend(wanted.then_some(file));
        }
        if candidates.is_empty() {
            return Ok(0);
        }
        let _alone = Lock::take(root, Kind::Records, shard_of(name), How::Alone, self.deadline())?;
        let mut removed = 0;
        for file in candidates {
            match file {
                Found::Record(_) if removed == most => {}
                Found::Record(key) => removed += usize::from(remove_expired(root, records, &key, now)?),
                // Whoever writes one has this lock: it is nobody's.
                Found::Temporary(file) => drop(records.remove(&file)?),
            }
        }
        Ok(removed)
    }

    fn clean_entries(&self, root: &Dir, bucket: &Dir) -> Result<()> {
        let all = root.folder(RECORDS)?;
        for (key, entry) in bucket.list(|name| Some((index::key_of_entry(name)?, name.to_owned())))? {
            let has_record = || match &all {
                Some(all) => all.has(&format!("{}/{key}", fan_out(&key))),
                None => Ok(false),
            };
            if has_record()? {
                continue;
            }
            // An entry comes before its record; with the lock of both, one that has none is one too many.
            let _alone =
                Lock::take(root, Kind::Records, shard_of(fan_out(&key)), How::Alone, self.deadline())?;
            if !has_record()? {
                bucket.remove(&entry)?;
            }
        }
        Ok(())
    }
}

/// Removes a record that has expired for certain: all of it is read, so that a damaged one stays. If a power failure brings it
/// back, it is as expired as before.
fn remove_expired(root: &Dir, records: &Dir, key: &RecordKey, now: Time) -> Result<bool> {
    match read_record(records, key) {
        Ok(Some(record)) if !record.is_live(now) => {
            records.remove(key.as_str())?;
            let account = record.account.as_deref().map(AccountHash::of);
            account.map_or(Ok(()), |account| account.remove(root, key))?;
            Ok(true)
        }
        Ok(_) | Err(Error::Undecodable(_)) => Ok(false),
        Err(error) => Err(error),
    }
}
