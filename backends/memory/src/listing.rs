//! Walks through a store, a step under one lock at a time.

use session_core::store::{Cursor, Filter, Page, StoreError, StoreErrorKind, StoreResult};
use session_core::{RecordKey, Time};

use crate::locked::Locked;
use crate::packed::Packed;
use crate::store::MemoryStore;

/// Where a walk is: shard by shard, and within one from hash to hash. A table that grows meanwhile changes nothing about it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Walk {
    pub(crate) shard: usize,
    pub(crate) hash: u64,
}

impl Walk {
    /// Goes on to where the shard goes on, or to the next of so many shards.
    pub(crate) fn step(&mut self, next: Option<u64>, shards: usize) {
        (self.shard, self.hash) = next.map_or(((self.shard + 1) % shards, 0), |hash| (self.shard, hash));
    }
}

/// At most so many live records after where an earlier page ended: of everything in the order of the walk and then of the hashes, of
/// an account in that of the shards and then of the keys.
pub(crate) fn page(
    store: &MemoryStore,
    of: Filter<'_>,
    after: Option<Cursor>,
    limit: usize,
    now: Time,
) -> StoreResult<Page> {
    let after: Option<RecordKey> =
        after.map(|after| after.as_str().parse()).transpose().map_err(|_| foreign())?;
    let mut found = match of {
        Filter::All => everything(store, after, limit, now),
        Filter::Account(account) => an_accounts(store, account, after, limit, now),
    };
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|(key, _)| Cursor::new(key.as_str()));
    let unpacked = found.into_iter().map(|(key, record)| Ok((key, record.record()?)));
    Ok(Page { records: unpacked.collect::<StoreResult<_>>()?, unreadable: 0, next })
}

/// More than `limit`, where there are.
fn everything(
    store: &MemoryStore,
    after: Option<RecordKey>,
    limit: usize,
    now: Time,
) -> Vec<(RecordKey, Packed)> {
    let mut after = after.map(|key| (store.place(&key).hash, key));
    let mut walk = after.map_or(Walk::default(), |(hash, _)| Walk { shard: store.shard_of(hash), hash });
    let mut found = Vec::new();
    loop {
        let (segment, next) = Locked::new(&store.shards()[walk.shard]).segment(walk.hash, now);
        let keyed =
            segment.into_iter().filter_map(|(hash, record)| Some((hash, record.record_key()?, record)));
        // The page before may have ended within the segment in which this one begins.
        let begins = after.take();
        let mut later: Vec<_> =
            keyed.filter(|(hash, key, _)| begins.is_none_or(|begins| (*hash, *key) > begins)).collect();
        later.sort_unstable_by_key(|(hash, key, _)| (*hash, *key));
        found.extend(later.into_iter().map(|(_, key, record)| (key, record)));
        if found.len() > limit {
            return found;
        }
        walk.step(next, store.shards().len());
        if next.is_none() && walk.shard == 0 {
            return found;
        }
    }
}

fn an_accounts(
    store: &MemoryStore,
    account: &str,
    mut after: Option<RecordKey>,
    limit: usize,
    now: Time,
) -> Vec<(RecordKey, Packed)> {
    let shard = after.map_or(0, |key| store.shard_of(store.place(&key).hash));
    let mut found = Vec::new();
    for shard in &store.shards()[shard..] {
        loop {
            let (some, last) = Locked::new(shard).of_account(account, after, now);
            found.extend(some);
            if found.len() > limit {
                return found;
            }
            after = last;
            if last.is_none() {
                break;
            }
        }
    }
    found
}

fn foreign() -> StoreError {
    StoreError::new(StoreErrorKind::Unsupported, "this is no place where a page of this store ended")
}
