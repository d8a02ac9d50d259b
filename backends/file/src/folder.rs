//! The verbs, as they are done in the folder: they block, and run where that is allowed.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use session_core::store::{Inserted, Replaced};
use session_core::{Head, Record, RecordKey, SecretHash, Time, Version};

use crate::dir::Dir;
use crate::error::{Error, Result};
use crate::index::AccountHash;
use crate::layout;
use crate::lock::{How, Kind, Lock, SHARDS};
use crate::store::Durability;

pub(crate) const RECORDS: &str = "records";

/// How many of a key's characters are the name of the folder that it lies in: 1,296 folders, so that a million sessions are 772
/// in each.
pub(crate) const FAN_OUT: usize = 2;

/// A store's folder and settings.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    pub(crate) path: PathBuf,
    pub(crate) durability: Durability,
    pub(crate) patience: Duration,
}

impl Folder {
    pub(crate) fn insert(&self, key: &RecordKey, record: &Record, now: Time) -> Result<Inserted> {
        let account = record.account.as_deref().map(AccountHash::of);
        let held = self.hold(key, account.as_ref())?;
        let records = held.records_made()?;
        let old = match read_record(&records, key) {
            Ok(Some(there)) if there.is_live(now) => return Ok(Inserted::Taken),
            Ok(there) => there,
            // Something is there, and nobody can say that it has expired.
            Err(Error::Undecodable(_)) => return Ok(Inserted::Taken),
            Err(error) => return Err(error),
        };
        held.put(&records, record, account.as_ref(), old.and_then(|old| old.account))?;
        Ok(Inserted::Done)
    }

    /// Takes no lock: a file is replaced as a whole, so what is read is what one write left.
    pub(crate) fn load(&self, key: &RecordKey, now: Time) -> Result<Option<Record>> {
        let root = Dir::open(&self.path)?;
        let Some(records) = records_of(&root, key)? else { return Ok(None) };
        live(&records, key, now)
    }

    /// As `load`, but only the beginning of the file is read, and its checksum is not compared: whoever asks has a copy of the rest.
    pub(crate) fn head(&self, key: &RecordKey, now: Time) -> Result<Option<Head>> {
        let root = Dir::open(&self.path)?;
        let Some(records) = records_of(&root, key)? else { return Ok(None) };
        let Some(beginning) = records.read_first::<{ layout::HEAD }>(key.as_str())? else { return Ok(None) };
        match beginning.as_ref().and_then(|bytes| layout::head(bytes)) {
            Some(head) => Ok(Some(head).filter(|head| head.expires_at > now)),
            // It says itself what is wrong with it.
            None => Ok(live(&records, key, now)?.map(|record| record.head())),
        }
    }

    pub(crate) fn replace(&self, key: &RecordKey, record: &Record, was: &Was, now: Time) -> Result<Replaced> {
        // Where the version is still `was`, its account is the one that is stored: a touch does not change it.
        let hash = record.account.as_deref().map(AccountHash::of);
        let held = self.hold(key, hash.as_ref().filter(|_| record.account != was.account))?;
        let Some(records) = held.records()? else { return Ok(Replaced::Gone) };
        match live(&records, key, now)? {
            None => Ok(Replaced::Gone),
            Some(there) if there.version != was.version => Ok(Replaced::Conflict(Box::new(there))),
            Some(there) => {
                let to = hash.as_ref().filter(|_| record.account != there.account);
                held.put(&records, record, to, there.account)?;
                Ok(Replaced::Done)
            }
        }
    }

