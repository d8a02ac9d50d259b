//! Only so many calls wait for a store at once: what it cannot take is refused, and does not pile up in this process.

use std::sync::atomic::{AtomicUsize, Ordering};

/// How many calls are waiting.
#[derive(Debug, Default)]
pub(crate) struct Waiting(AtomicUsize);

/// A place among those who wait, until it is dropped.
#[must_use = "it is held while somebody waits"]
pub(crate) struct Place<'a>(&'a AtomicUsize);

impl Waiting {
    /// A place, where there are fewer than so many.
    pub(crate) fn enter(&self, most: usize) -> Option<Place<'_>> {
        // Counted before it is looked at: who is one too many goes again.
        let before = self.0.fetch_add(1, Ordering::Relaxed);
        let place = Place(&self.0);
        (before < most).then_some(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
