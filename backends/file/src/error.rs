//! What went wrong, in the words of the contract.

use std::io;
use std::path::Path;

use rustix::fs::RawMode;
use rustix::io::Errno;
use session_core::store::{StoreError, StoreErrorKind};

use crate::layout::Damaged;

pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a verb could not be done. What the operating system says is read here, once.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("it is not there: create it, or its parent, or open the store again")]
    Gone(#[source] io::Error),
    #[error("`{what}` {why}")]
    Refused { what: String, why: Refusal },
    #[error(
        "this process may not read or write there: it must own the folder, with mode 0700, on a disk that is mounted for writing"
    )]
    Denied(#[source] io::Error),
    #[error("there is no room: free some on its disk, or raise its quota")]
    Full(#[source] io::Error),
    #[error("its disk does not answer as it should")]
    Unavailable(#[source] io::Error),
    #[error("another process has kept a lock for too long: look for one that was stopped")]
    Busy,
    #[error("the runtime is shutting down")]
    ShuttingDown,
    #[error("a stored session cannot be read, and was left as it is: {0}")]
    Undecodable(#[from] Damaged),
    #[cfg(feature = "django")]
    #[error("a stored session cannot be read, and was left as it is: {0}")]
    Foreign(#[source] session_core::Error),
    #[cfg(feature = "django")]
    #[error(
        "Django's files have no index of accounts and no secrets: their sessions are found by their keys alone"
    )]
    NoAccounts,
    #[error("a session keeps its key here, and cannot be moved to another")]
    Moved,
    #[error("a session of 4 GiB or more does not fit into its file")]
    TooLarge,
}

/// Why something in the folder is not trusted (T19), and what to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("is a symbolic link, which is not followed: name the folder itself, or remove the link")]
    Link,
    #[error("is no folder: move it away, or choose another place for the sessions")]
    NoFolder,
    #[error("is no file: move it away")]
    NoFile,
    #[error(
        "belongs to the user {0}: give it to the user of this process with chown, or choose another folder"
    )]
    OtherOwner(u32),
    #[error("has the mode {0:04o}, which lets others in: run `chmod 700` on it")]
    OpenFolder(RawMode),
    #[error("has the mode {0:04o}, which lets others write: run `chmod 600` on it")]
    OpenFile(RawMode),
}

impl Error {
    /// One record cannot be read; of the others that says nothing.
    pub(crate) fn is_about_a_record(&self) -> bool {
        self.kind() == StoreErrorKind::Undecodable
    }

    fn kind(&self) -> StoreErrorKind {
        match self {
            Self::Gone(_) => StoreErrorKind::Absent,
            Self::Refused { .. } | Self::Denied(_) => StoreErrorKind::Misconfigured,
            Self::Full(_) => StoreErrorKind::Full,
            Self::Unavailable(_) | Self::Busy | Self::ShuttingDown => StoreErrorKind::Unavailable,
            Self::Undecodable(_) => StoreErrorKind::Undecodable,
            #[cfg(feature = "django")]
            Self::Foreign(_) => StoreErrorKind::Undecodable,
            #[cfg(feature = "django")]
            Self::NoAccounts => StoreErrorKind::Unsupported,
            Self::Moved | Self::TooLarge => StoreErrorKind::Unsupported,
        }
    }

    /// For the caller of a store on this folder.
    pub(crate) fn at(self, folder: &Path) -> StoreError {
        let error =
            StoreError::new(self.kind(), format!("the session folder `{}`: {self}", folder.display()));
        match self {
            Self::Gone(source) | Self::Denied(source) | Self::Full(source) | Self::Unavailable(source) => {
                error.with_source(source)
            }
            _ => error,
        }
    }

    /// Of a step after the one that took effect: the write is done, though perhaps not for good. Only core, which reads the
    /// record again after such an error, can tell.
    pub(crate) fn after_the_fact(self) -> Self {
        match self {
            Self::Gone(source) | Self::Denied(source) | Self::Full(source) => Self::Unavailable(source),
            other => other,
        }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        match Errno::from_io_error(&error) {
            Some(Errno::NOSPC | Errno::DQUOT) => Self::Full(error),
            Some(Errno::NOENT) => Self::Gone(error),
            Some(
                Errno::ACCESS
                | Errno::PERM
                | Errno::ROFS
                | Errno::NOTDIR
                | Errno::ISDIR
                | Errno::LOOP
                | Errno::NAMETOOLONG,
            ) => Self::Denied(error),
            _ => Self::Unavailable(error),
        }
    }
}

impl From<Errno> for Error {
    fn from(error: Errno) -> Self {
        io::Error::from(error).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_of_the_system_is_the_kind_that_says_what_to_do() {
        for (errno, kind) in [
            (Errno::NOSPC, StoreErrorKind::Full),
            (Errno::DQUOT, StoreErrorKind::Full),
            (Errno::ACCESS, StoreErrorKind::Misconfigured),
            (Errno::PERM, StoreErrorKind::Misconfigured),
            (Errno::ROFS, StoreErrorKind::Misconfigured),
            (Errno::NOTDIR, StoreErrorKind::Misconfigured),
            (Errno::NOENT, StoreErrorKind::Absent),
            (Errno::IO, StoreErrorKind::Unavailable),
            (Errno::MFILE, StoreErrorKind::Unavailable),
            (Errno::STALE, StoreErrorKind::Unavailable),
        ] {
            assert_eq!(Error::from(errno).kind(), kind, "{errno}");
        }
    }
}
