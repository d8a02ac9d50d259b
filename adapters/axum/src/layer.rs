//! The layer: begins a session with each request, and finishes it with the response.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use axum::http::{Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use crate::extract::{SlotOf, cookies};
use crate::future::ResponseFuture;
use crate::session::Main;

session_core::adapter_layer! {
    /// Gives each request a session, and saves it with the response. `N` names one of several in an application.
    ///
    /// It goes outside of everything that uses the session. Where one layer of the same name is inside another, the outer one counts
    /// and the inner does nothing, so that a nested router may bring its own.
    SessionLayer, Response<Body>
}

impl SessionLayer {
    /// Sessions in the store of this URL, such as `memory:` or `sqlite:shop.db`, with the default settings. It is created where absent.
    ///
    /// # Errors
    ///
    /// [`ConnectError`](session_backends::ConnectError) says whether the URL, the features that were compiled in, or the store is at
    /// fault.
    pub async fn connect(url: &str) -> Result<Self, session_backends::ConnectError> {
        Ok(Self::new(session_backends::connect(url).await?))
    }
}

impl<S, N> Layer<S> for SessionLayer<N> {
    type Service = SessionService<S, N>;

    fn layer(&self, inner: S) -> Self::Service {
        SessionService { inner, layer: self.clone() }
    }
}

/// The service that [`SessionLayer`] makes of another.
pub struct SessionService<S, N = Main> {
    inner: S,
    layer: SessionLayer<N>,
}

impl<S: Clone, N> Clone for SessionService<S, N> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), layer: self.layer.clone() }
    }
}

impl<S: fmt::Debug, N> fmt::Debug for SessionService<S, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionService").field("inner", &self.inner).field("layer", &self.layer).finish()
    }
}

impl<S, N, ReqBody, ResBody> Service<Request<ReqBody>> for SessionService<S, N>
where
    N: 'static,
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: HttpBody<Data = axum::body::Bytes> + Send + 'static,
    ResBody::Error: Into<axum::BoxError>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        if request.extensions().get::<SlotOf<N>>().is_some() {
            return ResponseFuture::untouched(self.inner.call(request));
        }
        let slot = Arc::new(self.layer.sessions.slot(|| cookies(request.headers())));
        request.extensions_mut().insert(SlotOf::<N>(Arc::clone(&slot), PhantomData));
        ResponseFuture::new(self.inner.call(request), slot, self.layer.on_error.clone())
    }
}
