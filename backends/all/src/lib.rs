//! Every session store behind cargo features, and [`connect`], which makes one from a URL: so that a line in a configuration file
//! chooses where sessions live, and no code changes with it.
//!
//! The adapters re-export this crate and have features of the same names: an application depends on its adapter alone.
//!
//! | URL | cargo feature | where sessions live |
//! | --- | --- | --- |
//! | `memory:` | `memory` (default) | in this process, until it ends |
//! | `sqlite:PATH` | `sqlite` | in a file, which is created with its table where it is absent |
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
//! Who needs what a URL does not say (a pool of the application's own, a bound, a table's name) makes the store from its crate,
//! which stands here under the name of its feature or library.

mod connect;
mod error;

pub use connect::connect;
pub use error::ConnectError;
#[cfg(feature = "memory")]
pub use session_memory as memory;
#[cfg(feature = "sqlite")]
pub use session_sqlx as sqlx;
