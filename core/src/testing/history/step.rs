//! One step: who did what to a session, when, and how it ended.

use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde::{Deserialize, Serialize};

/// What is done to a session. Its values are integers by key.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(clippy::exhaustive_enums, reason = "they are what the specification speaks of")]
pub enum Operation {
    /// It begins. What is set in the same step is in it from its beginning.
    Create,
    /// The value under the key is asked for; the answer has it.
    Read(String),
    /// The value is set, whatever it was.
    Set(String, i64),
    /// One is added; nothing counts as 0.
    Increment(String),
    /// The value is removed.
    Remove(String),
    /// It gets a new secret; the answer has it.
    Rotate,
    /// The account signs in, with which it gets a new secret; the answer has it.
    Login(String),
    /// A request logs out, which holds whatever happens meanwhile, and says no more than that the session has ended.
    Flush,
    /// It is ended by its handle; the answer says whether it was there.
    Revoke,
    /// It is ended if it is this account's.
    RevokeAccount(String),
    /// Its time is up.
    Expire,
}

impl Operation {
    /// The key that it is about; none where it is about the session's life.
    pub(super) fn key(&self) -> Option<&str> {
        match self {
            Self::Read(key) | Self::Set(key, _) | Self::Increment(key) | Self::Remove(key) => Some(key),
            _ => None,
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create => f.write_str("create"),
            Self::Read(key) => write!(f, "read {key}"),
            Self::Set(key, value) => write!(f, "set {key} to {value}"),
            Self::Increment(key) => write!(f, "increment {key}"),
            Self::Remove(key) => write!(f, "remove {key}"),
            Self::Rotate => f.write_str("rotate"),
            Self::Login(account) => write!(f, "log {account} in"),
            Self::Flush => f.write_str("flush"),
            Self::Revoke => f.write_str("revoke"),
            Self::RevokeAccount(account) => write!(f, "revoke the sessions of {account}"),
            Self::Expire => f.write_str("expire"),
        }
    }
}

/// Which of a session's secrets somebody came with. It says nothing of the secret itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Secret(u64);

impl Secret {
    /// That of a cookie with this value.
    pub fn of(cookie: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        cookie.hash(&mut hasher);
        Self(hasher.finish())
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04x}", self.0 >> 48)
    }
}

/// What somebody was told.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(clippy::exhaustive_enums, reason = "there is a session, or there is none")]
pub enum Answer {
    /// The session was there, and it was done.
    There {
        /// What the step's reads found, in their order.
        read: Vec<Option<i64>>,
        /// The session's new secret, where the step gave it one.
        secret: Option<Secret>,
    },
    /// For who came so there is no session, and nothing was done to it: the request was anonymous, it was interrupted, or what it
    /// wrote is in another session.
    Gone,
}

impl Answer {
    /// It was done, and there is nothing else to say.
    pub fn saved() -> Self {
        Self::There { read: Vec::new(), secret: None }
    }

    /// One read found this.
    pub fn value(value: Option<i64>) -> Self {
        Self::There { read: vec![value], secret: None }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::There { read, secret } = self else { return f.write_str("no session") };
        f.write_str("done")?;
        for value in read {
            match value {
                Some(value) => write!(f, ", {value}")?,
                None => f.write_str(", nothing")?,
            }
        }
        secret.map_or(Ok(()), |secret| write!(f, ", secret {secret}"))
    }
}

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(clippy::exhaustive_enums, reason = "done, not done, or nobody knows")]
pub enum End {
    /// It was answered.
    Done(Answer),
    /// It surely had no effect.
    Failed,
    /// It may have its effect at any time until the history's end, or never.
    Unknown,
}

/// What somebody did to a session at one point between two moments.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Step {
    pub(super) who: String,
    pub(super) session: String,
    /// What they came with; `None` where they need none.
    pub(super) secret: Option<Secret>,
    pub(super) operations: Vec<Operation>,
    pub(super) invoked: u64,
    /// The largest number while it has not, and where that is not known.
    pub(super) ended: u64,
    pub(super) end: End,
}

impl Step {
    /// What is known of its answer; where nothing is, what it would be if the step has an effect. `None` where it has none.
    pub(super) fn answer(&self) -> Option<Answer> {
        match &self.end {
            End::Done(answer) => Some(answer.clone()),
            End::Failed => None,
            End::Unknown => Some(Answer::saved()),
        }
    }

    pub(super) fn is_unknown(&self) -> bool {
        self.end == End::Unknown
    }

    /// Whether it changes nothing.
    pub(super) fn only_looks(&self) -> bool {
        let reads = self.operations.iter().all(|operation| matches!(operation, Operation::Read(_)));
        reads || self.end == End::Done(Answer::Gone)
    }

    /// This step as it was at an earlier moment.
    pub(super) fn as_of(&self, moment: u64) -> Self {
        if self.ended <= moment {
            self.clone()
        } else {
            Self { ended: u64::MAX, end: End::Unknown, ..self.clone() }
        }
    }
}
