//! A cache in this process, for `session-cached`.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use session_core::store::StoreResult;
use session_core::{Cache, Cached, Record, RecordKey, Time};

/// Copies of sessions in this process's memory, bounded. Other processes do not see what is put here: a session that one of them
/// ends is read here until its copy is too old.
#[derive(Debug)]
pub struct MemoryCache {
    shards: Box<[Mutex<HashMap<RecordKey, Slot>>]>,
    per_shard: usize,
}

#[derive(Debug)]
enum Slot {
    Copy { record: Box<Record>, put_at: Time, until: Time },
    Tombstone { until: Time },
}

const SHARDS: usize = 64;

/// How many slots are looked at to find one that may go when there is no room.
const SAMPLE: usize = 16;

impl MemoryCache {
    /// Keeps about this many copies at most.
    pub fn with_capacity(copies: NonZeroUsize) -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Self { shards, per_shard: copies.get().div_ceil(SHARDS) }
    }

    fn shard(&self, key: &RecordKey) -> MutexGuard<'_, HashMap<RecordKey, Slot>> {
        let shard = &self.shards[place(key)];
        // Nothing that can panic runs under the lock, so a poisoned one holds whole data.
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a slot into its shard, for which room is made.
    fn put(&self, shard: &mut HashMap<RecordKey, Slot>, key: &RecordKey, slot: Slot, now: Time) {
        if shard.len() >= self.per_shard && !shard.contains_key(key) {
            make_room(shard, now);
        }
        shard.insert(*key, slot);
    }
}

impl Default for MemoryCache {
    /// Keeps about 65,536 copies.
    fn default() -> Self {
        Self::with_capacity(NonZeroUsize::new(65_536).unwrap_or(NonZeroUsize::MIN))
    }
}

impl Slot {
    fn until(&self) -> Time {
        match self {
            Slot::Copy { until, .. } | Slot::Tombstone { until } => *until,
        }
    }
}

/// Keys are random text: their first characters spread them as well as a hash would.
fn place(key: &RecordKey) -> usize {
    key.as_bytes().iter().take(3).fold(0, |sum, b| sum * 36 + usize::from(*b)) % SHARDS
}

/// Drops what is over; and, where all of a few are not, the copy among them that is over first.
fn make_room(shard: &mut HashMap<RecordKey, Slot>, now: Time) {
    let sample: Vec<(RecordKey, bool, Time)> = shard
        .iter()
        .take(SAMPLE)
        .map(|(key, slot)| (*key, matches!(slot, Slot::Tombstone { .. }), slot.until()))
        .collect();
    let over: Vec<_> = sample.iter().filter(|(.., until)| *until <= now).collect();
    if over.is_empty() {
        // A tombstone keeps what is dead out: copies go before it.
        if let Some((key, ..)) = sample.iter().min_by_key(|(_, tombstone, until)| (*tombstone, *until)) {
            shard.remove(key);
        }
    }
    for (key, ..) in over {
        shard.remove(key);
    }
}

impl Cache for MemoryCache {
    async fn get(&self, key: &RecordKey, now: Time) -> StoreResult<Cached> {
        Ok(match self.shard(key).get(key) {
            Some(slot) if slot.until() <= now => Cached::Nothing,
            Some(Slot::Copy { record, put_at, .. }) => Cached::Copy(record.clone(), *put_at),
            Some(Slot::Tombstone { .. }) => Cached::Tombstone,
            None => Cached::Nothing,
        })
    }

    async fn put_if_newer(
        &self,
        key: &RecordKey,
        record: &Record,
        until: Time,
        now: Time,
    ) -> StoreResult<bool> {
        let mut shard = self.shard(key);
        match shard.get(key) {
            Some(slot) if slot.until() <= now => {}
            Some(Slot::Tombstone { .. }) => return Ok(false),
            Some(Slot::Copy { record: there, .. }) if there.version.seq > record.version.seq => {
                return Ok(false);
            }
            Some(Slot::Copy { .. }) | None => {}
        }
        self.put(&mut shard, key, Slot::Copy { record: Box::new(record.clone()), put_at: now, until }, now);
        Ok(true)
    }

    async fn tombstone(&self, key: &RecordKey, keep: Duration, now: Time) -> StoreResult<()> {
        self.put(&mut self.shard(key), key, Slot::Tombstone { until: now + keep }, now);
        Ok(())
    }

    fn is_shared(&self) -> bool {
        false
    }
}
