//! What went wrong, in the words of the contract.

use redis::{ErrorKind, RedisError};
use session_core::RecordKey;
use session_core::store::{StoreError, StoreErrorKind};

use crate::layout::Damaged;

/// What an error of Redis means, and what to do about it.
///
/// No message holds a value, an account or a password, and neither do Redis's own, which are kept behind it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("Redis cannot be reached, or did not answer in time")]
    Unreachable(#[source] RedisError),
    #[error("Redis answers but cannot serve now: it is starting, failing over, or busy")]
    Passing(#[source] RedisError),
    #[error(
        "no sentinel names a primary that answers: it is failing over, or the URL names another than the sentinels watch"
    )]
    NoPrimary(#[source] RedisError),
    #[error("the write was done, but {acknowledged} of {wanted} replicas have it so far")]
    NotReplicated { acknowledged: i64, wanted: u32 },
    #[error(
        "Redis refuses this client's credentials, or a command: correct the URL's user and password, or what the user may do"
    )]
    Refused(#[source] RedisError),
    #[error(
        "the certificate of Redis is not trusted: add its authority to the system's, or correct the host's name in the URL"
    )]
    Certificate(#[source] RedisError),
    #[error(
        "the server is one of a cluster: connect to it with `redis+cluster://`, and the cargo feature `cluster`"
    )]
    OfACluster(#[source] RedisError),
    #[error(
        "a key of the sessions holds something else: choose another prefix, or another database, or remove it"
    )]
    ForeignKey(#[source] RedisError),
    #[error(
        "Redis does not understand a command: it is older than version 5, or something that is not quite Redis"
    )]
    NotUnderstood(#[source] RedisError),
    #[error("the address of Redis is not understood: {0}")]
    Address(&'static str),
    #[error("Redis has no room: raise its `maxmemory`, or make room on its disk")]
    Full(#[source] RedisError),
    #[error("a stored session{} cannot be read, and was left as it is: {source}", shown(*key))]
    Undecodable { key: Option<RecordKey>, source: Damaged },
    #[error("what is stored{} is nothing that this library writes, and was left as it is", shown(Some(*.0)))]
    NotOurs(RecordKey),
    #[error("Redis gave an answer that none of its versions gives: is there a proxy before it?")]
    Answer,
    #[error("the operating system gave no random bytes")]
    NoRandom,
}

fn shown(key: Option<RecordKey>) -> String {
    key.map_or_else(String::new, |key| format!(" under {key:?}"))
}

impl Error {
    fn kind(&self) -> StoreErrorKind {
        match self {
            Self::Unreachable(_)
            | Self::Passing(_)
            | Self::NoPrimary(_)
            | Self::NotReplicated { .. }
            | Self::NoRandom => StoreErrorKind::Unavailable,
            Self::Refused(_)
            | Self::Certificate(_)
            | Self::OfACluster(_)
            | Self::ForeignKey(_)
            | Self::NotUnderstood(_)
            | Self::Address(_)
            | Self::Answer => StoreErrorKind::Misconfigured,
            Self::Full(_) => StoreErrorKind::Full,
            Self::Undecodable { .. } | Self::NotOurs(_) => StoreErrorKind::Undecodable,
        }
    }
}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        let store_error = StoreError::new(error.kind(), error.to_string());
        match error {
            Error::Unreachable(source)
            | Error::Passing(source)
            | Error::NoPrimary(source)
            | Error::Refused(source)
            | Error::Certificate(source)
            | Error::OfACluster(source)
            | Error::ForeignKey(source)
            | Error::NotUnderstood(source)
            | Error::Full(source) => store_error.with_source(source),
            Error::Undecodable { source, .. } => store_error.with_source(source),
            Error::NotReplicated { .. }
            | Error::Address(_)
            | Error::NotOurs(_)
            | Error::Answer
            | Error::NoRandom => store_error,
        }
    }
}

/// What an address is like, where the redis crate does not understand it.
pub(crate) const AS_IT_IS: &str = "it is not as `redis://user:password@host:port/database` is (`@` in a user's name or \
                                   password is written `%40`, `/` `%2F`, `?` `%3F`, `#` `%23`)";

