//! The servers that are compared: one set of paths, and on each stack the same handlers.
//!
//! `/untouched` does not ask for the session; `/read` gets one number of it; `/write` gets it and inserts it; `/login` changes the
//! session's secret, as against fixation; `/logout` ends it. `/logout-lazily` ends it without having looked at it, where a library
//! can. `/count` adds one to the number in a way that survives others who do so at the same time, where a library has one.

pub(crate) mod actix;
pub(crate) mod axum;
mod ours;
#[cfg(feature = "peer-stores")]
mod postgres;
pub(crate) mod rocket;

/// Why a server could not be made.
type Error = Box<dyn std::error::Error>;

/// A key for what libraries seal. Nothing secret is sealed with it.
const KEY: [u8; 64] = [7; 64];
