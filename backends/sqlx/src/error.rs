//! What went wrong, in the words of the contract.

use session_core::store::{StoreError, StoreErrorKind};

use crate::row::Damaged;
use crate::table::TableName;

/// What an error of sqlx means. Each engine reads its own codes into these; what they tell the user stands here once.
///
/// No message holds a parameter of a statement: neither does sqlx's own.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the session database cannot be reached, or did not answer in time")]
    Unavailable(#[source] sqlx::Error),
    #[error("the new key of a session is taken: try again")]
    KeyTaken(#[source] sqlx::Error),
    #[error("the table `{table}` does not exist: run `migrate` once, or have the SQL of `schema` run")]
    NoTable { table: TableName, source: sqlx::Error },
    #[error("the table `{table}` is not as `schema` makes it: choose another name for the table of sessions")]
    OtherTable { table: TableName, source: sqlx::Error },
    #[error(
        "the session database cannot be opened or written: check that its folder exists, and that this process may read and \
         write there"
    )]
    NoAccess(#[source] sqlx::Error),
    #[error(
        "the session database is no database of this engine, or is damaged: restore it, or choose another place"
    )]
    NotADatabase(#[source] sqlx::Error),
    #[error("the address of the session database is not understood: {0}")]
    Address(String),
    #[error("the session database has no room: free some on its disk")]
    Full(#[source] sqlx::Error),
    #[error("a stored session cannot be read, and was left as it is: {0}")]
    Undecodable(#[from] Damaged),
}

impl Error {
    fn kind(&self) -> StoreErrorKind {
        match self {
            Self::Unavailable(_) | Self::KeyTaken(_) => StoreErrorKind::Unavailable,
            Self::NoTable { .. }
            | Self::OtherTable { .. }
            | Self::NoAccess(_)
            | Self::NotADatabase(_)
            | Self::Address(_) => StoreErrorKind::Misconfigured,
            Self::Full(_) => StoreErrorKind::Full,
            Self::Undecodable(_) => StoreErrorKind::Undecodable,
        }
    }
}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        let store_error = StoreError::new(error.kind(), error.to_string());
        match error {
            Error::Unavailable(source)
            | Error::KeyTaken(source)
            | Error::NoTable { source, .. }
            | Error::OtherTable { source, .. }
            | Error::NoAccess(source)
            | Error::NotADatabase(source)
            | Error::Full(source) => store_error.with_source(source),
            Error::Undecodable(damaged) => store_error.with_source(damaged.source),
            Error::Address(_) => store_error,
        }
    }
}
