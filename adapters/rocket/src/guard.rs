//! The session as an argument of a handler, and from a request.

use rocket::request::{FromRequest, Outcome, Request};
use rocket::{Ignite, Rocket, Sentinel, async_trait};

use crate::catcher::Refused;
use crate::fairing::{Installed, pending};
use crate::session::{Error, LazySession, Main, Result, Session};

const HOW: &str =
    "add `.attach(SessionFairing::from_config())` to the rocket; for `Session<N>`, a `SessionFairing::<N>`";

/// Asks a request for its session, where there is no guard: in a catcher, a fairing, or a guard of the application's own.
///
/// ```
/// # #[macro_use] extern crate rocket;
/// use rocket::Request;
/// use session_rocket::SessionExt;
///
/// #[catch(404)]
/// async fn not_found(request: &Request<'_>) -> session_rocket::Result<String> {
///     let session = request.session()?.open().await?;
///     Ok(format!("There is no such page, {}.", session.account().unwrap_or_default()))
/// }
/// # fn main() {}
/// ```
pub trait SessionExt {
    /// The session of this name, not loaded. An error where no fairing of the name is attached.
    fn named_session<N: 'static>(&self) -> Result<LazySession<N>>;

    /// The session that has no name, not loaded. An error where no fairing is attached.
    fn session(&self) -> Result<LazySession> {
        self.named_session::<Main>()
    }
}

impl SessionExt for Request<'_> {
    fn named_session<N: 'static>(&self) -> Result<LazySession<N>> {
        let pending = pending::<N>(self).ok_or(session_core::Error::NotInstalled(HOW))?;
        Ok(LazySession::new(pending))
    }
}

#[async_trait]
impl<'r, N: 'static> FromRequest<'r> for LazySession<N> {
    type Error = Error;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Error> {
        outcome(request, request.named_session())
    }
}

#[async_trait]
impl<'r, N: 'static> FromRequest<'r> for Session<N> {
    type Error = Error;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Error> {
        let session = match request.named_session() {
            Ok(session) => session.open().await,
            Err(error) => Err(error),
        };
        outcome(request, session)
    }
}

fn outcome<T>(request: &Request<'_>, session: Result<T>) -> Outcome<T, Error> {
    match session {
        Ok(session) => Outcome::Success(session),
        Err(error) => {
            Refused::note(request, &error);
            Outcome::Error((error.status(), error))
        }
    }
}

impl<N: 'static> Sentinel for LazySession<N> {
    fn abort(rocket: &Rocket<Ignite>) -> bool {
        let missing = rocket.state::<Installed<N>>().is_none();
        if missing {
            rocket::error!("`{}` is not installed: {HOW}", std::any::type_name::<Session<N>>());
        }
        missing
    }
}

impl<N: 'static> Sentinel for Session<N> {
    fn abort(rocket: &Rocket<Ignite>) -> bool {
        LazySession::<N>::abort(rocket)
    }
}
