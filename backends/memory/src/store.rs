//! The store: shards by key, each under a lock that is held for one small step.

use std::fmt;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::{Mutex, PoisonError};

use hashbrown::DefaultHashBuilder;
use session_core::store::{
    Capabilities, Cursor, Filter, Inserted, Page, Replaced, Select, SessionStore, StoreError, StoreErrorKind,
    StoreResult,
};
use session_core::{Head, Record, RecordKey, Time};

use crate::listing::{self, Walk};
use crate::locked::Locked;
use crate::packed::Packed;
use crate::shard::{self, Place, Shard};
use crate::table;

/// Enough that two requests rarely want the same lock, few enough that an account's sessions are found by asking each. A power of two.
const SHARDS: usize = 64;

/// Sessions in memory. One like `{"user_id": 12345678, "theme": "dark"}` takes less than 200 bytes, with everything.
///
/// Growing, cleaning up and listing go in steps of at most some hundred sessions, between which the lock is free: no request waits
/// for more than one step, however many sessions there are.
pub struct MemoryStore {
    hasher: DefaultHashBuilder,
    shards: Box<[Mutex<Shard>]>,
    /// Per shard.
    limit: Option<usize>,
    /// Where the next purge goes on.
    swept_to: Mutex<Walk>,
}

impl MemoryStore {
    /// An empty store without a bound.
    pub fn new() -> Self {
        Self::with_shards(SHARDS, None)
    }

    /// Bounds how many sessions it holds, within a few per cent. When it is full a new session takes the place of an anonymous one that would have
    /// ended soon; where all are signed in, it is refused with [`Full`](StoreErrorKind::Full).
    #[must_use = "this returns the bounded store"]
    pub fn with_capacity_limit(self, sessions: NonZeroUsize) -> Self {
        // Fewer sessions than shards: one lock for all, so that the bound is exact.
        let shards = if sessions.get() < 16 * SHARDS { 1 } else { SHARDS };
        Self::with_shards(shards, Some(sessions.get() / shards))
    }

    pub(crate) fn with_shards(shards: usize, limit: Option<usize>) -> Self {
        let hasher = DefaultHashBuilder::default();
        let shards = (0..shards).map(|_| Mutex::new(Shard::new(hasher.clone()))).collect();
        Self { hasher, shards, limit, swept_to: Mutex::default() }
    }

