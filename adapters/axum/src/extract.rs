//! The session as an argument of a handler.

use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use session_core::Slot;

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
        let SlotOf(slot, _) =
            parts.extensions.get::<SlotOf<N>>().ok_or(session_core::Error::NotInstalled(HOW))?;
        let cookies = parts.headers.get_all(header::COOKIE);
        Ok(LazySession::new(slot.begin(cookies.iter().map(HeaderValue::as_bytes))))
    }
}

/// The place of the session of this name, in the request's extensions.
pub(crate) struct SlotOf<N>(pub(crate) Arc<Slot>, pub(crate) PhantomData<fn() -> N>);

impl<N> Clone for SlotOf<N> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0), PhantomData)
    }
}
