//! Sessions in Redis or Valkey: one server, a Redis Cluster, or whichever server Redis Sentinel names; and a cache there for
//! sessions that another store keeps. Through the [redis](https://docs.rs/redis) crate.
//!
//! ```no_run
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use session_core::{Sessions, Settings};
//! use session_redis::RedisStore;
//!
//! let store = RedisStore::connect("redis://127.0.0.1").await?;
//! let sessions = Sessions::new(store, Settings::default())?;
//! # Ok(())
//! # }
//! ```
//!
//! | cargo feature | adds |
//! | --- | --- |
//! | `cluster` | `redis+cluster://` |
//! | `sentinel` | `redis+sentinel://` |
//! | `tls` | `rediss://`, with rustls and the system's certificates |
//!
//! No feature is on by default, and none changes what another does.
//!
//! # What is where
//!
//! | key | holds |
//! | --- | --- |
//! | `session:` and a session's key | its record, as one string |
//! | `session:@` and an account | the keys of its sessions, a sorted set by when they end |
//! | `session-cache:` and a session's key | a copy of a record, or a tombstone |
//!
//! The beginning is a setting, a [`KeyPrefix`]. A record is one string because a string is written whole or not at all: a hash of
//! which one field is written after a deletion is half a session. Scripts look at its first bytes only, however much data it has.
//!
//! # What it costs
//!
//! Each verb is one command or one script, and so one wait; a write that finds another version brings that version back with it.
//!
//! | request | waits |
//! | --- | --- |
//! | a new session | 1 |
//! | a read | 1 |
//! | a write, a login | 2: load and save. In a cluster the account's index is written beside the record, in the same wait |
//! | a logout | 2, or 1 where the session was not loaded. Its entry in the index is removed later, for which nobody waits |
//! | the sessions of an account | 2: the index, and all records of the page |
//!
//! Listing *all* sessions walks over every key of the database, and so does
//! [`purge`](session_core::store::SessionStore::purge); neither is for a request. Purging is not needed: Redis collects a record five
//! minutes after its deadline. The deadline itself is judged by the application's clock alone.
//!
//! # When a server dies
//!
//! Connections time out ([`Timeouts`]) and stand again by themselves. While no server serves, every verb is soon
//! [`Unavailable`](session_core::store::StoreErrorKind::Unavailable); nothing is taken for absent that is only away. Where a replica
//! takes over, it is found within the time that the cluster or the sentinels need to choose it, without a restart of the
//! application.
//!
//! What Redis promises of the data is Redis's to choose, and less than a database does:
//!
//! - A restart loses what was not on disk: with `appendonly yes` and `appendfsync everysec` up to a second or two, with
//!   `appendfsync always` nothing, with snapshots alone minutes.
//! - A failover loses what the replica did not have yet. [`RedisStore::with_replicas`] acknowledges a write only when a replica
//!   has it (`WAIT`). A partition can leave an old primary writing for a while; `min-replicas-to-write 1` bounds that.
//! - What such a loss takes back may be a logout. Short deadlines, or a database as the store and [`RedisCache`] before it, are
//!   for those who cannot have that.
//! - `maxmemory-policy` must be `noeviction` for a store: others end sessions at random. When memory is full, a write is then
//!   [`Full`](session_core::store::StoreErrorKind::Full), and logouts still work.
//!
//! # Accounts in a cluster
//!
//! A record and its account's index are on different servers, and no script can write both. They are written at the same time, and
//! a login is acknowledged when both have answered. So the index may name a session that is not there, which whoever reads it
//! finds out, but no acknowledged session is missing. While slots are moved from one server to another, a listing of *all*
//! sessions may miss those that move.
//!
//! # When not
//!
//! Where a logout must outlive the loss of a server, and Redis is not told to write and to wait as above: a database keeps what it has
//! answered. And for one machine there is less to run with `session-file` or SQLite (`session-sqlx`).
//!
//! # What it needs
//!
//! Redis 5, or any Valkey. Of an account with restricted rights: `EVAL`, `EVALSHA`, `GET`, `ZRANGE`, `ZREM`, `SCAN`, `PING`, `WAIT`, and
//! what the scripts call: `GETRANGE`, `EXISTS`, `SET`, `SETRANGE`, `DEL`, `PTTL`, `PEXPIRE`, `ZADD`, `ZSCORE`, `ZREMRANGEBYSCORE`.

// Which feature an item needs, shown beside it.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod address;
mod batch;
mod cache;
#[cfg(feature = "cluster")]
mod cluster;
mod connection;
mod error;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod index;
mod layout;
mod link;
mod listing;
mod prefix;
mod purge;
mod replaceable;
mod request;
mod scan;
mod script;
#[cfg(feature = "sentinel")]
mod sentinel;
mod single;
mod store;
mod unconfirmed;

pub use cache::RedisCache;
pub use connection::{RedisConnection, Timeouts};
pub use prefix::{InvalidKeyPrefix, KeyPrefix};
pub use store::RedisStore;

/// The README, whose programs compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
