//! Why there is no store for a URL.

use std::error::Error as _;
use std::fmt;

use session_core::store::StoreError;

use crate::schemes::known;

/// Why [`connect`](crate::connect) made no store. Of the URL it shows the scheme at most.
///
/// Its `Debug` says the same as its `Display`, and what is behind it: this is what a program prints whose `main` returns it.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// No store has this scheme.
    #[error("`{scheme}:` names no session store: the known schemes are {}", known())]
    UnknownScheme {
        /// What stands before the colon.
        scheme: String,
    },
    /// The store exists, but this program was compiled without it.
    #[error(
        "sessions in `{scheme}:` are not compiled in: turn on the cargo feature `{feature}` of the adapter, or of \
         session-backends"
    )]
    NotCompiledIn {
        /// What stands before the colon.
        scheme: String,
        /// The cargo feature to turn on.
        feature: &'static str,
    },
    /// The text is no URL of a store; this is what it must be.
    #[error("the URL of the session store is malformed: {0}")]
    Malformed(&'static str),
    /// Parts were asked for that do not go together, or one is missing.
    #[error("{0}")]
    Combination(&'static str),
    /// The name of a table, or the beginning of keys, is none.
    #[error("{0}")]
    Name(String),
    /// The secrets cannot be used.
    #[error("{0}")]
    Secret(String),
    /// The store was found, and failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl fmt::Debug for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        let mut behind = self.source();
        while let Some(source) = behind {
            write!(f, ": {source}")?;
            behind = source.source();
        }
        Ok(())
    }
}
