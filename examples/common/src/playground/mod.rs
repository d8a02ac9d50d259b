//! The playground: a server that offers the whole session API over HTTP, without the HTTP.
//!
//! A framework's binary reads the [command line](Args), connects the store, installs its session layer, and serves these routes:
//!
//! | route | answers | with |
//! | --- | --- | --- |
//! | `GET /untouched` | `ok`, without asking for the session | |
//! | `POST /ops[?status=N]` | `{"results":[…]}` with status N, 200 where it is left out | [`run`] |
//! | `GET /read` | the number under `n` as text, 0 where absent | [`read()`] |
//! | `GET /write` | the same after adding one | [`write()`] |
//! | `POST /login/{account}` | `ok` | [`Session::login`](session_core::Session::login) |
//! | `POST /logout` | `ok` | [`Session::flush`](session_core::Session::flush) |
//! | `GET /healthz` | `ok`, or the error | [`Sessions::health`](session_core::Sessions::health) |
//!
//! When it serves, it prints [`listening_on`].

mod args;
mod error;
mod number;
mod ops;

use std::net::SocketAddr;

use session_core::{Result, Session};

pub use args::{Args, Format, SecretKey};
pub use error::PlaygroundError;
pub use ops::run;

use number::Increment;

/// The key that `/read` and `/write` use.
const N: &str = "n";

/// What `GET /read` answers.
pub fn read(session: &Session) -> Result<String> {
    Ok(session.get::<serde_json::Number>(N)?.unwrap_or_else(|| 0.into()).to_string())
}

/// What `GET /write` answers: one more, and of concurrent requests none is lost.
pub fn write(session: &Session) -> Result<String> {
    match number::increment(session, N, &1.into())? {
        Increment::Done(sum) => Ok(sum.to_string()),
        Increment::NoNumber => Err(session_core::Error::WrongType {
            key: N.to_owned(),
            expected: std::any::type_name::<serde_json::Number>(),
        }),
    }
}

/// The line that says that requests are served, which whoever starts a playground waits for.
pub fn listening_on(address: SocketAddr) -> String {
    format!("listening on http://{address}")
}

#[cfg(test)]
mod tests {
    use session_core::{Sessions, Settings};
    use session_memory::MemoryStore;

    use super::*;

    #[test]
    fn write_adds_one_and_read_adds_nothing() {
        let session = Sessions::new(MemoryStore::new(), Settings::default()).unwrap().create();
        assert_eq!(read(&session).unwrap(), "0");
        assert!(!session.is_modified());
        assert_eq!(write(&session).unwrap(), "1");
        assert_eq!(write(&session).unwrap(), "2");
        assert_eq!(read(&session).unwrap(), "2");
        session.insert(N, "text").unwrap();
        assert_eq!(write(&session).unwrap_err().code(), "wrong_type");
        assert_eq!(session.get::<String>(N).unwrap().as_deref(), Some("text"));
    }
}
