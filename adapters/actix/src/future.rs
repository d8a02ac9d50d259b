//! The way of a response through the middleware.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use actix_web::HttpResponse;
use actix_web::body::EitherBody;
use actix_web::dev::ServiceResponse;
use actix_web::http::StatusCode;
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
        finishing: Option<Box<(Given<B>, session_core::Answer<'static, Finished>)>>,
    }
}

/// What came from inside.
enum Given<B> {
    Response(ServiceResponse<B>),
    /// With the response that it makes. It is asked for that once: an error may have one ready, and give it away.
    Error(actix_web::Error, HttpResponse),
}

impl<B> Given<B> {
    fn of(answer: Answer<ServiceResponse<B>>) -> Self {
        match answer {
            Ok(response) => Self::Response(response),
            Err(error) => {
                let made = error.error_response();
                Self::Error(error, made)
            }
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Response(response) => response.status(),
            Self::Error(_, made) => made.status(),
        }
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
        let (given, mut finish) = if let Some(begun) = finishing.take() {
            *begun
        } else {
            let answer = ready!(inner.poll(context));
            let Some(slot) = slot.take() else {
                return Poll::Ready(answer.map(ServiceResponse::map_into_left_body));
            };
            let given = Given::of(answer);
            let finish = slot.finish(given.status().as_u16());
            (given, finish)
        };
        match Pin::new(&mut finish).poll(context) {
            Poll::Ready(finished) => Poll::Ready(complete(given, finished, on_error.take())),
            Poll::Pending => {
                *finishing = Some(Box::new((given, finish)));
                Poll::Pending
            }
        }
    }
}

/// Merges the session's headers into the answer, which is the error's where the session could not be saved.
fn complete<B>(given: Given<B>, finished: Finished, page: Option<ErrorPage>) -> Answer<Response<B>> {
    let Finished { headers, error, .. } = finished;
    let error = error.map(Error::from);
    match given {
        Given::Response(response) => {
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
        Given::Error(failed, made) => {
            let (mut answer, made, replaced) = match error {
                Some(error) => (actix_web::Error::from(error), None, Some(made)),
                None => (failed, Some(made), None),
            };
            let made = Cell::new(made);
            let page = page.zip(answer.as_error::<Error>().cloned());
            answer.add_response_mapper(move |response| {
                let mut response = made.take().unwrap_or(response);
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