    /// How many sessions it holds, with those that have expired and are not cleaned up yet.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| Locked::new(shard).len()).sum()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn place<'a>(&self, key: &'a RecordKey) -> Place<'a> {
        Place { hash: table::hash(&self.hasher, key), key }
    }

    /// Which shard has this hash: the last bits say it, as a table goes by the first.
    pub(crate) fn shard_of(&self, hash: u64) -> usize {
        // Their number is a power of two, and fits.
        usize::try_from(hash & (self.shards.len() as u64 - 1)).unwrap_or_default()
    }

    pub(crate) fn shards(&self) -> &[Mutex<Shard>] {
        &self.shards
    }

    pub(crate) fn lock(&self, at: Place<'_>) -> Locked<'_> {
        Locked::new(&self.shards[self.shard_of(at.hash)])
    }

    fn live(&self, key: &RecordKey, now: Time) -> Option<Packed> {
        let at = self.place(key);
        // Nothing goes, so this lock needs no more than itself.
        let shard = self.shards[self.shard_of(at.hash)].lock().unwrap_or_else(PoisonError::into_inner);
        shard.live(at, now).cloned()
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    /// How many sessions, and nothing of what they hold.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("len", &self.len())
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

impl SessionStore for MemoryStore {
    const AT_ONCE: bool = true;

    fn capabilities(&self) -> Capabilities {
        Capabilities::in_process()
    }

    async fn insert(&self, key: &RecordKey, record: &Record, now: Time) -> StoreResult<Inserted> {
        let (at, record) = (self.place(key), Packed::new(key, record));
        let mut looked_at = 0;
        loop {
            let mut shard = self.lock(at);
            if let Some(inserted) = shard.insert(at, &record, self.limit, now) {
                return Ok(inserted);
            }
            // Once around, and what others have put in meanwhile.
            if looked_at > shard.segments() {
                return Err(full());
            }
            shard.make_room(now);
            looked_at += 1;
        }
    }

    async fn load(&self, key: &RecordKey, now: Time) -> StoreResult<Option<Record>> {
        match self.live(key, now) {
            Some(record) => record.record().map(Some),
            None => Ok(None),
        }
    }

    async fn head(&self, key: &RecordKey, now: Time) -> StoreResult<Option<Head>> {
        Ok(self.live(key, now).map(|record| record.head()))
    }

    async fn replace(
        &self,
        key: &RecordKey,
        _to: &RecordKey,
        record: &Record,
        was: &Record,
        now: Time,
    ) -> StoreResult<Replaced> {
        let (at, record) = (self.place(key), Packed::new(key, record));
        let replaced = self.lock(at).replace(at, &record, was.version, now);
        Ok(match replaced {
            shard::Replaced::Done => Replaced::Done,
            shard::Replaced::Gone => Replaced::Gone,
            shard::Replaced::Conflict(there) => Replaced::Conflict(Box::new(there.record()?)),
        })
    }

    async fn touch(&self, key: &RecordKey, until: Time, was: &Record, now: Time) -> StoreResult<bool> {
        let at = self.place(key);
        loop {
            let Some(there) = self.live(key, now).filter(|there| there.version() == was.version) else {
                return Ok(false);
            };
            // Copied while the lock is free; if somebody wrote it meanwhile, this look was too early.
            let touched = there.touched(at.key, until, now)?;
            if self.lock(at).exchange(at, &there, &touched) {
                return Ok(true);
            }
        }
    }

    async fn remove(&self, what: Select<'_>, now: Time) -> StoreResult<u64> {
        let one = |key, secret| {
            let at = self.place(key);
            self.lock(at).remove(at, secret, now)
        };
        Ok(match what {
            Select::One(key) => one(key, None),
            Select::Presented(key, secret) => one(key, Some(secret)),
            Select::Account { account, except } => {
                // All locks at once, in order: no login can slip in behind a shard that has been done.
                let mut shards: Vec<_> = self.shards.iter().map(Locked::new).collect();
                let remove_from = |shard: &mut Locked<'_>| -> u64 {
                    let keys = shard.keys_of(account);
                    let keys = keys.iter().filter(|key| Some(*key) != except);
                    keys.map(|key| shard.remove_of(account, self.place(key), now)).sum()
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
        listing::page(self, of, after, limit.get() as usize, now)
    }

    /// Goes on where the last one ended, so that each looks at what is there once, whatever the batch.
    async fn purge(&self, now: Time, batch: NonZeroU32) -> StoreResult<u64> {
        let batch = batch.get() as usize;
        let mut walk = *self.swept_to.lock().unwrap_or_else(PoisonError::into_inner);
        // To the end of the shard in which it begins, the others, and that one once more.
        let mut shards_left = self.shards.len() + 1;
        let mut removed = 0;
        while removed < batch && shards_left > 0 {
            let (gone, next) = Locked::new(&self.shards[walk.shard]).purge(walk.hash, batch - removed, now);
            removed += gone;
            if removed < batch {
                shards_left -= usize::from(next.is_none());
                walk.step(next, self.shards.len());
            }
        }
        *self.swept_to.lock().unwrap_or_else(PoisonError::into_inner) = walk;
        Ok(removed as u64)
    }

    async fn ping(&self) -> StoreResult<()> {
        Ok(())
    }
}

fn full() -> StoreError {
    let context = "the memory store is full of signed-in sessions: raise its limit, or use a store on disk";
    StoreError::new(StoreErrorKind::Full, context)
}
