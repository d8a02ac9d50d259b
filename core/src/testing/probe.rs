//! A store that is watched: calls are counted, stopped, or made to fail, where a test says so.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::SetOnce;

use crate::any_store::AnyStore;
use crate::clock::Time;
use crate::id::RecordKey;
use crate::record::{Head, Record};
use crate::store::{
    Capabilities, Cursor, Filter, Inserted, Page, Replaced, Select, SessionStore, StoreError, StoreErrorKind,
    StoreResult,
};

pub use crate::store::Verb;

/// Where in a call to a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a call has two ends")]
pub enum When {
    /// Before the store has seen it: a failure here means that nothing was done.
    Before,
    /// After the store has done it: a failure here loses the answer.
    After,
}

/// A store that counts its calls, and stops or fails where it is told to. Clones are the same store.
#[derive(Clone, Debug)]
pub struct Probe {
    store: AnyStore,
    control: Arc<Control>,
}

#[derive(Debug, Default)]
struct Control {
    calls: [AtomicU64; Verb::ALL],
    pauses: Mutex<Vec<Arc<Stop>>>,
    faults: Mutex<Vec<(Verb, When)>>,
}

#[derive(Debug)]
struct Stop {
    verb: Verb,
    when: When,
    reached: SetOnce<()>,
    resumed: SetOnce<()>,
}

impl Probe {
    /// Watches a store.
    pub fn new(store: impl SessionStore) -> Self {
        Self { store: AnyStore::new(store), control: Arc::default() }
    }

    /// How many calls there have been since the start, or the last [`reset`](Self::reset).
    pub fn calls(&self) -> u64 {
        self.control.calls.iter().map(|count| count.load(Ordering::SeqCst)).sum()
    }

    /// How many calls of one verb there have been.
    pub fn calls_of(&self, verb: Verb) -> u64 {
        self.control.calls[verb as usize].load(Ordering::SeqCst)
    }

    /// Counts from zero again.
    pub fn reset(&self) {
        self.control.calls.iter().for_each(|count| count.store(0, Ordering::SeqCst));
    }

    /// Stops the next call of the verb at this point, until the pause is resumed.
    pub fn pause(&self, verb: Verb, when: When) -> Pause {
        let stop = Arc::new(Stop { verb, when, reached: SetOnce::new(), resumed: SetOnce::new() });
        lock(&self.control.pauses).push(Arc::clone(&stop));
        Pause(stop)
    }

    /// Makes the next call of the verb fail at this point, as if the connection broke. Several add up.
    pub fn fail_next(&self, verb: Verb, when: When) {
        lock(&self.control.faults).push((verb, when));
    }

    async fn watch<T>(&self, verb: Verb, call: impl Future<Output = StoreResult<T>>) -> StoreResult<T> {
        self.control.calls[verb as usize].fetch_add(1, Ordering::SeqCst);
        self.control.point(verb, When::Before).await?;
        let answer = call.await;
        self.control.point(verb, When::After).await?;
        answer
    }
}

impl Control {
    async fn point(&self, verb: Verb, when: When) -> StoreResult<()> {
        let stop = take(&mut lock(&self.pauses), |stop| stop.verb == verb && stop.when == when);
        let fault = take(&mut lock(&self.faults), |fault| *fault == (verb, when));
        if let Some(stop) = stop {
            stop.reached.set(()).ok();
            stop.resumed.wait().await;
        }
        match fault {
            Some(_) => Err(StoreError::new(StoreErrorKind::Unavailable, "a fault that the test asked for")),
            None => Ok(()),
        }
    }
}

/// A call that stands still, or will.
#[derive(Debug)]
pub struct Pause(Arc<Stop>);

impl Pause {
    /// Waits until a call stands there.
    pub async fn reached(&self) {
        self.0.reached.wait().await;
    }

    /// Lets it go on.
    pub fn resume(self) {
        self.0.resumed.set(()).ok();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn take<T>(list: &mut Vec<T>, is: impl FnMut(&T) -> bool) -> Option<T> {
    list.iter().position(is).map(|at| list.remove(at))
}

#[deny(clippy::missing_trait_methods)]
impl SessionStore for Probe {
    fn capabilities(&self) -> Capabilities {
        self.store.capabilities()
    }

    async fn insert(&self, key: &RecordKey, record: &Record, now: Time) -> StoreResult<Inserted> {
        self.watch(Verb::Insert, self.store.insert(key, record, now)).await
    }

    async fn load(&self, key: &RecordKey, now: Time) -> StoreResult<Option<Record>> {
        self.watch(Verb::Load, self.store.load(key, now)).await
    }

    /// Counts as a load.
    async fn reload(&self, key: &RecordKey, now: Time) -> StoreResult<Option<Record>> {
        self.watch(Verb::Load, self.store.reload(key, now)).await
    }

    async fn head(&self, key: &RecordKey, now: Time) -> StoreResult<Option<Head>> {
        self.watch(Verb::Head, self.store.head(key, now)).await
    }

    async fn replace(
        &self,
        key: &RecordKey,
        to: &RecordKey,
        record: &Record,
        was: &Record,
        now: Time,
    ) -> StoreResult<Replaced> {
        self.watch(Verb::Replace, self.store.replace(key, to, record, was, now)).await
    }

    async fn touch(&self, key: &RecordKey, until: Time, was: &Record, now: Time) -> StoreResult<bool> {
        self.watch(Verb::Touch, self.store.touch(key, until, was, now)).await
    }

    async fn remove(&self, what: Select<'_>, now: Time) -> StoreResult<u64> {
        self.watch(Verb::Remove, self.store.remove(what, now)).await
    }

    async fn page(
        &self,
        of: Filter<'_>,
        after: Option<Cursor>,
        limit: NonZeroU32,
        now: Time,
    ) -> StoreResult<Page> {
        self.watch(Verb::Page, self.store.page(of, after, limit, now)).await
    }

    async fn purge(&self, now: Time, batch: NonZeroU32) -> StoreResult<u64> {
        self.watch(Verb::Purge, self.store.purge(now, batch)).await
    }

    async fn ping(&self) -> StoreResult<()> {
        self.watch(Verb::Ping, self.store.ping()).await
    }
}
