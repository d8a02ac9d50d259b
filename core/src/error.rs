//! What can go wrong, as a handler sees it.

use std::fmt;

use crate::store::{StoreError, StoreErrorKind};

/// The result of working with a session.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why something could not be done with a session. Nothing was changed by what failed.
///
/// Every error says which HTTP status it is ([`status`](Error::status)) and has a stable code ([`code`](Error::code)), so that
/// an adapter answers alike in every framework. No error shows a token, a secret or a session's values.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The store failed. Where it cannot be reached this is 503; the session is as it was, and no cookie is touched.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Another request ended or rotated the session before this one could save its changes (Django's `SessionInterrupted`).
    #[error(
        "the session was ended or given a new secret by another request before this one could save its changes"
    )]
    Interrupted,
    /// Another request changed what this one relied on: a one-time value is taken already, or conflicts are rejected.
    #[error("another request changed the session first: load it again and repeat")]
    Conflict,
    /// The value is there, but it is not of the type that was asked for.
    #[error("the session's value under `{key}` is not a `{expected}`")]
    WrongType {
        /// Where the value is.
        key: String,
        /// The Rust type that was asked for.
        expected: &'static str,
    },
    /// The value cannot be written as JSON: a map whose keys are no strings, or a `Serialize` that failed.
    #[error("the value for `{key}` cannot be stored as JSON: {reason}")]
    Unserializable {
        /// Where it was to go.
        key: String,
        /// What `serde_json` said.
        reason: String,
    },
    /// The key begins with `_`, which is the session's own (D22).
    #[error("`{0}` begins with `_`, which is reserved for the session itself: choose another key")]
    ReservedKey(String),
    /// The data would be larger than the settings, or the cookie, allow.
    #[error(
        "the session would have {size} bytes, and {limit} are allowed: store large data elsewhere and keep its id"
    )]
    TooLarge {
        /// What it would be.
        size: usize,
        /// What may be.
        limit: usize,
    },
    /// The session would have more keys than the settings allow.
    #[error("the session would have more than {limit} keys: keep a list or map under one key")]
    TooManyKeys {
        /// What may be.
        limit: usize,
    },
    /// The account has as many sessions as it may, and a login over that is refused.
    #[error("the account has {limit} sessions, which is as many as it may: sign out of one of them first")]
    SessionLimit {
        /// How many it may have.
        limit: u32,
    },
    /// Nobody is signed in, and somebody must be.
    #[error("nobody is signed in")]
    NotAuthenticated,
    /// Somebody signed in too long ago for what they want to do.
    #[error("signing in was too long ago for this: ask for the password again")]
    AuthenticationTooOld,
    /// What is stored is no session that this version can read. It is left as it is.
    #[error("the stored session cannot be read, and is left as it is: {0}")]
    Undecodable(String),
    /// The response has left, or the request has ended without one, so its cookie can no longer change: nothing was done.
    #[error(
        "the response has been sent, so the session's cookie cannot change any more: do this before answering"
    )]
    Detached,
    /// This kind of store cannot do it. [`Capabilities`](crate::store::Capabilities) says so beforehand.
    #[error("this session store cannot {0}")]
    Unsupported(&'static str),
    /// The operating system gave no random bytes, so no token could be made.
    #[error("the operating system's random source failed: {0}")]
    Random(String),
    /// The framework's layer, middleware or fairing is not installed.
    #[error("sessions are not installed for this route: {0}")]
    NotInstalled(&'static str),
}

impl Error {
    /// The HTTP status that says this to a client.
    pub fn status(&self) -> u16 {
        match self {
            Error::Store(error) if error.kind() == StoreErrorKind::Unavailable => 503,
            Error::Interrupted => 400,
            Error::Conflict => 409,
            Error::TooLarge { .. } | Error::TooManyKeys { .. } => 413,
            Error::Unsupported(_) => 501,
            Error::NotAuthenticated | Error::AuthenticationTooOld => 401,
            Error::SessionLimit { .. } => 403,
            _ => 500,
        }
    }

    /// A name for programs, which does not change between versions.
    pub fn code(&self) -> &'static str {
        match self {
            Error::Store(error) => error.kind().code(),
            Error::Interrupted => "session_interrupted",
            Error::Conflict => "session_conflict",
            Error::WrongType { .. } => "wrong_type",
            Error::Unserializable { .. } => "unserializable",
            Error::ReservedKey(_) => "reserved_key",
            Error::TooLarge { .. } => "session_too_large",
            Error::TooManyKeys { .. } => "too_many_keys",
            Error::SessionLimit { .. } => "session_limit",
            Error::NotAuthenticated => "not_authenticated",
            Error::AuthenticationTooOld => "authentication_too_old",
            Error::Undecodable(_) => "session_undecodable",
            Error::Detached => "session_detached",
            Error::Unsupported(_) => "unsupported",
            Error::Random(_) => "random_source_failed",
            Error::NotInstalled(_) => "session_not_installed",
        }
    }

    /// The error as adapters answer it, unless the application says otherwise: `{"error":"session_interrupted"}`. Where the framework's
    /// part is not installed there is also a `hint`, because nobody but who writes the program sees that.
    pub fn to_json(&self) -> String {
        match self {
            Error::NotInstalled(how) => serde_json::json!({ "error": self.code(), "hint": how }).to_string(),
            _ => format!("{{\"error\":\"{}\"}}", self.code()),
        }
    }
}

impl From<rand::rngs::SysError> for Error {
    fn from(error: rand::rngs::SysError) -> Self {
        Self::Random(error.to_string())
    }
}

/// The settings do not fit together, or a browser would refuse the cookie. Nothing was built.
///
/// Its `Debug` is its `Display`: this is what a program prints whose `main` returns it.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// A part of the cookie is refused.
    #[error("{rule}; `{}` is not accepted", value.escape_debug())]
    Cookie {
        /// What was given.
        value: String,
        /// What it must be.
        rule: &'static str,
    },
    /// With a zero here no session could live, or none could be reached.
    #[error("`{setting}` is zero: leave it out where no such limit is meant")]
    Zero {
        /// The setting's name.
        setting: &'static str,
    },
    /// A secret is so short that it can be guessed.
    #[error("a secret has 32 bytes at least, and this one has {bytes}")]
    ShortSecret {
        /// What was given.
        bytes: usize,
    },
    /// The format that sessions are written in is not that of the store.
    #[error("{0}")]
    Format(&'static str),
}

impl fmt::Debug for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
