//! What can go wrong, and what a program that calls this one learns of it.

use std::io;
use std::process::ExitCode;

use session_backends::ConnectError;
use session_core::store::{StoreError, StoreErrorKind};
use session_core::{Error, SettingsError};

use crate::args::{Args, Command, Format};

/// How a command ended that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Done {
    All,
    /// Something stays undone, as was said.
    Partly,
    /// Something is weak in production.
    Weak,
    /// It was told to stop.
    Stopped,
}

impl From<Done> for ExitCode {
    fn from(done: Done) -> Self {
        match done {
            Done::All => Self::SUCCESS,
            Done::Partly => Self::FAILURE,
            Done::Weak => 5_u8.into(),
            Done::Stopped => STOPPED.into(),
        }
    }
}

/// As shells have it for who was ended by Ctrl-C.
pub(crate) const STOPPED: u8 = 130;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// What clap says, in lines of its own.
    #[error("{}", .0.render().to_string().trim_end())]
    Typed(clap::Error),
    #[error("{0}")]
    Usage(String),
    #[error("no live session `{0}`: it has ended, or it is another store's")]
    NotFound(String),
    #[error("{name}: {source}")]
    Key { name: &'static str, source: SettingsError },
    #[error(transparent)]
    Connect(ConnectError),
    #[error(transparent)]
    Session(#[from] Error),
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[cfg(feature = "cached")]
    #[error("the cache does not answer, and would serve what is ended for up to five minutes more: {0}")]
    Cache(StoreError),
    #[error("{what}: {source}")]
    File { what: String, source: io::Error },
    #[error(transparent)]
    Output(#[from] io::Error),
}

/// What is said of a store that no other process can see.
pub(crate) const OUT_OF_REACH: &str = "no other program can look into this store: sessions in memory are in the application's process, \
                                       and those in cookies in the browsers";

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::NotCompiledIn { feature: "memory" | "cookie", .. } => {
                Self::Usage(OUT_OF_REACH.to_owned())
            }
            error => Self::Connect(error),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Session(error.into())
    }
}

impl Failure {
    /// What the program ends with: the list is in `main.rs`.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            // Who reads has seen enough, as `head` does.
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => 0,
            Self::Typed(_)
            | Self::Usage(_)
            | Self::Key { .. }
            | Self::Settings(_)
            | Self::File { .. }
            | Self::Connect(
                ConnectError::UnknownScheme { .. }
                | ConnectError::NotCompiledIn { .. }
                | ConnectError::Malformed(_)
                | ConnectError::Combination(_)
                | ConnectError::Name(_),
            ) => 2,
            Self::NotFound(_) => 4,
            _ if self.kind() == Some(StoreErrorKind::Unavailable) => 3,
            _ => 1,
        }
    }

    /// A name for programs.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Session(error) => error.code(),
            Self::Connect(ConnectError::Store(error)) => error.kind().code(),
            Self::NotFound(_) => "not_found",
            #[cfg(feature = "cached")]
            Self::Cache(_) => "cache_unavailable",
            Self::File { .. } | Self::Output(_) => "io",
            _ => "usage",
        }
    }

    /// What helps, where this program can do it.
    pub(crate) fn advice(&self, asked: Option<&Args>) -> Option<&'static str> {
        #[cfg(feature = "cached")]
        if let Self::Cache(_) = self {
            return Some("nothing was done: try again, or without --cache in the store alone");
        }
        let asked = asked?;
        match self.kind()? {
            StoreErrorKind::Absent if matches!(asked.command, Command::Init(_)) => None,
            StoreErrorKind::Absent if asked.store.format == Format::Django => {
                Some("`python manage.py migrate` of the project creates its table")
            }
            StoreErrorKind::Absent if asked.store.has_table() => {
                Some("`session init` creates it; `session init --print-sql` shows the SQL of the table")
            }
            StoreErrorKind::Absent => Some("`session init` creates it"),
            StoreErrorKind::Unavailable if asked.command.writes() => {
                Some("what was done before this stays done: try again later")
            }
            StoreErrorKind::Unavailable => Some("try again later"),
            _ => None,
        }
    }

    /// Whether its text is this program's own, and repeats nothing of what it was given: a password that is a common word stays in it.
    pub(crate) fn repeats_nothing(&self) -> bool {
        use ConnectError::{Combination, Malformed, Secret};
        matches!(self, Self::Key { .. } | Self::Connect(Combination(_) | Malformed(_) | Secret(_)))
    }

    /// Whether it helps to know which store it was.
    pub(crate) fn is_of_the_store(&self) -> bool {
        self.kind().is_some()
    }

    fn kind(&self) -> Option<StoreErrorKind> {
        match self {
            Self::Connect(ConnectError::Store(error)) | Self::Session(Error::Store(error)) => {
                Some(error.kind())
            }
            #[cfg(feature = "cached")]
            Self::Cache(error) => Some(error.kind()),
            _ => None,
        }
    }
}
