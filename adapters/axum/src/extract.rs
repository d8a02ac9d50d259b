//! The session as an argument of a handler.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use session_core::Pending;

use crate::error::Error;

/// The name of the session that has no other.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Main;

/// The request's session, loaded. `N` names one of several in an application. See [`session_core::Session`] for what it can do.
///
/// Clones are the same session. As an argument it fails with 503 where the store cannot be reached, and with 500 where the layer
/// is missing; take `Result<Session, Error>` to answer otherwise.
pub struct Session<N = Main>(session_core::Session, PhantomData<fn() -> N>);

impl<N> Deref for Session<N> {
    type Target = session_core::Session;

    fn deref(&self) -> &session_core::Session {
        &self.0
    }
}

impl<N> Clone for Session<N> {
    fn clone(&self) -> Self {
        Self(self.0.clone(), PhantomData)
    }
}

impl<N> fmt::Debug for Session<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<N: 'static, S: Sync> FromRequestParts<S> for Session<N> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        LazySession::from_request_parts(parts, state).await?.open().await
    }
}

/// The request's session, not loaded: for a handler that may not need it, and for a logout in one trip to the store.
pub struct LazySession<N = Main>(pub(crate) Pending, PhantomData<fn() -> N>);

impl<N> LazySession<N> {
    pub(crate) fn new(pending: Pending) -> Self {
        Self(pending, PhantomData)
    }

    /// Loads the session, if that has not been done in this request.
    pub async fn open(&self) -> Result<Session<N>, Error> {
        Ok(Session(self.0.open().await?, PhantomData))
    }

    /// Ends the session without loading it, whatever the status of the response.
    pub async fn flush(&self) -> Result<(), Error> {
        Ok(self.0.flush().await?)
    }
}

impl<N> Clone for LazySession<N> {
    fn clone(&self) -> Self {
        Self::new(self.0.clone())
    }
}

impl<N> fmt::Debug for LazySession<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LazySession").finish_non_exhaustive()
    }
}

impl<N: 'static, S: Sync> FromRequestParts<S> for LazySession<N> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        const HOW: &str = "add `.layer(SessionLayer::connect(url).await?)` to the Router, after its routes; \
                           for `Session<N>`, a `SessionLayer::<N>`";
        let session = parts.extensions.get::<LazySession<N>>().cloned();
        session.ok_or_else(|| session_core::Error::NotInstalled(HOW).into())
    }
}
