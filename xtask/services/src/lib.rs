//! Private servers for tests: PostgreSQL, MariaDB (or MySQL), and Redis or Valkey alone, as a cluster, and with sentinels.
//!
//! Each runs on free ports of 127.0.0.1, in a temporary folder, from the programs of this machine and without their system
//! services. A handle knows its URL and its processes; they end with it, and also where the process that started them is killed.
//!
//! ```
//! use test_services::Redis;
//!
//! if test_services::is_without("redis-program") {
//!     return Ok(()); // this machine has no such program, and whoever says so reports it
//! }
//! let mut redis = Redis::start()?;
//! assert!(redis.url().starts_with("redis://127.0.0.1:"));
//! redis.kill(); // as `kill -9` does
//! redis.restart()?; // on the same port
//! # Ok::<(), test_services::StartError>(())
//! ```
//!
//! | handle | URL |
//! | --- | --- |
//! | [`Postgres`] | `postgres://USER:PASSWORD@127.0.0.1:PORT/DATABASE` |
//! | [`MariaDb`] | `mysql://USER:PASSWORD@127.0.0.1:PORT/DATABASE` |
//! | [`Redis`] | `redis://127.0.0.1:PORT` |
//! | [`RedisCluster`] | `redis+cluster://HOST:PORT,HOST:PORT,…` |
//! | [`RedisSentinel`] | `redis+sentinel://HOST:PORT,HOST:PORT,…/PRIMARY` |
//!
//! With the cargo feature `faults` there is `FaultProxy`, a way to a server on which things go wrong.

mod error;
#[cfg(feature = "faults")]
mod faults;
mod folder;
mod maria_db;
mod ports;
mod postgres;
mod process;
mod program;
mod redis;
mod server;
mod wait;
mod without;

pub use error::StartError;
#[cfg(feature = "faults")]
pub use faults::{Fault, FaultProxy};
pub use maria_db::MariaDb;
pub use postgres::Postgres;
pub use redis::cluster::RedisCluster;
pub use redis::nodes::{Node, Role};
pub use redis::sentinel::RedisSentinel;
pub use redis::single::Redis;
pub use without::{WITHOUT, is_without};
