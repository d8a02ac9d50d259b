//! What the tests of the examples share: each framework's binaries are started as processes, spoken to over sockets, and killed.
//!
//! The functions panic where something is wrong, and say what.

#![expect(clippy::missing_panics_doc, reason = "every function here is a test")]

pub mod browser;
pub mod demo;
pub mod playground;
mod server;

pub use server::Server;
