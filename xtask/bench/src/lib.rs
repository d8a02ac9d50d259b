//! The compared servers. They are a crate of their own, so that a change to a measurement does not compile them again, which takes
//! minutes.

pub mod drive;
pub mod serve;
mod servers;
pub mod stack;

/// What a measurement ends with: nothing, or why it failed. A figure over its bound is a failure.
pub type Outcome = Result<(), Box<dyn std::error::Error>>;
