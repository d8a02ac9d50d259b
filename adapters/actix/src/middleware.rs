//! The middleware: begins a session with each request, and finishes it with the response.

use std::future::{Ready, ready};
use std::marker::PhantomData;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};
use actix_web::{HttpMessage, HttpResponse};

use crate::extract::{SlotOf, cookies};
use crate::future::{Answer, Response, ResponseFuture};
use crate::session::Main;

session_core::adapter_layer! {
    /// Gives each request a session, and saves it with the response. `N` names one of several in an application.
    ///
    /// It goes outside of everything that uses the session. Where one of the same name is inside another, the outer one counts and
    /// the inner does nothing, so that a scope may bring its own.
    SessionMiddleware, HttpResponse
}

impl<S, B, N> Transform<S, ServiceRequest> for SessionMiddleware<N>
where
    N: 'static,
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error>,
    S::Future: 'static,
    B: 'static,
{
    type Response = Response<B>;
    type Error = actix_web::Error;
    type Transform = SessionService<S, N>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        ready(Ok(SessionService { inner, middleware: self.clone() }))
    }
}

/// The service that [`SessionMiddleware`] makes of another.
#[derive(Debug)]
pub struct SessionService<S, N = Main> {
    inner: S,
    middleware: SessionMiddleware<N>,
}

impl<S, B, N> Service<ServiceRequest> for SessionService<S, N>
where
    N: 'static,
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error>,
    S::Future: 'static,
    B: 'static,
{
    type Response = Response<B>;
    type Error = actix_web::Error;
    type Future = ResponseFuture<S::Future, B>;

    fn poll_ready(&self, context: &mut Context<'_>) -> Poll<Answer<()>> {
        self.inner.poll_ready(context)
    }

    fn call(&self, request: ServiceRequest) -> Self::Future {
        if request.extensions().contains::<SlotOf<N>>() {
            return ResponseFuture::untouched(self.inner.call(request));
        }
        let slot = Rc::new(self.middleware.sessions.slot(|| cookies(request.headers())));
        request.extensions_mut().insert(SlotOf::<N>(Rc::clone(&slot), PhantomData));
        ResponseFuture::new(self.inner.call(request), slot, self.middleware.on_error.clone())
    }
}
