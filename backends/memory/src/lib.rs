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
//! It needs no sweeper: where twice as many sessions have come together as were left the last time, those that have expired go. A bound ([`MemoryStore::with_capacity_limit`]) keeps
//! it from growing under a flood of new visitors.

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
