//! The session as an argument of a handler, and from a request.

use std::future::{Ready, ready};
use std::pin::Pin;

use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::{FromRequest, HttpMessage, HttpRequest};

use crate::session::{Error, LazySession, Main, Result, Session};

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
        const HOW: &str = "add `.wrap(SessionMiddleware::new(backend.clone()))` to the App, or to the scope of the route; \
                           for `Session<N>`, a `SessionMiddleware::<N>`";
        let session = self.extensions().get::<LazySession<N>>().cloned();
        session.ok_or_else(|| session_core::Error::NotInstalled(HOW).into())
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
    type Future = Pin<Box<dyn Future<Output = Result<Self>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let session = request.named_session();
        Box::pin(async move { session?.open().await })
    }
}
