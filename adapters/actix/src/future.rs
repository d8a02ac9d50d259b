//! The way of a response through the middleware.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use actix_web::HttpResponse;
use actix_web::body::EitherBody;
use actix_web::dev::ServiceResponse;
use pin_project_lite::pin_project;
use session_core::{Finished, Slot};

use crate::headers::{Headers, carry_over};
use crate::middleware::ErrorPage;
use crate::session::Error;

pub(crate) type Answer<T> = Result<T, actix_web::Error>;
pub(crate) type Response<B> = ServiceResponse<EitherBody<B>>;

pin_project! {
    /// The future of a response whose session is saved before it leaves.
    #[project = Projected]
    pub struct ResponseFuture<F, B> {
        #[pin]
        inner: F,
        slot: Option<Rc<Slot>>,
        on_error: Option<ErrorPage>,
        finishing: Option<Box<(Answer<ServiceResponse<B>>, session_core::Answer<'static, Finished>)>>,
    }
}

impl<F, B> ResponseFuture<F, B> {
    pub(crate) fn new(inner: F, slot: Rc<Slot>, on_error: Option<ErrorPage>) -> Self {
        Self { inner, slot: Some(slot), on_error, finishing: None }
    }

    /// A response that another middleware looks after.
    pub(crate) fn untouched(inner: F) -> Self {
        Self { inner, slot: None, on_error: None, finishing: None }
    }
}

impl<F: Future<Output = Answer<ServiceResponse<B>>>, B> Future for ResponseFuture<F, B> {
    type Output = Answer<Response<B>>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Projected { inner, slot, on_error, finishing } = self.project();
        let (answer, mut finish) = if let Some(begun) = finishing.take() {
            *begun
        } else {
            let answer = ready!(inner.poll(context));
            let Some(slot) = slot.take() else {
                return Poll::Ready(answer.map(ServiceResponse::map_into_left_body));
            };
            let status = match &answer {
                Ok(response) => response.status(),
                Err(error) => error.error_response().status(),
            };
            (answer, slot.finish(status.as_u16()))
        };
        match Pin::new(&mut finish).poll(context) {
            Poll::Ready(finished) => Poll::Ready(complete(answer, finished, on_error.take())),
            Poll::Pending => {
                *finishing = Some(Box::new((answer, finish)));
                Poll::Pending
            }
        }
    }
}

/// Merges the session's headers into the answer, which is the error's where the session could not be saved.
fn complete<B>(
    answer: Answer<ServiceResponse<B>>,
    finished: Finished,
    page: Option<ErrorPage>,
) -> Answer<Response<B>> {
    let Finished { headers, error, .. } = finished;
    let error = error.map(Error::from);
    match answer {
        Ok(response) => {
            let of_handler = || response.response().error()?.as_error::<Error>().cloned();
            let shown = error.clone().or_else(of_handler);
            let instead = match (&page, shown) {
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
            let page = page.zip(answer.as_error::<Error>().cloned());
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

impl<F, B> std::fmt::Debug for ResponseFuture<F, B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
