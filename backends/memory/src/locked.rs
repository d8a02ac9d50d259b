//! A shard while its lock is held.

use std::mem;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::packed::Packed;
use crate::shard::Shard;

/// What goes from the shard is freed when the lock is free again: that of large sessions goes back to the operating system, which takes
/// its time.
pub(crate) struct Locked<'a> {
    // In this order they are dropped.
    shard: MutexGuard<'a, Shard>,
    gone: Vec<Packed>,
}

impl<'a> Locked<'a> {
    pub(crate) fn new(shard: &'a Mutex<Shard>) -> Self {
        // Nothing that can panic runs under the lock, so a poisoned one holds whole data.
        let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        crate::work::begin();
        Self { shard, gone: Vec::new() }
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        crate::work::end();
        if !self.shard.gone().is_empty() {
            self.gone = mem::take(self.shard.gone());
        }
    }
}

impl Deref for Locked<'_> {
    type Target = Shard;

    fn deref(&self) -> &Shard {
        &self.shard
    }
}

impl DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut Shard {
        &mut self.shard
    }
}
