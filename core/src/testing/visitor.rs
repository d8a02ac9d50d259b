//! A browser without HTTP.

use cookie::Cookie;

use crate::error::{Error, Result};
use crate::lifecycle::Finished;
use crate::open::Pending;
use crate::session::Session;
use crate::sessions::Sessions;

/// Makes requests one after the other and keeps the session's cookie between them, as a browser does. Clones have the cookie that
/// this one has now.
///
/// ```
/// # use session_core::{Sessions, Settings, testing::Visitor};
/// # async fn f(sessions: Sessions) -> session_core::Result<()> {
/// let mut visitor = Visitor::new(&sessions);
/// visitor.visit(200, async |session| session.insert("n", 1)).await?;
/// let n: Option<u32> = visitor.visit(200, async |session| session.get("n")).await?;
/// assert_eq!(n, Some(1));
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Visitor {
    sessions: Sessions,
    cookie: Option<String>,
}

impl Visitor {
    /// One who has not been here before.
    pub fn new(sessions: &Sessions) -> Self {
        Self { sessions: sessions.clone(), cookie: None }
    }

    /// One who comes with this value of the session's cookie.
    pub fn with_cookie(sessions: &Sessions, value: impl Into<String>) -> Self {
        Self { sessions: sessions.clone(), cookie: Some(value.into()) }
    }

    /// The value of the session's cookie.
    pub fn cookie(&self) -> Option<&str> {
        self.cookie.as_deref()
    }

    /// Begins a request; others may go on meanwhile.
    pub fn begin(&self) -> Visit {
        let header =
            self.cookie.as_ref().map(|value| format!("{}={value}", self.sessions.settings().cookie_name));
        let pending = self.sessions.begin(header.as_ref().map(String::as_bytes));
        Visit { sessions: self.sessions.clone(), pending }
    }

    /// Makes a request: opens the session, runs the handler, finishes with this status, and keeps the cookie that comes back.
    ///
    /// # Errors
    ///
    /// The handler's, else that of opening or saving.
    pub async fn visit<T>(
        &mut self,
        status: u16,
        handler: impl AsyncFnOnce(Session) -> Result<T>,
    ) -> Result<T> {
        let visit = self.begin();
        let answer = match visit.session().await {
            Ok(session) => handler(session).await,
            Err(error) => Err(error),
        };
        let status = answer.as_ref().map_or_else(Error::status, |_| status);
        let finished = visit.finish(status).await;
        self.receive(&finished);
        match finished.error {
            Some(error) if answer.is_ok() => Err(error),
            _ => answer,
        }
    }

    /// Keeps the cookie of a response.
    ///
    /// # Panics
    ///
    /// Where the `Set-Cookie` is none that a browser can read.
    pub fn receive(&mut self, finished: &Finished) {
        let Some(header) = finished.headers.set_cookie() else { return };
        let cookie = Cookie::parse(header.to_owned()).expect("a Set-Cookie that a browser can read");
        let gone = cookie.max_age().is_some_and(|age| !age.is_positive());
        self.cookie = (!gone).then(|| cookie.value().to_owned());
    }
}

/// A request under way.
#[derive(Clone, Debug)]
pub struct Visit {
    sessions: Sessions,
    pending: Pending,
}

impl Visit {
    /// The request's session.
    pub async fn session(&self) -> Result<Session> {
        self.pending.open().await
    }

    /// The request's session, not loaded.
    pub fn pending(&self) -> &Pending {
        &self.pending
    }

    /// Answers with this status.
    pub async fn finish(self, status: u16) -> Finished {
        self.sessions.finish(self.pending, status).await
    }
}
