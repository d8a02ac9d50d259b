//! The saves of one session within a process go one after the other, and each starts from what the one before it wrote: so many
//! writers of one session need one trip each, in place of racing for it.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::OwnedMutexGuard;

use crate::id::RecordKey;
use crate::patience::within;
use crate::record::Record;

/// Who saves which session, and who waits for that. A session that nobody saves has no line.
#[derive(Default)]
pub(crate) struct Lines {
    shards: [Mutex<HashMap<RecordKey, Arc<Line>>>; SHARDS],
}

/// What was last written by somebody in it. Whoever came first is next, also where somebody who has just left comes back at once.
type Line = tokio::sync::Mutex<Option<Record>>;

const SHARDS: usize = 16;

impl Lines {
    /// Waits until it is this save's turn; not for ever, because nothing is wrong with saving out of turn: the store decides.
    pub(crate) async fn turn(&self, key: &RecordKey, patience: Option<Duration>) -> Option<Turn<'_>> {
        let line = Arc::clone(self.shard(key).entry(*key).or_default());
        let place = Place { lines: self, key: *key, line };
        let last = within(patience, Arc::clone(&place.line).lock_owned()).await?;
        Some(Turn { last, place })
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

/// The turn of one save, until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    // Dropped first: whoever leaves last sees that nobody is left.
    last: OwnedMutexGuard<Option<Record>>,
    place: Place<'a>,
}

impl Turn<'_> {
    /// What somebody before this save wrote, if that is newer than what this one starts from.
    pub(crate) fn newer_than(&self, base: &Record) -> Option<Record> {
        self.last.clone().filter(|last| last.version.seq > base.version.seq)
    }

    /// Leaves what was written to those who wait.
    pub(crate) fn leave(&mut self, written: &Record) {
        // The map, this place and the guard hold the line; more are others.
        let somebody_waits = Arc::strong_count(&self.place.line) > 3;
        *self.last = somebody_waits.then(|| written.clone());
    }
}

/// A place in a line. The last one to leave takes the line away.
#[derive(Debug)]
struct Place<'a> {
    lines: &'a Lines,
    key: RecordKey,
    line: Arc<Line>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut shard = self.lines.shard(&self.key);
        // Nobody can come in now. The map and this place hold it, and nobody else.
        if Arc::strong_count(&self.line) == 2 {
            shard.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::poll;

    use super::*;

    #[tokio::test]
    async fn whoever_leaves_and_comes_back_is_behind_those_who_wait() {
        let (lines, key) = (Lines::default(), RecordKey::random().unwrap());
        let first = lines.turn(&key, None).await;
        let mut second = pin!(lines.turn(&key, None));
        assert!(poll!(&mut second).is_pending());
        drop(first);
        let mut back = pin!(lines.turn(&key, None));
        assert!(poll!(&mut back).is_pending(), "before who has waited");
        let second = second.await;
        assert!(second.is_some() && poll!(&mut back).is_pending(), "two at once");
        drop(second);
        assert!(back.await.is_some());
    }

    #[tokio::test]
    async fn a_line_that_nobody_stands_in_is_gone() {
        let (lines, key) = (Lines::default(), RecordKey::random().unwrap());
        let there = || lines.shard(&key).len();
        let first = lines.turn(&key, None).await;
        {
            let mut given_up = pin!(lines.turn(&key, None));
            assert!(poll!(&mut given_up).is_pending());
        }
        assert_eq!(there(), 1);
        drop(first);
        assert_eq!(there(), 0);
    }
}
