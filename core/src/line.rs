//! The saves of one session within a process go one after the other, and each starts from what the one before it wrote: so many
//! writers of one session need one trip each, in place of racing for it.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::id::RecordKey;
use crate::patience::within;
use crate::record::Record;

/// Who saves which session, and who waits for that. A session that nobody saves has no line.
#[derive(Default)]
pub(crate) struct Lines {
    shards: [Mutex<HashMap<RecordKey, Arc<Line>>>; SHARDS],
}

const SHARDS: usize = 16;

/// How many may save out of turn while nobody's save ends. The first one's connection may have died, and theirs not; but where the
/// record itself is what nobody can write, because somebody else holds a lock on it, one session must not take every connection.
const BESIDE: u32 = 2;

/// The saves of one session.
struct Line {
    /// One permit, of whose turn it is. Whoever came first is next, also where somebody who has just left comes back at once.
    turn: Semaphore,
    /// How many save out of turn.
    beside: AtomicU32,
    /// How many saves have been stored.
    stored: AtomicU32,
    /// How many stand in it. Counted while the shard is locked, so that whoever leaves last takes the line away.
    places: AtomicUsize,
    /// What the last of them wrote, for those who wait.
    last: Mutex<Option<Record>>,
}

/// No save of the session ends, and enough try.
#[derive(Debug)]
pub(crate) struct Stuck;

impl Lines {
    /// Waits until it is this save's turn. Where others take longer than that, it is nobody's turn: the store decides.
    pub(crate) async fn turn(
        &self,
        key: &RecordKey,
        patience: Option<Duration>,
    ) -> Result<Option<Turn<'_>>, Stuck> {
        let place = self.place(key);
        let stored_before = place.line.stored.load(Ordering::Relaxed);
        // Nobody closes it; and the turn gives the permit back.
        let permit = within(patience, place.line.turn.acquire()).await;
        if permit.and_then(Result::ok).map(SemaphorePermit::forget).is_some() {
            return Ok(Some(Turn { place, is_beside: false }));
        }
        if place.line.stored.load(Ordering::Relaxed) != stored_before {
            return Ok(None);
        }
        let more = |beside| (beside < BESIDE).then_some(beside + 1);
        match place.line.beside.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more) {
            Ok(_) => Ok(Some(Turn { place, is_beside: true })),
            Err(_) => Err(Stuck),
        }
    }

    fn place(&self, key: &RecordKey) -> Place<'_> {
        let mut shard = self.shard(key);
        let line = Arc::clone(shard.entry(*key).or_default());
        line.places.fetch_add(1, Ordering::Relaxed);
        Place { lines: self, key: *key, line }
    }

    fn shard(&self, key: &RecordKey) -> MutexGuard<'_, HashMap<RecordKey, Arc<Line>>> {
        // A key is random text: its end chooses as well as any hash.
        let sum = key.as_bytes().iter().rev().take(2).fold(0, |sum, c| sum * 36 + usize::from(*c));
        self.shards[sum % SHARDS].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lines").finish_non_exhaustive()
    }
}

impl Default for Line {
    fn default() -> Self {
        Self {
            turn: Semaphore::new(1),
            beside: AtomicU32::new(0),
            stored: AtomicU32::new(0),
            places: AtomicUsize::new(0),
            last: Mutex::new(None),
        }
    }
}

impl Line {
    fn last(&self) -> MutexGuard<'_, Option<Record>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The turn of one save, until it is dropped.
pub(crate) struct Turn<'a> {
    place: Place<'a>,
    is_beside: bool,
}

impl Turn<'_> {
    /// What somebody before this save wrote, if that is newer than what this one starts from.
    pub(crate) fn newer_than(&self, base: &Record) -> Option<Record> {
        self.place.line.last().clone().filter(|last| last.version.seq > base.version.seq)
    }

    /// Leaves what was stored to those who wait.
    pub(crate) fn leave(&self, stored: &Record) {
        let line = &self.place.line;
        line.stored.fetch_add(1, Ordering::Relaxed);
        let somebody_waits = line.places.load(Ordering::Relaxed) > 1;
        *line.last() = somebody_waits.then(|| stored.clone());
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let line = &self.place.line;
        if self.is_beside {
            line.beside.fetch_sub(1, Ordering::Relaxed);
        } else {
            line.turn.add_permits(1);
        }
    }
}

