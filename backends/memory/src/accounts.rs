//! Which sessions are whose.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};
use std::ops::Bound;

use session_core::RecordKey;

/// An ordered set, which never moves all of its entries at once as a hash table does when it grows.
///
/// An account is here by its hash alone: nobody who chooses a name knows it, and where two have the same, the record tells them apart.
#[derive(Default)]
pub(crate) struct Accounts {
    names: RandomState,
    /// Never `None`, which is before all keys and begins a range.
    keys: BTreeSet<(u64, Option<RecordKey>)>,
}

impl Accounts {
    pub(crate) fn add(&mut self, account: &str, key: RecordKey) {
        self.keys.insert((self.names.hash_one(account), Some(key)));
    }

    pub(crate) fn forget(&mut self, account: &str, key: RecordKey) {
        self.keys.remove(&(self.names.hash_one(account), Some(key)));
    }

    /// The keys after this one, in their order; with those of another account of the same hash.
    pub(crate) fn keys(&self, account: &str, after: Option<RecordKey>) -> impl Iterator<Item = RecordKey> {
        let hash = self.names.hash_one(account);
        let from = (Bound::Excluded((hash, after)), Bound::Unbounded);
        self.keys.range(from).take_while(move |(of, _)| *of == hash).filter_map(|(_, key)| *key)
    }
}
