//! Why a server is not there.

use std::io;
use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

/// Why a server could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The program is not on this machine.
    #[error("there is no {program} on this machine: install {package}")]
    Missing {
        /// The program.
        program: &'static str,
        /// Debian's package that has it.
        package: &'static str,
    },
    /// The operating system refused something.
    #[error("{server}: {what}: {source}")]
    System {
        /// The server.
        server: &'static str,
        /// What was refused.
        what: String,
        /// How.
        source: io::Error,
    },
    /// The program that makes the server's data failed.
    #[error("{server}: {program} failed ({status}):\n{output}")]
    Setup {
        /// The server.
        server: &'static str,
        /// The program.
        program: String,
        /// How it ended.
        status: ExitStatus,
        /// What it said.
        output: String,
    },
    /// The server ended while it was waited for.
    #[error("{server} ended by itself ({status}); the end of its log:\n{log}")]
    Ended {
        /// The server.
        server: &'static str,
        /// How it ended.
        status: ExitStatus,
        /// The end of its log.
        log: String,
    },
    /// The server runs, but gave no or no good answer in time.
    #[error("{server} did not get ready in {} s: {last}; the end of its log:\n{log}", limit.as_secs())]
    NotReady {
        /// The server.
        server: &'static str,
        /// How long it was waited for.
        limit: Duration,
        /// What was wrong at last.
        last: String,
        /// The end of its log.
        log: String,
    },
}

impl StartError {
    pub(crate) fn system(
        server: &'static str,
        what: impl Into<String>,
    ) -> impl FnOnce(io::Error) -> StartError {
        move |source| Self::System { server, what: what.into(), source }
    }
}

/// The last lines of a log.
pub(crate) fn end_of(log: &Path) -> String {
    const LINES: usize = 30;
    let log = std::fs::read(log).unwrap_or_default();
    let log = String::from_utf8_lossy(&log);
    let lines: Vec<_> = log.lines().collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}
