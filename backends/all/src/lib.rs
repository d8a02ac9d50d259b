//! Every session store behind cargo features, and [`connect`], which makes one from a URL: so that a line in a configuration file
//! chooses where sessions live, and no code changes with it.
//!
//! The adapters re-export this crate and have features of the same names: an application depends on its adapter alone.
//!
//! | URL | cargo feature | where sessions live |
//! | --- | --- | --- |
//! | `memory:` | `memory` (default) | in this process, until it ends |
//! | `file:PATH` | `file` | in a folder, which is created where it is absent |
//! | `sqlite:PATH` | `sqlite` | in a file, which is created with its table where it is absent |
//! | `postgres://…` | `postgres` | in PostgreSQL; the table is created where it is absent |
//! | `mysql://…` | `mysql` | in MySQL or MariaDB, likewise |
//! | `redis://…`, `rediss://…`, `unix:///…` | `redis`, `redis-tls` | in one Redis or Valkey; also `valkey://…` |
//! | `redis+cluster://HOST:PORT,…` | `redis-cluster` | in a Redis Cluster; encrypted `rediss+cluster://…` |
//! | `redis+sentinel://HOST:PORT,…/MASTER` | `redis-sentinel` | in the Redis that Sentinel names; likewise |
//! | `cookie:`, `cookie+encrypted:` | `cookie` | in the cookie itself; needs [`Connect::with_secret_keys`] |
//!
//! ```
//! # #[cfg(not(feature = "memory"))]
//! # fn main() {}
//! # #[cfg(feature = "memory")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use session_core::{Sessions, Settings};
//!
//! let backend = session_backends::connect("memory:").await?;
//! let sessions = Sessions::new(backend, Settings::default())?;
//! # Ok(())
//! # }
//! ```
//!
//! [`Connect`] says what a URL does not: secrets, a cache before the store (feature `cached`), and that the sessions are a Django
//! project's (feature `django`). Who needs more (a pool of the application's own, a bound) makes the store from its crate, which
//! stands here under the name of its feature or library.
//!
//! # When not
//!
//! An application that knows its store, and will keep it, needs no URL: it makes the store and hands it to its adapter. A store of your
//! own needs nothing from here, either: see [`session_core::store::SessionStore`].

// Which feature an item needs, shown beside it.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod connect;
#[cfg(feature = "django")]
mod django;
mod error;
mod schemes;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod table;

pub use connect::{Connect, connect};
pub use error::ConnectError;
#[cfg(feature = "cached")]
pub use session_cached as cached;
#[cfg(feature = "cookie")]
pub use session_cookie as cookie;
#[cfg(feature = "file")]
pub use session_file as file;
#[cfg(feature = "memory")]
pub use session_memory as memory;
#[cfg(feature = "redis")]
pub use session_redis as redis;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
pub use session_sqlx as sqlx;

/// The README, whose programs compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
