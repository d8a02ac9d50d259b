//! The way of a response through the layer.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::{Body, HttpBody};
use axum::http::Response;
use axum::response::IntoResponse;
use pin_project_lite::pin_project;
use session_core::{Answer, Finished, Slot, carry_over, is_of_the_body};

use crate::headers::Headers;
use crate::layer::ErrorPage;
use crate::session::Error;

pin_project! {
    /// The future of a response whose session is saved before it leaves.
    #[project = Projected]
    pub struct ResponseFuture<F> {
        #[pin]
        inner: F,
        slot: Option<Arc<Slot>>,
        on_error: Option<ErrorPage>,
        finishing: Option<Box<(Response<Body>, Answer<'static, Finished>)>>,
    }
}

impl<F> ResponseFuture<F> {
    pub(crate) fn new(inner: F, slot: Arc<Slot>, on_error: Option<ErrorPage>) -> Self {
        Self { inner, slot: Some(slot), on_error, finishing: None }
    }

    /// A response that another layer looks after.
    pub(crate) fn untouched(inner: F) -> Self {
        Self { inner, slot: None, on_error: None, finishing: None }
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
        let Projected { inner, slot, on_error, finishing } = self.project();
        let (response, mut finish) = if let Some(begun) = finishing.take() {
            *begun
        } else {
            let response = ready!(inner.poll(context))?.map(Body::new);
            let Some(slot) = slot.take() else { return Poll::Ready(Ok(response)) };
            let status = response.status().as_u16();
            (response, slot.finish(status))
        };
        match Pin::new(&mut finish).poll(context) {
            Poll::Ready(finished) => Poll::Ready(Ok(complete(response, finished, on_error.as_ref()))),
            Poll::Pending => {
                *finishing = Some(Box::new((response, finish)));
                Poll::Pending
            }
        }
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

/// Keeps what other layers have added.
fn instead_of(mut replaced: Response<Body>, mut response: Response<Body>) -> Response<Body> {
    let headers = response.headers_mut();
    carry_over(&Headers(replaced.headers_mut()), &mut Headers(headers));
    let own: Vec<_> = headers.keys().cloned().collect();
    for (name, value) in replaced.headers() {
        if !is_of_the_body(name.as_str()) && !own.contains(name) {
            headers.append(name, value.clone());
        }
    }
    response
}

impl<F> std::fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
