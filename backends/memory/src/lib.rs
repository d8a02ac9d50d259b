//! Sessions in this process's memory.
//!
//! For tests, for development, and for one process that may forget its sessions when it ends. Several processes do not share
//! them.
//!
//! ```
//! use session_core::{Sessions, Settings};
//! use session_memory::MemoryStore;
//!
//! let sessions = Sessions::new(MemoryStore::new(), Settings::default())?;
//! # Ok::<(), session_core::SettingsError>(())
//! ```
//!
//! It needs no sweeper: where twice as many sessions have come together as were left the last time, those that have expired go. A
//! bound ([`MemoryStore::with_capacity_limit`]) keeps it from growing under a flood of new visitors.
//!
//! [`MemoryCache`] keeps copies of sessions that another store has, for `session-cached`.
//!
//! # When not
//!
//! For several processes, each of which would have sessions of its own, and for logins that must outlive a restart: `session-file`
//! and SQLite (`session-sqlx`) do both, and need no server either.

// Which feature an item needs, shown beside it.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod accounts;
mod cache;
mod listing;
mod locked;
mod packed;
mod shard;
mod store;
mod table;
mod work;

pub use cache::MemoryCache;
pub use store::MemoryStore;

/// The README, whose programs compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
