//! Waiting for a moment to pass, on any runtime and outside of one.
//!
//! Nearly every wait here is a limit to a store's patience, which nobody reaches: such a wait is begun and dropped with each call of a
//! store, and must cost next to nothing. So the one thread that keeps the time is woken for a wait only where that ends before
//! everything it knew of: what is begun later ends later, and is found when the thread wakes by itself.

use std::collections::BTreeMap;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

/// Ends when this much time has passed. Counts from now on.
pub(crate) fn sleep(time: Duration) -> Sleep {
    // What the system's clock cannot name does not come.
    Sleep { until: Instant::now().checked_add(time), number: None }
}

#[derive(Debug)]
#[must_use = "a future that nobody waits for does not wait"]
pub(crate) struct Sleep {
    until: Option<Instant>,
    /// Its number among all, once somebody waits for it.
    number: Option<u64>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Some(until) = self.until else { return Poll::Pending };
        if until <= Instant::now() {
            return Poll::Ready(());
        }
        self.number = Some(TIMER.wait(until, self.number, context.waker().clone()));
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let (Some(until), Some(number)) = (self.until, self.number) {
            // The waker may be the last that knows of a task with other waits in it: it goes when nothing is locked.
            let waker = TIMER.lock().waits.remove(&(until, number));
            drop(waker);
        }
    }
}

static TIMER: LazyLock<Timer> = LazyLock::new(Timer::default);

#[derive(Default)]
struct Timer {
    agenda: Mutex<Agenda>,
    /// Something comes before what the thread sleeps for.
    sooner: Condvar,
}

#[derive(Default)]
struct Agenda {
    /// In the order in which they end; of those that end at one moment, in the order in which they came.
    waits: BTreeMap<(Instant, u64), Waker>,
    numbers: u64,
    thread: Thread,
}

/// What the thread does.
#[derive(Clone, Copy, Default)]
enum Thread {
    /// There is none.
    #[default]
    Absent,
    Awake,
    /// Until that moment; without one until it is woken.
    Asleep(Option<Instant>),
}

impl Timer {
    /// Wakes this task at that moment; once more for a wait that has its number already.
    fn wait(&'static self, until: Instant, number: Option<u64>, task: Waker) -> u64 {
        let mut agenda = self.lock();
        let number = number.unwrap_or_else(|| {
            agenda.numbers += 1;
            agenda.numbers
        });
        let before = agenda.waits.insert((until, number), task);
        match agenda.thread {
            Thread::Asleep(Some(at)) if at <= until => {}
            Thread::Awake => {}
            Thread::Asleep(_) => self.sooner.notify_one(),
            Thread::Absent => {
                let thread = thread::Builder::new().name("session-timer".to_owned());
                // Where the system has no thread to give, the next wait asks again.
                if thread.spawn(|| self.run()).is_ok() {
                    agenda.thread = Thread::Awake;
                }
            }
        }
        drop(agenda);
        // As in `Drop`.
        drop(before);
        number
    }

    fn run(&self) {
        let mut due = Vec::new();
        let mut agenda = self.lock();
        loop {
            let now = Instant::now();
            while let Some(wait) = agenda.waits.first_entry().filter(|wait| wait.key().0 <= now) {
                due.push(wait.remove());
            }
            if !due.is_empty() {
                drop(agenda);
                for task in due.drain(..) {
                    // It may be the last that knows of its task, and drop it here. Nobody else's wait ends with what panics then.
                    let _ = catch_unwind(AssertUnwindSafe(|| task.wake()));
                }
                agenda = self.lock();
                continue;
            }
            let next = agenda.waits.first_key_value().map(|((until, _), _)| *until);
            agenda.thread = Thread::Asleep(next);
            agenda = match next {
                Some(at) => {
                    let woken = self.sooner.wait_timeout(agenda, at - now);
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.sooner.wait(agenda).unwrap_or_else(PoisonError::into_inner),
            };
            agenda.thread = Thread::Awake;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Agenda> {
        self.agenda.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::task::Wake;

    use futures_util::FutureExt as _;
    use futures_util::future::{join, join_all};

    use super::*;

    fn ms(time: u64) -> Duration {
        Duration::from_millis(time)
    }

    #[tokio::test]
    async fn each_ends_at_its_time_in_whatever_order_they_came() {
        let began = Instant::now();
        let times = [40, 10, 70, 10, 20];
        let waits = times.map(|time| async move {
            sleep(ms(time)).await;
            began.elapsed()
        });
        let ended = join_all(waits).await;
        for (time, ended) in times.into_iter().zip(ended) {
            assert!(ended >= ms(time) && ended < ms(time + 1000), "{time} ms: {ended:?}");
        }
    }

    #[tokio::test]
    async fn no_time_is_over_at_once_and_eternity_never() {
        assert_eq!(sleep(Duration::ZERO).now_or_never(), Some(()));
        assert_eq!(sleep(Duration::MAX).now_or_never(), None);
    }

    #[tokio::test]
    async fn what_is_dropped_is_forgotten() {
        let mut wait = Box::pin(sleep(ms(3_600_000)));
        assert_eq!(wait.as_mut().now_or_never(), None);
        let key = (wait.until.unwrap(), wait.number.unwrap());
        assert!(TIMER.lock().waits.contains_key(&key));
        drop(wait);
        assert!(!TIMER.lock().waits.contains_key(&key));
    }

    #[derive(Default)]
    struct Count(AtomicU32);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[tokio::test]
    async fn the_task_that_asked_last_is_woken_and_once() {
        let (first, last) = (Arc::new(Count::default()), Arc::new(Count::default()));
        let mut wait = pin!(sleep(ms(30)));
        for task in [&first, &last] {
            let waker = Waker::from(Arc::clone(task));
            assert!(wait.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        }
        sleep(ms(60)).await;
        assert_eq!((first.0.load(Ordering::SeqCst), last.0.load(Ordering::SeqCst)), (0, 1));
    }

    struct Falls;

    impl Wake for Falls {
        fn wake(self: Arc<Self>) {
            panic!("on purpose");
        }
    }

    /// T17: as a task whose last owner is the waker, with something in it that panics when it is dropped.
    #[tokio::test]
    async fn a_task_that_panics_ends_no_wait_but_its_own() {
        let mut wait = pin!(sleep(ms(10)));
        let waker = Waker::from(Arc::new(Falls));
        assert!(wait.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        sleep(ms(30)).await;
        sleep(ms(10)).await;
    }

    /// A short wait after a long one, and after the thread has had nothing to do.
    #[tokio::test]
    async fn a_short_wait_wakes_the_thread() {
        let long = async { assert!(sleep(ms(60_000)).now_or_never().is_none()) };
        let mut held = Box::pin(sleep(ms(60_000)));
        assert_eq!(held.as_mut().now_or_never(), None);
        let began = Instant::now();
        join(long, sleep(ms(20))).await;
        assert!(began.elapsed() < ms(5000));
    }
}
