//! Writes that may have been done by half.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use session_core::{RecordKey, Time};

use crate::index::Entry;

/// Far more than requests that fail at once. A session that is pushed out was written so long ago that nobody waits to hear of it.
const LIMIT: usize = 1 << 16;

/// The sessions of which a write of this process failed after a part of it may have been done: the record but not its index, or
/// the primary but not the replicas. Only this process can take such a write for a whole one, for only it knows the version that
/// it wrote; so it is enough to remember it here. A removal that failed is one of them: who tries it again would find nothing to
/// remove, and take that for an answer.
#[derive(Debug, Default)]
pub(crate) struct Unconfirmed(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    writes: HashMap<RecordKey, (u64, HalfDone)>,
    /// Each with its number, the oldest first; also those that were removed or have a later number by now.
    order: VecDeque<(u64, RecordKey)>,
    count: u64,
}

/// What is missing, perhaps.
#[derive(Clone, Debug)]
pub(crate) struct HalfDone {
    indexed: Option<(String, Time)>,
}

impl HalfDone {
    pub(crate) fn entry<'a>(&'a self, key: &'a RecordKey, now: Time) -> Option<Entry<'a>> {
        let (account, deadline) = self.indexed.as_ref()?;
        Some(Entry { account, key, deadline: *deadline, now })
    }
}

impl Unconfirmed {
    pub(crate) fn insert(&self, key: RecordKey, entry: Option<&Entry<'_>>) {
        let indexed = entry.map(|entry| (entry.account.to_owned(), entry.deadline));
        let mut inner = self.lock();
        inner.count += 1;
        let number = inner.count;
        let before = inner.writes.remove(&key).and_then(|(_, half_done)| half_done.indexed);
        inner.writes.insert(key, (number, HalfDone { indexed: indexed.or(before) }));
        inner.order.push_back((number, key));
        while inner.order.len() > LIMIT {
            if let Some((number, key)) = inner.order.pop_front()
                && inner.writes.get(&key).is_some_and(|(present, _)| *present == number)
            {
                inner.writes.remove(&key);
            }
        }
    }

    pub(crate) fn get(&self, key: &RecordKey) -> Option<HalfDone> {
        self.lock().writes.get(key).map(|(_, half_done)| half_done.clone())
    }

    pub(crate) fn remove(&self, key: &RecordKey) {
        self.lock().writes.remove(key);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing that can panic runs under the lock, so a poisoned one holds whole data.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_so_many_are_remembered() {
        let unconfirmed = Unconfirmed::default();
        let key = |i: usize| format!("{i:08}").parse::<RecordKey>().unwrap();
        unconfirmed.insert(key(0), None);
        for i in 0..LIMIT {
            unconfirmed.insert(key(i), None);
        }
        assert!(unconfirmed.get(&key(0)).is_some(), "it was remembered again");
        unconfirmed.insert(key(LIMIT), None);
        assert!(unconfirmed.get(&key(0)).is_none());
        assert!(unconfirmed.get(&key(1)).is_some());
        unconfirmed.remove(&key(1));
        assert!(unconfirmed.get(&key(1)).is_none());
    }
}
