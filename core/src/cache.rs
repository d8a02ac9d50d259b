//! The contract of a cache before a store.

use std::fmt;
use std::time::Duration;

use crate::clock::Time;
use crate::id::RecordKey;
use crate::record::Record;
use crate::store::StoreResult;

/// Copies of records that a store has, nearer or faster than it. Not a second store: every write is judged by the store, so a
/// copy that is old costs a conflict and a reload, never a lost write. It may forget anything at any time.
///
/// `session-cached` puts one before a store. What it adds to the three verbs is there: which errors are passed over, and for how
/// long a copy may be trusted.
pub trait Cache: fmt::Debug + Send + Sync + 'static {
    /// What is known of the key. An expired copy is [`Cached::Nothing`].
    fn get(&self, key: &RecordKey, now: Time) -> impl Future<Output = StoreResult<Cached>> + Send;

    /// Keeps a copy, until `until` at the latest, unless there is a tombstone, or a copy whose version is later; whether it did.
    /// One atomic step. A copy of the same version replaces the one there: its deadline may have moved.
    fn put_if_newer(
        &self,
        key: &RecordKey,
        record: &Record,
        until: Time,
        now: Time,
    ) -> impl Future<Output = StoreResult<bool>> + Send;

    /// Puts a tombstone in the copy's place, which keeps every copy out for this long: a load that began before the session was
    /// deleted must not bring it back.
    fn tombstone(
        &self,
        key: &RecordKey,
        keep: Duration,
        now: Time,
    ) -> impl Future<Output = StoreResult<()>> + Send;

    /// Whether other processes see what is put here: then a tombstone is seen by all of them at once.
    fn is_shared(&self) -> bool;
}

/// What a cache knows of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "every answer must be handled")]
pub enum Cached {
    /// A copy, and when it was put there.
    Copy(Box<Record>, Time),
    /// The session was deleted.
    Tombstone,
    /// Nothing: ask the store.
    Nothing,
}
