//! A store whose calls stop before they are sent, and again before their answer is seen.

use std::future::poll_fn;
use std::num::NonZeroU32;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::any_store::AnyStore;
use crate::clock::Time;
use crate::id::RecordKey;
use crate::record::{Head, Record};
use crate::store::{
    Capabilities, Cursor, Filter, Inserted, Page, Replaced, Select, SessionStore, StoreError, StoreErrorKind,
    StoreResult,
};
use crate::timer::sleep;

/// A request that met another process waits for less than this, at first.
const BACKS_OFF: Duration = Duration::from_millis(3);

/// Of all its calls only that of the future which is [driven](Stepped::drive) goes on, to its next stop.
#[derive(Clone, Debug)]
pub(super) struct Stepped {
    store: AnyStore,
    control: Arc<Mutex<Control>>,
}

#[derive(Debug, Default)]
struct Control {
    /// What the next stop is left with.
    go: Option<Go>,
    at: At,
}

/// How a call leaves a stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Go {
    On,
    /// As if the connection broke there.
    Failing,
}

/// Where a future stands that was polled and is not done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum At {
    /// In neither of the others: it waits for another future, or for a moment.
    #[default]
    Elsewhere,
    Stop,
    /// The store is at work.
    Call,
}

impl Stepped {
    pub(super) fn new(store: AnyStore) -> Self {
        Self { store, control: Arc::default() }
    }

    /// Lets a future go on from the stop where it stands, until the next one, or until it waits for another future. What it says if
    /// it is done.
    pub(super) async fn drive<T>(&self, future: &mut BoxFuture<'static, T>, go: Go) -> Option<T> {
        self.lock().go = Some(go);
        let mut patience = None;
        let done = poll_fn(|context| match self.poll(future, context) {
            Ok(done) => Poll::Ready(Some(done)),
            Err(At::Stop) => Poll::Ready(None),
            Err(At::Call) => Poll::Pending,
            // For another future, which does not go on now; or for a moment, after which it does.
            Err(At::Elsewhere) => {
                let delay = patience.get_or_insert_with(|| sleep(BACKS_OFF));
                pin!(delay).poll(context).map(|()| None)
            }
        });
        let done = done.await;
        self.lock().go = None;
        done
    }

    /// Lets a future send its call and no more: whatever becomes of it then.
    pub(super) async fn nudge<T>(&self, future: &mut BoxFuture<'static, T>) {
        self.lock().go = Some(Go::On);
        poll_fn(|context| {
            let _ = self.poll(future, context);
            Poll::Ready(())
        })
        .await;
        self.lock().go = None;
    }

    fn poll<T>(&self, future: &mut BoxFuture<'static, T>, context: &mut Context<'_>) -> Result<T, At> {
        self.lock().at = At::Elsewhere;
        match future.as_mut().poll(context) {
            Poll::Ready(done) => Ok(done),
            Poll::Pending => Err(self.lock().at),
        }
    }

    async fn call<T>(&self, call: impl Future<Output = StoreResult<T>>) -> StoreResult<T> {
        self.stop().await?;
        let mut call = pin!(call);
        let answer = poll_fn(|context| {
            let answer = call.as_mut().poll(context);
            self.lock().at = if answer.is_ready() { At::Elsewhere } else { At::Call };
            answer
        })
        .await;
        self.stop().await?;
        answer
    }

    async fn stop(&self) -> StoreResult<()> {
        let go = poll_fn(|_| {
            let mut control = self.lock();
            control.at = At::Stop;
            control.go.take().map_or(Poll::Pending, Poll::Ready)
        });
        let go = go.await;
        self.lock().at = At::Elsewhere;
        match go {
            Go::On => Ok(()),
            Go::Failing => Err(StoreError::new(StoreErrorKind::Unavailable, "a move that the model drew")),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Control> {
        self.control.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[deny(clippy::missing_trait_methods)]
impl SessionStore for Stepped {
    const AT_ONCE: bool = false;

    fn capabilities(&self) -> Capabilities {
        self.store.capabilities()
    }

    async fn insert(&self, key: &RecordKey, record: &Record, now: Time) -> StoreResult<Inserted> {
        self.call(self.store.insert(key, record, now)).await
    }

    async fn load(&self, key: &RecordKey, now: Time) -> StoreResult<Option<Record>> {
        self.call(self.store.load(key, now)).await
    }

    async fn reload(&self, key: &RecordKey, now: Time) -> StoreResult<Option<Record>> {
        self.call(self.store.reload(key, now)).await
    }

    async fn head(&self, key: &RecordKey, now: Time) -> StoreResult<Option<Head>> {
        self.call(self.store.head(key, now)).await
    }

    async fn replace(
        &self,
        key: &RecordKey,
        to: &RecordKey,
        record: &Record,
        was: &Record,
        now: Time,
    ) -> StoreResult<Replaced> {
        self.call(self.store.replace(key, to, record, was, now)).await
    }

    async fn touch(&self, key: &RecordKey, until: Time, was: &Record, now: Time) -> StoreResult<bool> {
        self.call(self.store.touch(key, until, was, now)).await
    }

    async fn remove(&self, what: Select<'_>, now: Time) -> StoreResult<u64> {
        self.call(self.store.remove(what, now)).await
    }

    async fn page(
        &self,
        of: Filter<'_>,
        after: Option<Cursor>,
        limit: NonZeroU32,
        now: Time,
    ) -> StoreResult<Page> {
        self.call(self.store.page(of, after, limit, now)).await
    }

    async fn purge(&self, now: Time, batch: NonZeroU32) -> StoreResult<u64> {
        self.call(self.store.purge(now, batch)).await
    }

    async fn ping(&self) -> StoreResult<()> {
        self.call(self.store.ping()).await
    }
}
