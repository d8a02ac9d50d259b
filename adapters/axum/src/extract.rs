//! The session as an argument of a handler.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::session::{Error, LazySession, Session};

impl<N: 'static, S: Sync> FromRequestParts<S> for Session<N> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        LazySession::from_request_parts(parts, state).await?.open().await
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
