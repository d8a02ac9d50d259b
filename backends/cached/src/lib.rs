//! A write-through cache before any durable session store: what Django calls `cached_db`, without what goes wrong there.
//!
//! ```
//! use session_cached::CachedStore;
//! use session_core::{Sessions, Settings};
//! use session_memory::{MemoryCache, MemoryStore};
//!
//! let database = MemoryStore::new(); // PostgreSQL, for example
//! let sessions = Sessions::new(CachedStore::new(database, MemoryCache::default()), Settings::default())?;
//! # Ok::<(), session_core::SettingsError>(())
//! ```
//!
//! # What it promises
//!
//! **No write is lost.** Every write is judged by the store. A copy that is old costs a conflict and a reload.
//!
//! **What is deleted stays deleted.** Around each deletion a tombstone is put in the copy's place, so that a load that began before
//! cannot fill the cache with what is gone. When a session was ended *elsewhere* (another node, SQL by hand), this node knows:
//!
//! | cache | a session that was ended elsewhere is read here |
//! | --- | --- |
//! | shared by all nodes (Redis), and the tombstone was acknowledged | no longer |
//! | shared, but the tombstone was lost; or the row was deleted by hand | for `max_staleness` at most |
//! | in each node's memory | for `max_staleness` at most |
//! | any, with [`with_verify`](CachedStore::with_verify) | no longer |
//!
//! The same holds for a secret that was replaced; the new one opens the session everywhere at once, for a copy that does not know a
//! secret says nothing. `max_staleness` is five seconds for a cache in memory and five minutes for a shared
//! one, unless set. A write never succeeds on what has ended, whatever the cache says. `with_verify` asks the store for the version
//! of each session that is read: one short question instead of the whole session.
//!
//! **A cache that fails is no failure.** Requests go to the store, and [`CacheEvent`] says so. One that says nothing is waited for half
//! a second, soon by [one request at a time](session_core::PatientCache).
//!
//! # When not
//!
//! Before a store that is as near as the cache: memory, or a Redis on the same machine, which answers as soon as its cache would. And not
//! before it is needed: a read is one trip to the store, and most databases answer it from their own memory.

// Which feature an item needs, shown beside it.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod event;
mod store;

pub use event::CacheEvent;
pub use store::CachedStore;

/// The README, whose programs compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