    pub(crate) fn touch(&self, key: &RecordKey, until: Time, was: Version, now: Time) -> Result<bool> {
        let held = self.hold(key, None)?;
        let Some(records) = held.records()? else { return Ok(false) };
        match live(&records, key, now)? {
            Some(there) if there.version == was => {
                let touched = Record { expires_at: until, last_active: now, ..there };
                held.put(&records, &touched, None, None)?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Removes a live record, if its secret has this hash where one is given.
    pub(crate) fn remove(&self, key: &RecordKey, secret: Option<&SecretHash>, now: Time) -> Result<u64> {
        let held = self.hold(key, None)?;
        let Some(records) = held.records()? else { return Ok(0) };
        match live(&records, key, now)? {
            Some(there) if secret.is_none() || there.secret.as_ref() == secret => {
                held.remove(&records, there.account.as_deref())?;
                Ok(1)
            }
            _ => Ok(0),
        }
    }

    /// Removes an account's live records, while nobody can sign in to it. One that cannot be read may be somebody's who has a
    /// later version of this library: the others go first, then that is an error.
    pub(crate) fn remove_account(&self, account: &str, except: Option<&RecordKey>, now: Time) -> Result<u64> {
        let (root, hash) = (Dir::open(&self.path)?, AccountHash::of(account));
        let _alone = Lock::take(&root, Kind::Accounts, hash.shard(), How::Alone, self.deadline())?;
        let (mut removed, mut unreadable) = (0, None);
        for key in hash.keys(&root)?.iter().filter(|key| Some(*key) != except) {
            let held = self.hold(key, None)?;
            let found = held.records()?.map(|records| Ok((read_record(&records, key)?, records))).transpose();
            match found {
                Ok(Some((Some(record), records))) if record.account.as_deref() == Some(account) => {
                    if record.is_live(now) {
                        held.remove(&records, Some(account))?;
                        removed += 1;
                    }
                }
                // The entry is one too many. With this key's lock nobody is about to make it true.
                Ok(_) => hash.remove(&root, key)?,
                Err(Error::Undecodable(damaged)) => unreadable = Some(damaged),
                Err(error) => return Err(error),
            }
        }
        unreadable.map_or(Ok(removed), |damaged| Err(damaged.into()))
    }

    /// Whether the folder is there, and ours.
    pub(crate) fn ping(&self) -> Result<()> {
        Dir::open(&self.path).map(drop)
    }

    /// Locks a key, and before it the account that is to get it.
    pub(crate) fn hold(&self, key: &RecordKey, account: Option<&AccountHash>) -> Result<Held<'_>> {
        let (root, deadline) = (Dir::open(&self.path)?, self.deadline());
        let shared =
            account.map(|account| Lock::take(&root, Kind::Accounts, account.shard(), How::Shared, deadline));
        let account = shared.transpose()?;
        let record = Lock::take(&root, Kind::Records, shard_of(fan_out(key)), How::Alone, deadline)?;
        Ok(Held { folder: self, root, key: *key, _locks: (account, record) })
    }

    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + self.patience
    }
}

/// What a compare-and-set needs of the record that it replaces.
#[derive(Clone, Debug)]
pub(crate) struct Was {
    pub(crate) version: Version,
    pub(crate) account: Option<String>,
}

/// A key that only this one may write.
#[derive(Debug)]
pub(crate) struct Held<'a> {
    folder: &'a Folder,
    pub(crate) root: Dir,
    key: RecordKey,
    _locks: (Option<Lock>, Lock),
}

impl Held<'_> {
    /// The folder of the record, if there is one.
    pub(crate) fn records(&self) -> Result<Option<Dir>> {
        records_of(&self.root, &self.key)
    }

    fn records_made(&self) -> Result<Dir> {
        let durability = self.folder.durability;
        self.root.ensure_folder(RECORDS, durability)?.ensure_folder(fan_out(&self.key), durability)
    }

    /// Stores a record: its entry in the index first, the entry of the account that it was of last.
    fn put(
        &self,
        records: &Dir,
        record: &Record,
        to: Option<&AccountHash>,
        from: Option<String>,
    ) -> Result<()> {
        let durability = self.folder.durability;
        let file = layout::encode(&self.key, record).ok_or(Error::TooLarge)?;
        let added = to.map_or(Ok(false), |account| account.add(&self.root, &self.key, durability))?;
        let written = records.write(self.key.as_str(), &file, record.expires_at, durability);
        if let (Some(account), true, Err(Error::Full(_) | Error::Denied(_))) = (to, added, &written) {
            // The record was not written, so this is one too many; where it stays it does no harm.
            let _ = account.remove(&self.root, &self.key);
        }
        written?;
        match from.filter(|from| record.account.as_ref() != Some(from)) {
            Some(from) => AccountHash::of(&from).remove(&self.root, &self.key).map_err(Error::after_the_fact),
            None => Ok(()),
        }
    }

    /// Removes the record, then its entry in the index.
    pub(crate) fn remove(&self, records: &Dir, account: Option<&str>) -> Result<()> {
        records.remove(self.key.as_str())?;
        records.sync(self.folder.durability).map_err(Error::after_the_fact)?;
        match account {
            Some(account) => {
                AccountHash::of(account).remove(&self.root, &self.key).map_err(Error::after_the_fact)
            }
            None => Ok(()),
        }
    }
}

/// The name of the folder that a key lies in.
pub(crate) fn fan_out(key: &RecordKey) -> &str {
    // A key has at least eight characters, of one byte each.
    &key.as_str()[..FAN_OUT]
}

/// Whether this is the name of a folder of records.
pub(crate) fn is_fan_out(name: &str) -> bool {
    name.len() == FAN_OUT && name.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
}

/// Which lock is a folder's. Keys are random text, so their first characters spread them as well as a hash would.
pub(crate) fn shard_of(fan_out: &str) -> usize {
    fan_out.bytes().fold(0, |sum, c| sum * 37 + usize::from(c)) % SHARDS
}

pub(crate) fn records_of(root: &Dir, key: &RecordKey) -> Result<Option<Dir>> {
    let Some(all) = root.folder(RECORDS)? else { return Ok(None) };
    all.folder(fan_out(key))
}

pub(crate) fn read_record(records: &Dir, key: &RecordKey) -> Result<Option<Record>> {
    let Some(file) = records.read(key.as_str())? else { return Ok(None) };
    Ok(Some(layout::decode(key, file)?))
}

/// The live record of a key.
pub(crate) fn live(records: &Dir, key: &RecordKey, now: Time) -> Result<Option<Record>> {
    Ok(read_record(records, key)?.filter(|record| record.is_live(now)))
}
