//! What went wrong, in the words of the contract.

use std::error::Error as StdError;
use std::sync::Arc;

use session_core::store::{StoreError, StoreErrorKind};

use crate::table::TableName;

/// What an engine's error means, and the error.
///
/// No message holds a parameter of a statement: neither does sqlx's own, and of what a server says only [`Said`] is kept.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) fault: Fault,
    pub(crate) cause: Box<dyn StdError + Send + Sync>,
}

/// What an error means. Each engine reads its own codes into these; what they tell the user stands here once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    not(all(feature = "sqlite", feature = "postgres", feature = "mysql")),
    allow(dead_code, reason = "each engine has faults of its own")
)]
pub(crate) enum Fault {
    /// It may be over by itself: a lock, too many connections, a disk that does not answer.
    Passing,
    /// The connection has ended, and those that lie idle have as well. Whether the statement was done is not known.
    Lost,
    /// The server can be written no more, as when another has taken its place. Nothing was done.
    ReadsOnly,
    /// Nothing was heard in time. Whether the statement was done is not known.
    Silent,
    /// The engine undid the statement to let others through. Nothing was done.
    Undone,
    KeyTaken,
    NoTable,
    NoFile,
    OtherTable,
    NoAccess,
    NotADatabase,
    Address,
    Encryption,
    Credentials,
    NoDatabase,
    NoSchema,
    NoPrivilege,
    TooLarge,
    Full,
}

impl Failure {
    pub(crate) fn new(fault: Fault, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { fault, cause: cause.into() }
    }

    /// Of an address that sqlx does not understand: most often for what is in its password.
    #[cfg(any(feature = "postgres", feature = "mysql"))]
    pub(crate) fn in_address(reason: &dyn StdError) -> Self {
        const CODES: &str =
            "`@` in a user's name or password is written `%40`, `/` `%2F`, `?` `%3F`, `#` `%23`";
        Self::new(Fault::Address, format!("{reason} ({CODES})"))
    }

    /// The same failure, for each of many.
    pub(crate) fn of_many(self) -> impl Fn() -> Self {
        let (fault, cause) = (self.fault, Arc::<dyn StdError + Send + Sync>::from(self.cause));
        move || Self { fault, cause: Box::new(Arc::clone(&cause)) }
    }

    /// As the contract has it.
    pub(crate) fn about(self, table: &TableName) -> StoreError {
        let says = match self.fault {
            // Nothing is behind this but the reason itself.
            Fault::Address => format!("{}: {}", self.fault.says(table), self.cause),
            _ => return StoreError::new(self.fault.kind(), self.fault.says(table)).with_source(self.cause),
        };
        StoreError::new(self.fault.kind(), says)
    }
}

impl Fault {
    /// The connection is of no use any more, and nor are those that were opened with it.
    pub(crate) fn ends_connections(self) -> bool {
        matches!(self, Self::Lost | Self::ReadsOnly | Self::Silent)
    }

    fn kind(self) -> StoreErrorKind {
        match self {
            Self::Passing | Self::Lost | Self::ReadsOnly | Self::Silent | Self::Undone | Self::KeyTaken => {
                StoreErrorKind::Unavailable
            }
            Self::NoTable | Self::NoFile => StoreErrorKind::Absent,
            Self::OtherTable
            | Self::NoAccess
            | Self::NotADatabase
            | Self::Address
            | Self::Encryption
            | Self::Credentials
            | Self::NoDatabase
            | Self::NoSchema
            | Self::NoPrivilege => StoreErrorKind::Misconfigured,
            Self::TooLarge | Self::Full => StoreErrorKind::Full,
        }
    }

    fn says(self, table: &TableName) -> String {
        let says = match self {
            Self::Passing | Self::Lost | Self::Silent => {
                "the session database cannot be reached, or did not answer in time"
            }
            Self::ReadsOnly => "the session database takes no writes: it is a replica, or is becoming one",
            Self::Undone => "the session database let other writers go first each time: try again",
            Self::KeyTaken => "the new key of a session is taken: try again",
            Self::NoTable => {
                return format!(
                    "the table `{table}` does not exist: have the store's `migrate` make it, or have the SQL of `schema` run"
                );
            }
            Self::NoFile => "the session database does not exist: check its path, or have it created",
            Self::OtherTable => {
                return format!(
                    "the table `{table}` is not as `schema` makes it: choose another name for the table of sessions"
                );
            }
            Self::NoAccess => {
                "the session database cannot be opened or written: check that its folder exists, and that this process may \
                 read and write there"
            }
            Self::NotADatabase => {
                "the session database is no database of this engine, or is damaged: restore it, or choose another place"
            }
            Self::Address => "the session database cannot be connected to as its address says",
            Self::Encryption => {
                "the connection to the session database is not encrypted as one side demands: check the certificates and what \
                 the server lets in, and that a TLS feature of sqlx is turned on"
            }
            Self::Credentials => {
                "the session database does not let this user in: check the name and the password in its address"
            }
            Self::NoDatabase => {
                "the server has no such database for this user: create it, grant it, or name another in the address"
            }
            Self::NoSchema => {
                return format!(
                    "the schema of the table `{table}` does not exist: create it, or name another"
                );
            }
            Self::NoPrivilege => {
                return format!(
                    "the database account may not do this to the table `{table}`: grant it SELECT, INSERT, UPDATE and \
                     DELETE, and have the SQL of `schema` run by an account that may create tables"
                );
            }
            Self::TooLarge => {
                "a session is larger than the database server takes: lower `max_bytes`, or raise the server's limit"
            }
            Self::Full => "the session database has no room: free some on its disk",
        };
        says.to_owned()
    }
}

/// The other side of a connection is not who it should be, or does not take us for one. Both are refused in words of rustls, in an error
/// of the operating system's kind.
#[cfg(any(feature = "postgres", feature = "mysql"))]
pub(crate) fn is_of_encryption(error: &std::io::Error) -> bool {
    let says = error.to_string();
    error.kind() == std::io::ErrorKind::InvalidData
        && (says.contains("invalid peer certificate") || says.contains("fatal alert"))
}

/// An account does not fit into the index of accounts, which takes so many bytes.
pub(crate) fn too_long(limit: usize) -> StoreError {
    let says = format!("the name of the account does not fit: this store takes {limit} bytes");
    StoreError::new(StoreErrorKind::Unsupported, says)
}

/// What a server said, without what it repeats of a row: PostgreSQL shows whole rows in an error's details, MySQL values in its
/// message.
#[derive(Debug, thiserror::Error)]
#[error("the database server says {code}: {message}")]
#[cfg_attr(
    not(any(feature = "postgres", feature = "mysql")),
    allow(dead_code, reason = "SQLite has no server")
)]
pub(crate) struct Said {
    pub(crate) code: String,
    pub(crate) message: String,
}

#[cfg(all(test, any(feature = "postgres", feature = "mysql")))]
mod tests {
    use std::io::{Error, ErrorKind};

    use super::*;

    #[test]
    fn a_certificate_that_is_not_trusted_is_no_outage() {
        for says in ["invalid peer certificate: UnknownIssuer", "received fatal alert: CertificateRequired"] {
            assert!(is_of_encryption(&Error::new(ErrorKind::InvalidData, says)), "{says}");
        }
        for (kind, says) in [
            (ErrorKind::InvalidData, "received corrupt message"),
            (ErrorKind::ConnectionReset, "invalid peer certificate: UnknownIssuer"),
        ] {
            assert!(!is_of_encryption(&Error::new(kind, says)), "{kind}: {says}");
        }
    }
}
