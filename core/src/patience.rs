//! Waiting, but not for ever.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use crate::timer::sleep;

/// What the future says within the time; `None` where it is late. One that is done at once starts no clock.
pub(crate) async fn within<T>(time: Option<Duration>, future: impl Future<Output = T>) -> Option<T> {
    let Some(time) = time else { return Some(future.await) };
    let (mut future, mut limit) = (pin!(future), None);
    std::future::poll_fn(|context| {
        if let Poll::Ready(answer) = future.as_mut().poll(context) {
            return Poll::Ready(Some(answer));
        }
        let limit = limit.get_or_insert_with(|| sleep(time));
        pin!(limit).poll(context).map(|()| None)
    })
    .await
}

/// What comes of `work`; `None` where `stop` came first.
pub(crate) async fn until<T>(
    mut stop: Pin<&mut impl Future<Output = ()>>,
    work: impl Future<Output = T>,
) -> Option<T> {
    let mut work = pin!(work);
    std::future::poll_fn(|context| match stop.as_mut().poll(context) {
        Poll::Ready(()) => Poll::Ready(None),
        Poll::Pending => work.as_mut().poll(context).map(Some),
    })
    .await
}
