//! A connection that can be found to be of no use.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Is replaced once, however many find it so. Clones have the same connection.
#[derive(Clone)]
pub(crate) struct Replaceable<C>(Arc<Mutex<Present<C>>>);

#[derive(Clone)]
pub(crate) struct Present<C> {
    pub(crate) connection: C,
    /// Counts the connections, so that who has an old one does not replace a new one.
    pub(crate) number: u64,
}

impl<C: Clone> Replaceable<C> {
    pub(crate) fn new(connection: C) -> Self {
        Self(Arc::new(Mutex::new(Present { connection, number: 0 })))
    }

    pub(crate) fn present(&self) -> Present<C> {
        self.locked().clone()
    }

    /// Takes another in the place of this one, unless somebody has.
    pub(crate) fn replace(&self, number: u64, another: impl FnOnce() -> Option<C>) {
        let mut present = self.locked();
        if present.number == number
            && let Some(connection) = another()
        {
            *present = Present { connection, number: number + 1 };
        }
    }

    fn locked(&self) -> MutexGuard<'_, Present<C>> {
        // What is written under the lock is written last, so a poisoned one holds whole data.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