/// A place in a line. The last one to leave takes the line away.
struct Place<'a> {
    lines: &'a Lines,
    key: RecordKey,
    line: Arc<Line>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut shard = self.lines.shard(&self.key);
        if self.line.places.fetch_sub(1, Ordering::Relaxed) == 1 {
            shard.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::poll;

    use super::*;
    use crate::clock::Time;
    use crate::details::Details;
    use crate::record::Version;

    #[tokio::test]
    async fn whoever_leaves_and_comes_back_is_behind_those_who_wait() {
        let (lines, key) = (Lines::default(), RecordKey::random().unwrap());
        let first = lines.turn(&key, None).await.unwrap();
        let mut second = pin!(lines.turn(&key, None));
        assert!(poll!(&mut second).is_pending());
        drop(first);
        let mut back = pin!(lines.turn(&key, None));
        assert!(poll!(&mut back).is_pending(), "before who has waited");
        let second = second.await.unwrap();
        assert!(second.is_some() && poll!(&mut back).is_pending(), "two at once");
        drop(second);
        assert!(back.await.unwrap().is_some());
    }

    #[tokio::test]
    async fn a_line_that_nobody_stands_in_is_gone() {
        let (lines, key) = (Lines::default(), RecordKey::random().unwrap());
        let there = || lines.shard(&key).len();
        let first = lines.turn(&key, None).await.unwrap();
        {
            let mut given_up = pin!(lines.turn(&key, None));
            assert!(poll!(&mut given_up).is_pending());
        }
        assert_eq!(there(), 1);
        drop(first);
        assert_eq!(there(), 0);
    }

    #[tokio::test]
    async fn while_nobodys_save_ends_only_so_many_are_tried() {
        let (lines, key) = (Lines::default(), RecordKey::random().unwrap());
        let patience = Some(Duration::from_millis(1));
        let first = lines.turn(&key, patience).await.unwrap();
        let beside = [lines.turn(&key, patience).await.unwrap(), lines.turn(&key, patience).await.unwrap()];
        assert!(first.is_some() && beside.iter().all(Option::is_some));
        assert!(lines.turn(&key, patience).await.is_err());
        // As soon as one of them ends another may try.
        drop(beside);
        assert!(matches!(lines.turn(&key, patience).await, Ok(Some(_))));
        drop(first);
        assert!(matches!(lines.turn(&key, patience).await, Ok(Some(_))));
    }

    #[tokio::test]
    async fn who_has_waited_long_in_a_line_that_moves_goes_past_it() {
        let (lines, key) = (Lines::default(), RecordKey::random().unwrap());
        let patience = Some(Duration::from_millis(20));
        let first = lines.turn(&key, None).await.unwrap().unwrap();
        let mut second = pin!(lines.turn(&key, None));
        let mut impatient = pin!(lines.turn(&key, patience));
        assert!(poll!(&mut second).is_pending() && poll!(&mut impatient).is_pending());
        let now = Time::from(std::time::SystemTime::UNIX_EPOCH);
        first.leave(&Record {
            version: Version { seq: 2, nonce: 0 },
            created_at: now,
            last_active: now,
            expires_at: now,
            account: None,
            secret: None,
            details: Details::new(now),
            data: bytes::Bytes::from_static(b"{}"),
        });
        drop(first);
        let second = second.await.unwrap().unwrap();
        assert_eq!(second.place.line.last().as_ref().map(|record| record.version.seq), Some(2));
        assert!(matches!(impatient.await, Ok(None)));
        // A save that fails is no sign that others would not.
        let mut more = Vec::new();
        for _ in 0..BESIDE {
            more.push(lines.turn(&key, patience).await.unwrap());
        }
        let mut late = pin!(lines.turn(&key, patience));
        assert!(poll!(&mut late).is_pending());
        drop(more.pop());
        more.push(lines.turn(&key, patience).await.unwrap());
        assert!(late.await.is_err());
    }
}
