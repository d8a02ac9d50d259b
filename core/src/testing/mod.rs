//! The conformance kit: what every store and every adapter must pass, and the tools that it is made of.
//!
//! A store of your own runs the whole suite in five lines:
//!
//! ```
//! # use session_memory::MemoryStore as MyStore;
//! #[tokio::test]
//! async fn conforms() {
//!     session_core::testing::conformance(async || MyStore::new()).await;
//! }
//! # fn main() { tokio::runtime::Runtime::new().unwrap().block_on(
//! #     session_core::testing::conformance(async || MyStore::new())); }
//! ```
//!
//! | module | what |
//! | --- | --- |
//! | [`store`] | each verb of [`SessionStore`], alone and in races |
//! | [`sessions`] | whole sessions over a store: merges, rotations, logouts, faults, each race a scripted interleaving |
//! | [`many`] | many sessions: an account's, and those that a cleanup or a sweeper ends |
//! | [`races`] | two requests that do different things to one session at once |
//! | [`model`] | random operations of several clients, against a reference and by their history |
//! | [`processes`] | the races between two processes |
//! | [`kill`] | `kill -9` in the middle of writes |
//! | [`adapter`] | an adapter's HTTP behaviour |
//! | [`history`] | what many did at once, and whether one after the other could have done it |
//! | [`traffic`] | many clients at once while something goes wrong, whose history that is |
//! | [`SmallDisk`] | a disk that is soon full |
//! | [`Probe`] | a store that counts its calls, and stops or fails where it is told to |
//! | [`Visitor`] | a browser without HTTP: keeps the cookie between requests |
//!
//! The cases panic where something is wrong, and say what. They need a Tokio runtime with several threads.

pub mod adapter;
mod disk;
#[cfg(feature = "django")]
pub mod django;
pub mod history;
mod hostile;
pub mod kill;
pub(crate) mod leaks;
pub mod many;
pub mod model;
mod probe;
pub mod processes;
pub mod races;
mod records;
mod servers;
pub mod sessions;
mod soak;
pub mod store;
mod tally;
pub mod traffic;
mod visitor;

pub use disk::SmallDisk;
pub use leaks::LEAKS;
pub use probe::{Pause, Probe, Verb, When};
pub use servers::{WITHOUT, is_without, server};
pub use soak::{SOAK, rounds};
pub use tally::{TALLIES, Tally};
pub use visitor::{Visit, Visitor};

use crate::store::SessionStore;

/// Runs every case of [`store`], [`sessions`], [`many`], [`races`] and [`model`], each on a store that `make` has just made: empty, or
/// at least used by nobody else.
///
/// # Panics
///
/// Where the store does not hold the contract.
pub async fn conformance<S: SessionStore>(make: impl AsyncFn() -> S) {
    store::conformance(&make).await;
    sessions::conformance(&make).await;
    many::conformance(&make).await;
    races::conformance(&make).await;
    model::conformance(&make).await;
}

/// Runs cases one after the other, so that a failure names its case.
macro_rules! run_cases {
    ($make:expr; $($case:ident),+ $(,)?) => {
        $(
            eprintln!("case {}::{} ...", module_path!(), stringify!($case));
            $case($crate::AnyStore::new($make().await)).await;
        )+
    };
}
use run_cases;
