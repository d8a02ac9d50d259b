//! The middleware: begins a session with each request, and finishes it with the response.

use std::future::{Ready, ready};
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::EitherBody;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpMessage, HttpResponse};
use session_core::Finished;

use crate::headers::{Headers, carry_over};
use crate::session::{Error, LazySession, Main};

session_core::adapter_layer! {
    /// Gives each request a session, and saves it with the response. `N` names one of several in an application.
    ///
    /// It goes outside of everything that uses the session. Where one of the same name is inside another, the outer one counts and
    /// the inner does nothing, so that a scope may bring its own.
    SessionMiddleware, HttpResponse
}

impl<N> SessionMiddleware<N> {
    /// Merges the session's headers into the answer, which is the error's where the session could not be saved.
    fn complete<B>(&self, answer: Answer<ServiceResponse<B>>, finished: Finished) -> Answer<Response<B>> {
        let Finished { headers, error, .. } = finished;
        let error = error.map(Error::from);
        match answer {
            Ok(response) => {
                let of_handler = || response.response().error()?.as_error::<Error>().cloned();
                let shown = error.clone().or_else(of_handler);
                let instead = match (&self.on_error, shown) {
                    (Some(page), Some(shown)) => Some(page(shown.kind())),
                    _ => error.map(HttpResponse::from_error),
                };
                let mut response = match instead {
                    Some(mut instead) => {
                        carry_over(response.headers(), &mut instead);
                        response.into_response(instead).map_into_right_body()
                    }
                    None => response.map_into_left_body(),
                };
                headers.apply(&mut Headers(response.headers_mut()));
                Ok(response)
            }
            // Without a response there is no request any more to make one for: the server answers the error.
            Err(failed) => {
                let replaced = error.as_ref().map(|_| failed.error_response());
                let mut answer = error.map_or(failed, actix_web::Error::from);
                let page = self.on_error.clone().zip(answer.as_error::<Error>().cloned());
                answer.add_response_mapper(move |mut response| {
                    if let Some((page, shown)) = &page {
                        let mut page = page(shown.kind());
                        carry_over(response.headers(), &mut page);
                        response = page;
                    }
                    if let Some(replaced) = &replaced {
                        carry_over(replaced.headers(), &mut response);
                    }
                    headers.clone().apply(&mut Headers(response.headers_mut()));
                    response
                });
                Err(answer)
            }
        }
    }
}

type Answer<T> = Result<T, actix_web::Error>;
type Response<B> = ServiceResponse<EitherBody<B>>;

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
    type Future = Pin<Box<dyn Future<Output = Answer<Response<B>>>>>;

    fn poll_ready(&self, context: &mut Context<'_>) -> Poll<Answer<()>> {
        self.inner.poll_ready(context)
    }

    fn call(&self, request: ServiceRequest) -> Self::Future {
        if request.extensions().contains::<LazySession<N>>() {
            let inner = self.inner.call(request);
            return Box::pin(async move { Ok(inner.await?.map_into_left_body()) });
        }
        let cookies = request.headers().get_all(header::COOKIE);
        let pending = self.middleware.sessions.begin(cookies.map(HeaderValue::as_bytes));
        request.extensions_mut().insert(LazySession::<N>::new(pending.clone()));
        let (inner, middleware) = (self.inner.call(request), self.middleware.clone());
        Box::pin(async move {
            let answer = inner.await;
            if pending.close_if_untouched() {
                return Ok(answer?.map_into_left_body());
            }
            let status = match &answer {
                Ok(response) => response.status(),
                Err(error) => error.error_response().status(),
            };
            let finished = middleware.sessions.finish(pending, status.as_u16()).await;
            middleware.complete(answer, finished)
        })
    }
}
