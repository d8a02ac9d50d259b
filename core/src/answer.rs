//! Futures that are often done before anybody waits.

use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

/// A future that is often done already: a session in this process's memory or in its cookie is there at once. Only what has to wait
/// costs an allocation.
#[must_use = "a future does nothing unless it is awaited"]
pub struct Answer<'a, T>(Inner<'a, T>);

enum Inner<'a, T> {
    Now(Option<T>),
    Later(Pin<Box<dyn Future<Output = T> + Send + 'a>>),
}

impl<'a, T> Answer<'a, T> {
    /// An answer that is there.
    pub fn now(answer: T) -> Self {
        Self(Inner::Now(Some(answer)))
    }

    /// The answer, or who still has to be waited for.
    pub(crate) fn or_waiting(self) -> Result<T, Self> {
        match self.0 {
            Inner::Now(Some(answer)) => Ok(answer),
            other => Err(Self(other)),
        }
    }

    /// An answer that has to be waited for.
    pub(crate) fn later(future: impl Future<Output = T> + Send + 'a) -> Self {
        Self(Inner::Later(Box::pin(future)))
    }
}

impl<T> Unpin for Answer<'_, T> {}

impl<T> Future for Answer<'_, T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        match &mut self.0 {
            Inner::Now(answer) => answer.take().map_or(Poll::Pending, Poll::Ready),
            Inner::Later(future) => future.as_mut().poll(context),
        }
    }
}

impl<T> fmt::Debug for Answer<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_there = matches!(self.0, Inner::Now(_));
        f.debug_struct("Answer").field("is_there", &is_there).finish_non_exhaustive()
    }
}

/// What a future says when it is polled once, if it is done then. It is made here, so that it is not moved.
#[inline]
pub(crate) fn polled_once<T, F: Future<Output = T>>(make: impl FnOnce() -> F) -> Option<T> {
    match pin!(make()).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => Some(done),
        Poll::Pending => None,
    }
}
