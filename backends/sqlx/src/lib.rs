//! Sessions in a table of a SQL database, through [sqlx](https://docs.rs/sqlx).
//!
//! One table holds every session, a row each: what a store orders by, compares or indexes stands in columns of its own, the
//! application's values are one opaque column. An index on the account answers "where am I signed in" and "sign me out
//! everywhere". Deadlines are whole milliseconds that the application's clock sets; the database's clock is never asked.
//!
//! ```
//! # #[cfg(not(feature = "sqlite"))]
//! # fn main() {}
//! # #[cfg(feature = "sqlite")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use session_core::{Sessions, Settings};
//! use session_sqlx::SqliteStore;
//!
//! // `sqlite:shop.db` is a file, which is created where it is absent.
//! let store = SqliteStore::connect("sqlite::memory:").await?;
//! let sessions = Sessions::new(store, Settings::default())?;
//! # Ok(())
//! # }
//! ```
//!
//! # Which engine
//!
//! | cargo feature | store | for |
//! | --- | --- | --- |
//! | `sqlite` | [`SqliteStore`] | one machine, any number of processes on it; nothing to install |
//! | `postgres` | [`PostgresStore`] | any number of machines; tested with PostgreSQL 15 |
//! | `mysql` | [`MySqlStore`] | any number of machines; MySQL or MariaDB, tested with MariaDB 10.11 |
//!
//! No feature is on by default, and none changes what another does. TLS is sqlx's: an application that wants it depends on sqlx
//! with `tls-rustls` or another of its TLS features.
//!
//! The sessions of a Django project, in its own table, are in `django` (feature `django`).
//!
//! # The table
//!
//! `connect` creates it; `from_pool` does not, for then the database is yours: call `migrate` once, or have the SQL of `schema` run
//! by an account that may, as [`PostgresStore::schema`] gives it. The name is `sessions` unless a [`TableName`] says otherwise.
//! Expired rows are nobody's session from their deadline on, and leave the table with
//! [`purge`](session_core::store::SessionStore::purge).
//!
//! # Connections
//!
//! A store that `connect` makes has connections of its own, which no pool asks whether they still work: on each engine's page. A store
//! `from_pool` shares the application's. To servers `?connections=8` in the URL says how many there may be.
//!
//! # When not
//!
//! For sessions that may be lost at a restart `session-memory` is faster. For sessions that many machines share, SQLite is the
//! wrong engine: a file on a network share is not safely locked.

// Which feature an item needs, shown beside it.
#![cfg_attr(docsrs, feature(doc_cfg))]
// The page speaks of every engine, also where one is left out.
#![cfg_attr(
    not(all(feature = "sqlite", feature = "postgres", feature = "mysql")),
    allow(rustdoc::broken_intra_doc_links)
)]
// Without an engine nobody needs what they share.
#![cfg_attr(not(any(feature = "sqlite", feature = "postgres", feature = "mysql")), allow(dead_code, unused))]

mod address;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod crew;
#[cfg(feature = "django")]
pub mod django;
mod engine;
mod error;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod layout;
#[cfg(feature = "mysql")]
mod mysql;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod own;
#[cfg(feature = "postgres")]
mod postgres;
mod queue;
mod row;
mod sql;
#[cfg(feature = "sqlite")]
mod sqlite;
mod statement;
mod table;
mod verbs;

#[cfg(feature = "mysql")]
pub use mysql::MySqlStore;
#[cfg(feature = "postgres")]
pub use postgres::PostgresStore;
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteStore;
pub use table::{InvalidTableName, TableName};

/// The README, whose programs compile.
#[cfg(all(doctest, feature = "sqlite"))]
#[doc = include_str!("../README.md")]
struct Readme;
