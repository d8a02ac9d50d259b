//! The session as an argument of a handler, and from a request.

use std::future::{Ready, ready};
use std::marker::PhantomData;
use std::rc::Rc;

use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use session_core::{Answer, Pending, Slot};

use crate::session::{Error, LazySession, Main, Opening, Result, Session};

/// Asks a request for its session, where there is no extractor: in a middleware, or in a guard of the application's own.
///
/// ```
/// use actix_web::HttpRequest;
/// use session_actix::SessionExt;
///
/// async fn account(request: HttpRequest) -> session_actix::Result<String> {
///     let session = request.session()?.open().await?;
///     Ok(session.account().unwrap_or_default())
/// }
/// ```
pub trait SessionExt {
    /// The session of this name, not loaded. An error where no middleware of the name is installed.
    fn named_session<N: 'static>(&self) -> Result<LazySession<N>>;

    /// The session that has no name, not loaded. An error where no middleware is installed.
    fn session(&self) -> Result<LazySession> {
        self.named_session::<Main>()
    }
}

impl SessionExt for HttpRequest {
    fn named_session<N: 'static>(&self) -> Result<LazySession<N>> {
        Ok(LazySession::new(pending::<N>(self)?))
    }
}

impl SessionExt for ServiceRequest {
    fn named_session<N: 'static>(&self) -> Result<LazySession<N>> {
        self.request().named_session()
    }
}

impl<B> SessionExt for ServiceResponse<B> {
    fn named_session<N: 'static>(&self) -> Result<LazySession<N>> {
        self.request().named_session()
    }
}

impl<N: 'static> FromRequest for LazySession<N> {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(request.named_session())
    }
}

impl<N: 'static> FromRequest for Session<N> {
    type Error = Error;
    type Future = Opening<N>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        Opening::new(
            pending::<N>(request).map_or_else(|error| Answer::now(Err(error)), |session| session.open()),
        )
    }
}

/// The place of the session of this name, in the request's extensions.
pub(crate) struct SlotOf<N>(pub(crate) Rc<Slot>, pub(crate) PhantomData<fn() -> N>);

/// The request's session, begun by whoever asks first.
fn pending<N: 'static>(request: &HttpRequest) -> session_core::Result<Pending> {
    const HOW: &str = "add `.wrap(SessionMiddleware::new(backend.clone()))` to the App, or to the scope of the route; \
                       for `Session<N>`, a `SessionMiddleware::<N>`";
    let extensions = request.extensions();
    let SlotOf(slot, _) = extensions.get::<SlotOf<N>>().ok_or(session_core::Error::NotInstalled(HOW))?;
    Ok(slot.begin(cookies(request.headers())))
}

pub(crate) fn cookies(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    headers.get_all(header::COOKIE).map(HeaderValue::as_bytes)
}
