//! Listing all sessions.
//!
//! A record that stays is listed once. Redis walks over its keys in an order of its own, in which it may show a key twice, and in
//! a cluster each server has another; so a listing goes by the order of the keys themselves. The first page walks over all keys,
//! and keeps the first [`AHEAD`] of them in this process for the pages to come. When they are used up, or another process goes on
//! with the listing, the walk is made again from the last key listed. So any page can be made from its cursor alone, a listing of
//! n sessions walks n / [`AHEAD`] times, and no server has an index that every login would have to write.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::future::try_join_all;
use session_core::store::{Cursor, Page};
use session_core::{RecordKey, Time};

use crate::connection::RedisConnection;
use crate::error::Error;
use crate::index::records;
use crate::link::Node;
use crate::prefix::KeyPrefix;
use crate::scan::{EDGE, scan};

/// How many keys of one listing are kept: some 1.3 MB.
const AHEAD: usize = 1 << 15;
/// How many listings are kept; who lists begins again where there were more.
const LISTINGS: usize = 4;

/// The listings that go on.
#[derive(Debug, Default)]
pub(crate) struct Listings(Mutex<VecDeque<Listing>>);

/// What is left of one.
#[derive(Debug)]
struct Listing {
    /// Tells it from one that began earlier and was left at the same place: what came meanwhile is not in that one.
    name: RecordKey,
    /// The last key that was listed.
    after: Option<RecordKey>,
    /// In order.
    keys: VecDeque<RecordKey>,
    /// Whether these are all.
    complete: bool,
}

impl Listings {
    pub(crate) async fn page(
        &self,
        connection: &RedisConnection,
        prefix: &KeyPrefix,
        after: Option<&Cursor>,
        limit: usize,
        now: Time,
    ) -> Result<Page, Error> {
        let (name, after) = match after.and_then(|cursor| cursor.as_str().split_once(' ')) {
            Some((name, after)) => (name.parse().ok(), after.parse().ok()),
            None => (None, None),
        };
        let mut listing = match self.take(name, after) {
            Some(listing) => listing,
            None => Listing::begin(connection, prefix, after).await?,
        };
        let keys: Vec<_> = listing.keys.drain(..limit.min(listing.keys.len())).collect();
        let (records, unreadable) = records(connection, prefix, &keys, now).await?;
        let is_over = listing.keys.is_empty() && listing.complete;
        let next = keys.last().filter(|_| !is_over).map(|last| {
            listing.after = Some(*last);
            Cursor::new(format!("{} {last}", listing.name))
        });
        if next.is_some() && !listing.keys.is_empty() {
            self.keep(listing);
        }
        Ok(Page { records, unreadable, next })
    }

    fn take(&self, name: Option<RecordKey>, after: Option<RecordKey>) -> Option<Listing> {
        let mut listings = self.lock();
        let place =
            listings.iter().position(|listing| Some(listing.name) == name && listing.after == after)?;
        listings.remove(place)
    }

    fn keep(&self, listing: Listing) {
        let mut listings = self.lock();
        listings.push_back(listing);
        if listings.len() > LISTINGS {
            listings.pop_front();
        }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Listing>> {
        // Nothing that can panic runs under the lock, so a poisoned one holds whole data.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listing {
    /// Finds the first keys after this one, of all servers.
    async fn begin(
        connection: &RedisConnection,
        prefix: &KeyPrefix,
        after: Option<RecordKey>,
    ) -> Result<Self, Error> {
        let nodes = connection.nodes().await?;
        let found = nodes.iter().map(|node| first_keys(connection, node, prefix, after));
        let mut first = First::default();
        for part in try_join_all(found).await? {
            first.cut |= part.cut;
            part.keys.into_iter().for_each(|key| first.add(key));
        }
        let name = RecordKey::random().map_err(|_| Error::NoRandom)?;
        Ok(Self { name, after, keys: first.keys.into_iter().collect(), complete: !first.cut })
    }
}

/// The smallest of many keys.
#[derive(Default)]
struct First {
    keys: BTreeSet<RecordKey>,
    /// Whether there were more.
    cut: bool,
}

impl First {
    fn add(&mut self, key: RecordKey) {
        self.keys.insert(key);
        if self.keys.len() > AHEAD {
            self.keys.pop_last();
            self.cut = true;
        }
    }
}

async fn first_keys(
    connection: &RedisConnection,
    node: &Node,
    prefix: &KeyPrefix,
    after: Option<RecordKey>,
) -> Result<First, Error> {
    let mut first = First::default();
    let mut place = EDGE.to_vec();
    loop {
        let (next, keys) = scan(connection, node, prefix, &place).await?;
        let keys = keys.iter().filter_map(|key| prefix.record_key(key));
        keys.filter(|key| after.is_none_or(|after| *key > after)).for_each(|key| first.add(key));
        if next == EDGE {
            return Ok(first);
        }
        place = next;
    }
}
