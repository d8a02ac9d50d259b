//! Moves from one store to another that were broken off.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::id::RecordKey;

/// The sessions that this process has put into the new store and not removed from the old one, because the request was cancelled or
/// the old store failed. One that ended in the new store sooner than in the old would be found there again.
#[derive(Debug, Default)]
pub(crate) struct Unfinished(Mutex<HashSet<RecordKey>>);

/// A session that is in both stores, until its move is complete.
pub(crate) struct Moving<'a> {
    among: &'a Unfinished,
    key: RecordKey,
    is_complete: bool,
}

impl Unfinished {
    pub(crate) fn begin(&self, key: &RecordKey) -> Moving<'_> {
        Moving { among: self, key: *key, is_complete: false }
    }

    /// The move of this session, where it was broken off.
    pub(crate) fn resume(&self, key: &RecordKey) -> Option<Moving<'_>> {
        let was_broken_off = self.locked().remove(key);
        was_broken_off.then(|| self.begin(key))
    }

    fn locked(&self) -> MutexGuard<'_, HashSet<RecordKey>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Moving<'_> {
    pub(crate) fn complete(mut self) {
        self.is_complete = true;
    }
}

impl Drop for Moving<'_> {
    fn drop(&mut self) {
        if !self.is_complete {
            self.among.locked().insert(self.key);
        }
    }
}
