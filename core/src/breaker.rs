//! A memory of the failures of a store, or of a cache.
//!
//! A store that has failed several times in a row is taken for dead: calls fail at once, but for one at a time, which finds out
//! whether it is back.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use crate::store::{StoreErrorKind, StoreResult};

/// How many failures in a row make a store dead. A server that restarts breaks as many calls at once as there are connections, and
/// is back with the next.
const FAILURES: u32 = 5;

/// Whether the store is taken for dead.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    /// In a row.
    failures: AtomicU32,
    /// Somebody is trying whether it is back.
    trying: AtomicBool,
}

/// May call the store; where it is the one that tries, nobody else does until this is dropped, also by a request that is cancelled.
pub(crate) struct Pass<'a>(Option<&'a AtomicBool>);

impl Pass<'_> {
    /// Whether it is the one that tries.
    pub(crate) fn is_a_try(&self) -> bool {
        self.0.is_some()
    }

    /// Lets the next one try.
    pub(crate) fn end_try(&mut self) {
        if let Some(trying) = self.0.take() {
            trying.store(false, Ordering::Release);
        }
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        self.end_try();
    }
}

impl Breaker {
    /// Whether the store is taken for dead.
    pub(crate) fn is_open(&self) -> bool {
        self.failures.load(Ordering::Relaxed) >= FAILURES
    }

    /// Whoever may call it now.
    pub(crate) fn enter(&self) -> Option<Pass<'_>> {
        if !self.is_open() {
            return Some(Pass(None));
        }
        let is_first = !self.trying.swap(true, Ordering::Acquire);
        is_first.then(|| Pass(Some(&self.trying)))
    }

    /// Any answer but that it cannot be reached is one of a store that lives.
    pub(crate) fn note<T>(&self, answer: &StoreResult<T>) {
        match answer {
            Err(error) if error.kind() == StoreErrorKind::Unavailable => {
                self.failures.fetch_add(1, Ordering::Relaxed);
            }
            _ if self.failures.load(Ordering::Relaxed) == 0 => {}
            _ => self.failures.store(0, Ordering::Relaxed),
        }
    }
}
