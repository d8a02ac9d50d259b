//! One lock's worth of sessions.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};

use session_core::store::{Inserted, Replaced, StoreError, StoreErrorKind};
use session_core::{Record, RecordKey, SecretHash, Time, Version};

/// The records whose keys fall here, and which of them belong to whom.
#[derive(Debug, Default)]
pub(crate) struct Shard {
    records: HashMap<RecordKey, Record>,
    accounts: HashMap<String, BTreeSet<RecordKey>>,
    /// With how many records the shard is looked through for expired ones.
    clean_up_at: usize,
}

/// How many records are looked at to find one that may go when there is no room.
const SAMPLE: usize = 16;

impl Shard {
    pub(crate) fn insert(
        &mut self,
        key: &RecordKey,
        record: &Record,
        limit: Option<usize>,
        now: Time,
    ) -> Result<Inserted, StoreError> {
        if self.live(key, now).is_some() {
            return Ok(Inserted::Taken);
        }
        self.drop_record(key);
        self.clean_up(now);
        if limit.is_some_and(|limit| self.records.len() >= limit) {
            self.make_room(now)?;
        }
        self.put(*key, record.clone());
        Ok(Inserted::Done)
    }

    pub(crate) fn live(&self, key: &RecordKey, now: Time) -> Option<&Record> {
        self.records.get(key).filter(|record| record.is_live(now))
    }

    pub(crate) fn replace(&mut self, key: &RecordKey, record: &Record, was: Version, now: Time) -> Replaced {
        match self.live(key, now) {
            None => Replaced::Gone,
            Some(there) if there.version != was => Replaced::Conflict(Box::new(there.clone())),
            Some(_) => {
                self.put(*key, record.clone());
                Replaced::Done
            }
        }
    }

    pub(crate) fn touch(&mut self, key: &RecordKey, until: Time, was: Version, now: Time) -> bool {
        match self.records.get_mut(key) {
            Some(record) if record.is_live(now) && record.version == was => {
                record.expires_at = until;
                record.last_active = now;
                true
            }
            _ => false,
        }
    }

    /// Removes a live record, if its secret has this hash where one is given.
    pub(crate) fn remove(&mut self, key: &RecordKey, secret: Option<&SecretHash>, now: Time) -> u64 {
        match self.live(key, now) {
            Some(record) if secret.is_none() || record.secret.as_ref() == secret => {
                self.drop_record(key);
                1
            }
            _ => 0,
        }
    }

    pub(crate) fn keys_of(&self, account: &str) -> impl Iterator<Item = &RecordKey> {
        self.accounts.get(account).into_iter().flatten()
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &RecordKey> {
        self.records.keys()
    }

    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }

    /// Removes at most `most` expired records.
    pub(crate) fn purge(&mut self, now: Time, most: usize) -> usize {
        let expired: Vec<_> =
            self.records.iter().filter(|(_, r)| !r.is_live(now)).map(|(key, _)| *key).take(most).collect();
        expired.iter().for_each(|key| self.drop_record(key));
        expired.len()
    }

    fn put(&mut self, key: RecordKey, record: Record) {
        let account = record.account.clone();
        let old = self.records.insert(key, record).and_then(|old| old.account);
        if old == account {
            return;
        }
        if let Some(old) = old {
            self.forget(&old, &key);
        }
        if let Some(account) = account {
            self.accounts.entry(account).or_default().insert(key);
        }
    }

    fn drop_record(&mut self, key: &RecordKey) {
        if let Some(account) = self.records.remove(key).and_then(|record| record.account) {
            self.forget(&account, key);
        }
    }

    fn forget(&mut self, account: &str, key: &RecordKey) {
        if let Entry::Occupied(mut keys) = self.accounts.entry(account.to_owned()) {
            keys.get_mut().remove(key);
            if keys.get().is_empty() {
                keys.remove();
            }
        }
    }

    /// Looks through the shard when it has doubled since it last did: so an insert costs the same on average, however many there
    /// are, and at most half of what is kept has expired.
    fn clean_up(&mut self, now: Time) {
        if self.records.len() >= self.clean_up_at {
            self.purge(now, usize::MAX);
            self.clean_up_at = 2 * self.records.len() + SAMPLE;
        }
    }

    /// Drops an anonymous session to make room for a new one: of a few, the one that would end first. A session that somebody is
    /// signed in to is never dropped for a stranger's.
    fn make_room(&mut self, now: Time) -> Result<(), StoreError> {
        if self.purge(now, usize::MAX) > 0 {
            return Ok(());
        }
        let anonymous = self.records.iter().filter(|(_, record)| record.account.is_none());
        let first = anonymous.take(SAMPLE).min_by_key(|(_, record)| record.expires_at).map(|(key, _)| *key);
        match first {
            Some(key) => {
                self.drop_record(&key);
                Ok(())
            }
            None => Err(StoreError::new(
                StoreErrorKind::Full,
                "the memory store is full of signed-in sessions: raise its limit, or use a store on disk",
            )),
        }
    }
}