impl From<RedisError> for Error {
    fn from(error: RedisError) -> Self {
        match error.kind() {
            ErrorKind::AuthenticationFailed => Self::Refused(error),
            ErrorKind::InvalidClientConfig | ErrorKind::EmptySentinelList => Self::Address(AS_IT_IS),
            ErrorKind::MasterNameNotFoundBySentinel => Self::NoPrimary(error),
            // The connection has ended within an answer, as that to the first question of a connection.
            ErrorKind::Parse if error.to_string().contains("end of input") => Self::Unreachable(error),
            ErrorKind::UnexpectedReturnType | ErrorKind::Parse | ErrorKind::Client => Self::Answer,
            _ => Self::by_code(error),
        }
    }
}

impl Error {
    /// By the code that a server put first in its answer. It is looked for in the whole text: a script's error of Redis 6 has it in
    /// its middle, and a cluster's client has it in the reason why it could not connect.
    fn by_code(error: RedisError) -> Self {
        let text = error.to_string();
        let code = error.code().map(str::to_owned);
        let is = |wanted: &str| {
            code.as_deref() == Some(wanted)
                || text.split(|c: char| !c.is_ascii_uppercase()).any(|w| w == wanted)
        };
        if ["NOAUTH", "WRONGPASS", "NOPERM"].into_iter().any(is)
            || text.contains("Password authentication failed")
        {
            Self::Refused(error)
        } else if text.contains("invalid peer certificate") {
            Self::Certificate(error)
        } else if is("WRONGTYPE") {
            Self::ForeignKey(error)
        } else if is("OOM") || is("MISCONF") {
            Self::Full(error)
        } else if PASSING.into_iter().any(is) || text.contains("max number of clients") {
            Self::Passing(error)
        } else if is("MOVED") || is("CROSSSLOT") {
            Self::OfACluster(error)
        } else if code.as_deref() == Some("ERR") {
            Self::NotUnderstood(error)
        } else {
            Self::Unreachable(error)
        }
    }
}

/// Codes of what passes: <https://redis.io/docs/latest/develop/reference/protocol-spec/> has no list, the server's source has.
const PASSING: [&str; 10] = [
    "LOADING",
    "READONLY",
    "CLUSTERDOWN",
    "MASTERDOWN",
    "TRYAGAIN",
    "BUSY",
    "UNBLOCKED",
    "NOREPLICAS",
    "NOSCRIPT",
    "ASK",
];

#[cfg(test)]
mod tests {
    use redis::{Value, parse_redis_value};

    use super::*;

    fn of(answer: &str) -> StoreErrorKind {
        let Ok(Value::ServerError(error)) = parse_redis_value(format!("-{answer}\r\n").as_bytes()) else {
            panic!("{answer} is an error");
        };
        Error::from(RedisError::from(error)).kind()
    }

    #[test]
    fn an_answer_says_what_kind_it_is() {
        use StoreErrorKind::{Full, Misconfigured, Unavailable};

        for (answer, kind) in [
            ("LOADING Redis is loading the dataset in memory", Unavailable),
            ("READONLY You can't write against a read only replica.", Unavailable),
            ("CLUSTERDOWN The cluster is down", Unavailable),
            ("MASTERDOWN Link with MASTER is down", Unavailable),
            ("TRYAGAIN Multiple keys request during rehashing of slot", Unavailable),
            ("BUSY Redis is busy running a script.", Unavailable),
            ("UNBLOCKED force unblock from blocking operation", Unavailable),
            ("NOREPLICAS Not enough good replicas to write.", Unavailable),
            ("ERR max number of clients reached", Unavailable),
            ("NOAUTH Authentication required.", Misconfigured),
            ("WRONGPASS invalid username-password pair", Misconfigured),
            ("NOPERM this user has no permissions to run the 'get' command", Misconfigured),
            ("WRONGTYPE Operation against a key holding the wrong kind of value", Misconfigured),
            ("MOVED 3999 127.0.0.1:6381", Misconfigured),
            ("ERR unknown command 'EVALSHA'", Misconfigured),
            ("ERR DB index is out of range", Misconfigured),
            ("OOM command not allowed when used memory > 'maxmemory'.", Full),
            ("MISCONF Redis is configured to save RDB snapshots, but it's unable to persist to disk.", Full),
            // As Redis 6 has the errors of scripts.
            ("ERR Error running script (call to f_1): @user_script:3: -OOM command not allowed", Full),
            (
                "ERR Error running script (call to f_1): @user_script:3: -READONLY You can't write",
                Unavailable,
            ),
        ] {
            assert_eq!(of(answer), kind, "{answer}");
        }
    }
}
