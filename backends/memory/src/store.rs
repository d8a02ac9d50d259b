//! The store: shards by key, each under a lock that is held for one step.

use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::{Mutex, MutexGuard, PoisonError};

use session_core::store::{
    Capabilities, Cursor, Filter, Inserted, Page, Replaced, Select, SessionStore, StoreResult,
};
use session_core::{Head, Record, RecordKey, Time};

use crate::shard::Shard;

/// Enough that two requests rarely want the same lock, few enough that an account's sessions are found by asking each.
const SHARDS: usize = 64;

/// Sessions in memory.
#[derive(Debug)]
pub struct MemoryStore {
    shards: Box<[Mutex<Shard>]>,
    /// Per shard.
    limit: Option<usize>,
}

impl MemoryStore {
    /// An empty store without a bound.
    pub fn new() -> Self {
        Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect(), limit: None }
    }

    /// Bounds how many sessions it holds, within a few per cent. When it is full a new session takes the place of an anonymous one that would have
    /// ended soon; where all are signed in, it is refused with [`Full`](session_core::store::StoreErrorKind::Full).
    #[must_use = "this returns the bounded store"]
    pub fn with_capacity_limit(mut self, sessions: NonZeroUsize) -> Self {
        // Fewer sessions than shards: one lock for all, so that the bound is exact.
        let shards = if sessions.get() < 16 * SHARDS { 1 } else { SHARDS };
        self.shards = (0..shards).map(|_| Mutex::default()).collect();
        self.limit = Some(sessions.get() / shards);
        self
    }

    /// How many sessions it holds, with those that have expired and are not cleaned up yet.
    pub fn len(&self) -> usize {
        self.all().map(|shard| shard.len()).sum()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn shard(&self, key: &RecordKey) -> MutexGuard<'_, Shard> {
        lock(&self.shards[place(key, self.shards.len())])
    }

    fn all(&self) -> impl Iterator<Item = MutexGuard<'_, Shard>> {
        self.shards.iter().map(lock)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

/// Which of so many shards a key belongs to. Keys are random text: their first characters spread them as well as a hash would.
pub(crate) fn place(key: &RecordKey, shards: usize) -> usize {
    key.as_str().bytes().take(3).fold(0, |sum, b| sum * 36 + usize::from(b)) % shards
}

/// Nothing that can panic runs under the lock, so a poisoned one holds whole data.
fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl SessionStore for MemoryStore {
    const AT_ONCE: bool = true;

    fn capabilities(&self) -> Capabilities {
        Capabilities::in_process()
    }

    async fn insert(&self, key: &RecordKey, record: &Record, now: Time) -> StoreResult<Inserted> {
        self.shard(key).insert(key, record, self.limit, now)
    }

    async fn load(&self, key: &RecordKey, now: Time) -> StoreResult<Option<Record>> {
        Ok(self.shard(key).live(key, now).cloned())
    }

    async fn head(&self, key: &RecordKey, now: Time) -> StoreResult<Option<Head>> {
        Ok(self.shard(key).live(key, now).map(Record::head))
    }

    async fn replace(
        &self,
        key: &RecordKey,
        _to: &RecordKey,
        record: &Record,
        was: &Record,
        now: Time,
    ) -> StoreResult<Replaced> {
        Ok(self.shard(key).replace(key, record, was.version, now))
    }

    async fn touch(&self, key: &RecordKey, until: Time, was: &Record, now: Time) -> StoreResult<bool> {
        Ok(self.shard(key).touch(key, until, was.version, now))
    }

    async fn remove(&self, what: Select<'_>, now: Time) -> StoreResult<u64> {
        Ok(match what {
            Select::One(key) => self.shard(key).remove(key, None, now),
            Select::Presented(key, secret) => self.shard(key).remove(key, Some(secret), now),
            Select::Account { account, except } => {
                // All locks at once, in order: no login can slip in behind a shard that has been done.
                let mut shards: Vec<_> = self.all().collect();
                let remove_from = |shard: &mut MutexGuard<'_, Shard>| -> u64 {
                    let keys: Vec<_> =
                        shard.keys_of(account).filter(|key| Some(*key) != except).copied().collect();
                    keys.iter().map(|key| shard.remove(key, None, now)).sum()
                };
                shards.iter_mut().map(remove_from).sum()
            }
        })
    }

    async fn page(
        &self,
        of: Filter<'_>,
        after: Option<Cursor>,
        limit: NonZeroU32,
        now: Time,
    ) -> StoreResult<Page> {
        let limit = limit.get() as usize;
        let is_later = |key: &&RecordKey| after.as_ref().is_none_or(|after| key.as_str() > after.as_str());
        let mut records: Vec<(RecordKey, Record)> = Vec::new();
        for shard in self.all() {
            let keys: Vec<_> = match of {
                Filter::All => shard.keys().filter(is_later).copied().collect(),
                Filter::Account(account) => shard.keys_of(account).filter(is_later).copied().collect(),
            };
            let live = keys.iter().filter_map(|key| Some((*key, shard.live(key, now)?.clone())));
            records.extend(live);
            // Only the first of all shards together are wanted.
            records.sort_unstable_by_key(|(key, _)| *key);
            records.truncate(limit + 1);
        }
        let more = records.len() > limit;
        records.truncate(limit);
        let next = records.last().filter(|_| more).map(|(key, _)| Cursor::new(key.as_str()));
        Ok(Page { records, unreadable: 0, next })
    }

    async fn purge(&self, now: Time, batch: NonZeroU32) -> StoreResult<u64> {
        let batch = batch.get() as usize;
        let mut removed = 0;
        for mut shard in self.all() {
            removed += shard.purge(now, batch - removed);
            if removed == batch {
                break;
            }
        }
        Ok(removed as u64)
    }

    async fn ping(&self) -> StoreResult<()> {
        Ok(())
    }
}
