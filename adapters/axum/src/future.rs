//! The way of a response through the layer.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::{Body, HttpBody};
use axum::http::{HeaderMap, HeaderValue, Response};
use axum::response::IntoResponse;
use pin_project_lite::pin_project;
use session_core::{Finished, Pending, ResponseHeaders, Sessions, carry_over};

use crate::layer::ErrorPage;
use crate::session::Error;

pin_project! {
    /// The future of a response whose session is saved before it leaves.
    #[project = Projected]
    pub struct ResponseFuture<F> {
        #[pin]
        inner: F,
        work: Option<Work>,
        finishing: Option<(Response<Body>, Finishing)>,
    }
}

type Finishing = Pin<Box<dyn Future<Output = Finished> + Send>>;

struct Work {
    sessions: Sessions,
    pending: Pending,
    on_error: Option<ErrorPage>,
}

impl<F> ResponseFuture<F> {
    pub(crate) fn new(inner: F, sessions: Sessions, pending: Pending, on_error: Option<ErrorPage>) -> Self {
        Self { inner, work: Some(Work { sessions, pending, on_error }), finishing: None }
    }

    /// A response that another layer looks after.
    pub(crate) fn untouched(inner: F) -> Self {
        Self { inner, work: None, finishing: None }
    }
}

impl<F, ResBody, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<ResBody>, E>>,
    ResBody: HttpBody<Data = axum::body::Bytes> + Send + 'static,
    ResBody::Error: Into<axum::BoxError>,
{
    type Output = Result<Response<Body>, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Projected { inner, work, finishing } = self.project();
        if finishing.is_none() {
            let response = ready!(inner.poll(context))?.map(Body::new);
            match work {
                Some(Work { sessions, pending, .. }) if !pending.close_if_untouched() => {
                    let (sessions, pending, status) = (sessions.clone(), pending.clone(), response.status());
                    let finish = Box::pin(async move { sessions.finish(pending, status.as_u16()).await });
                    *finishing = Some((response, finish));
                }
                _ => return Poll::Ready(Ok(response)),
            }
        }
        let Some((_, finish)) = finishing else { return Poll::Pending };
        let finished = ready!(finish.as_mut().poll(context));
        let response = finishing.take().map(|(response, _)| response).unwrap_or_default();
        let page = work.take().and_then(|work| work.on_error);
        Poll::Ready(Ok(complete(response, finished, page.as_ref())))
    }
}

/// Merges the session's headers into the response, or into the error that takes its place.
fn complete(mut response: Response<Body>, finished: Finished, page: Option<&ErrorPage>) -> Response<Body> {
    if let Some(error) = finished.error {
        response = instead_of(response, Error::from(error).into_response());
    }
    if let (Some(page), Some(error)) = (page, response.extensions().get::<Error>()) {
        let page = page(error.kind());
        response = instead_of(response, page);
    }
    finished.headers.apply(&mut Headers(response.headers_mut()));
    response
}

fn instead_of(mut replaced: Response<Body>, mut response: Response<Body>) -> Response<Body> {
    carry_over(&Headers(replaced.headers_mut()), &mut Headers(response.headers_mut()));
    response
}

struct Headers<'a>(&'a mut HeaderMap);

impl ResponseHeaders for Headers<'_> {
    fn each(&self, name: &'static str, each: &mut dyn FnMut(&[u8])) {
        self.0.get_all(name).iter().for_each(|value| each(value.as_bytes()));
    }

    // What core writes are printable characters; what it merges came out of a header.
    fn set(&mut self, name: &'static str, value: String) {
        if let Ok(value) = HeaderValue::try_from(value) {
            self.0.insert(name, value);
        }
    }

    fn append(&mut self, name: &'static str, value: String) {
        if let Ok(value) = HeaderValue::try_from(value) {
            self.0.append(name, value);
        }
    }
}

impl<F> std::fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
