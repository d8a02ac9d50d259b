//! The layer: begins a session with each request, and finishes it with the response.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use axum::http::{HeaderValue, Request, Response, header};
use session_core::{Backend, Sessions, Settings, SettingsError};
use tower_layer::Layer;
use tower_service::Service;

use crate::future::ResponseFuture;
use crate::session::{LazySession, Main};

/// How the application shows an error of a session.
pub(crate) type ErrorPage = Arc<dyn Fn(&session_core::Error) -> Response<Body> + Send + Sync>;

/// Gives each request a session, and saves it with the response. `N` names one of several in an application.
///
/// It goes outside of everything that uses the session. Where one layer of the same name is inside another, the outer one counts
/// and the inner does nothing, so that a nested router may bring its own.
pub struct SessionLayer<N = Main> {
    sessions: Sessions,
    on_error: Option<ErrorPage>,
    name: PhantomData<fn() -> N>,
}

impl SessionLayer {
    /// Sessions in the store of this URL, such as `memory:` or `sqlite:shop.db`. It is created where absent.
    pub async fn connect(url: &str) -> Result<Self, session_backends::ConnectError> {
        Ok(Self::new(session_backends::connect(url).await?))
    }

    /// Sessions in this backend, with the default settings.
    pub fn new(backend: impl Into<Backend>) -> Self {
        Named::new(backend)
    }

    /// Over sessions that are used elsewhere too, in jobs for example.
    pub fn from_sessions(sessions: Sessions) -> Self {
        Named::from_sessions(sessions)
    }
}

/// `SessionLayer::<Admin>::new(backend)`: makes the layer of a session with a name. Bring it into scope with `use
/// session_axum::Named`, and give each session a cookie name of its own.
pub trait Named: Sized {
    /// Over sessions that are used elsewhere too, in jobs for example.
    fn from_sessions(sessions: Sessions) -> Self;

    /// Sessions in this backend, with the default settings.
    fn new(backend: impl Into<Backend>) -> Self {
        Self::from_sessions(Sessions::from(backend.into()))
    }
}

impl<N> Named for SessionLayer<N> {
    fn from_sessions(sessions: Sessions) -> Self {
        Self { sessions, on_error: None, name: PhantomData }
    }
}

impl<N> SessionLayer<N> {
    /// With these settings. An error where a browser would refuse the cookie.
    pub fn with_settings(self, settings: Settings) -> Result<Self, SettingsError> {
        Ok(Self { sessions: self.sessions.with_settings(settings)?, ..self })
    }

    /// With this name of the cookie, which the source code says. A name from elsewhere goes with
    /// [`with_settings`](Self::with_settings).
    ///
    /// # Panics
    ///
    /// Where a browser would refuse the name. The panic names the line.
    #[must_use = "this returns the layer"]
    #[track_caller]
    pub fn cookie_name(self, name: &'static str) -> Self {
        match self.sessions.with_cookie_name(name) {
            Ok(sessions) => Self { sessions, ..self },
            Err(error) => panic!("{error}"),
        }
    }

    /// Shows errors of the session in the application's own way: those that a handler returns or an extractor rejects with, and
    /// those of the save after the handler. Without it they are JSON.
    #[must_use = "this returns the layer"]
    pub fn on_error(
        mut self,
        page: impl Fn(&session_core::Error) -> Response<Body> + Send + Sync + 'static,
    ) -> Self {
        self.on_error = Some(Arc::new(page));
        self
    }

    /// The sessions behind the layer, for use outside requests.
    pub fn sessions(&self) -> &Sessions {
        &self.sessions
    }
}

impl<N> Clone for SessionLayer<N> {
    fn clone(&self) -> Self {
        Self { sessions: self.sessions.clone(), on_error: self.on_error.clone(), name: PhantomData }
    }
}

impl<N> fmt::Debug for SessionLayer<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionLayer").field("sessions", &self.sessions).finish_non_exhaustive()
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
        if request.extensions().get::<LazySession<N>>().is_some() {
            return ResponseFuture::untouched(self.inner.call(request));
        }
        let cookies = request.headers().get_all(header::COOKIE);
        let pending = self.layer.sessions.begin(cookies.iter().map(HeaderValue::as_bytes));
        request.extensions_mut().insert(LazySession::<N>::new(pending.clone()));
        let inner = self.inner.call(request);
        ResponseFuture::new(inner, self.layer.sessions.clone(), pending, self.layer.on_error.clone())
    }
}
