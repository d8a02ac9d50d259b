//! The session as an argument of a handler, and from a request.

use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, HeaderValue, Request, header};
use session_core::Slot;

use crate::session::{Error, LazySession, Main, Result, Session};

/// Asks a request for its session, where there is no extractor: in a layer, or in a service that is no Router.
///
/// ```
/// use axum::extract::Request;
/// use session_axum::SessionExt;
///
/// async fn account(request: Request) -> session_axum::Result<String> {
///     let session = request.session()?.open().await?;
///     Ok(session.account().unwrap_or_default())
/// }
/// ```
pub trait SessionExt {
    /// The session of this name, not loaded. An error where no layer of the name is installed.
    fn named_session<N: 'static>(&self) -> Result<LazySession<N>>;

    /// The session that has no name, not loaded. An error where no layer is installed.
    fn session(&self) -> Result<LazySession> {
        self.named_session::<Main>()
    }
}

impl<B> SessionExt for Request<B> {
    fn named_session<N: 'static>(&self) -> Result<LazySession<N>> {
        pending(self.extensions(), self.headers())
    }
}

impl SessionExt for Parts {
    fn named_session<N: 'static>(&self) -> Result<LazySession<N>> {
        pending(&self.extensions, &self.headers)
    }
}

impl<N: 'static, S: Sync> FromRequestParts<S> for Session<N> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        parts.named_session()?.open().await
    }
}

impl<N: 'static, S: Sync> FromRequestParts<S> for LazySession<N> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        parts.named_session()
    }
}

/// The place of the session of this name, in the request's extensions.
pub(crate) struct SlotOf<N>(pub(crate) Arc<Slot>, pub(crate) PhantomData<fn() -> N>);

impl<N> Clone for SlotOf<N> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0), PhantomData)
    }
}

/// The request's session, begun by whoever asks first.
fn pending<N: 'static>(extensions: &Extensions, headers: &HeaderMap) -> Result<LazySession<N>> {
    const HOW: &str = "add `.layer(SessionLayer::connect(url).await?)` to the Router, after its routes; \
                       for `Session<N>`, a `SessionLayer::<N>`";
    let SlotOf(slot, _) = extensions.get::<SlotOf<N>>().ok_or(session_core::Error::NotInstalled(HOW))?;
    Ok(LazySession::new(slot.begin(cookies(headers))))
}

pub(crate) fn cookies(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes)
}
