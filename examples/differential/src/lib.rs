//! Random requests, which several servers must answer the same: the three playgrounds, and a Django that serves the same contract.
//!
//! A [`sequence`](sequence::sequences) is what a few clients do: operations on their sessions, logins, and old and malformed cookies. A
//! [`Contest`] sends it to each server, request by request, and compares what comes back: status, results, the cookie and its
//! attributes, `Vary`, `Cache-Control`. Where they differ it looks for a shorter such sequence, and shows that.

mod answer;
mod contest;
mod peer;
mod programs;
pub mod sequence;

pub use answer::{Answer, Aspect, Difference, SetCookie};
pub use contest::{Contest, Exchange, SEED, Verdict, count};
pub use peer::Peer;
pub use programs::{django, playground};
pub use sequence::{Audience, Cookie, Request, Step};
