//! A store of any kind, chosen at run time.

use std::any::Any;
use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;

use crate::answer::{Answer, polled_once};
use crate::breaker::Breaker;
use crate::clock::Time;
use crate::codec::Django;
use crate::id::RecordKey;
#[cfg(feature = "django")]
use crate::keys::SecretKeys;
use crate::line::Lines;
use crate::record::{Head, Record};
use crate::store::{
    Capabilities, Cursor, Filter, Inserted, Page, Replaced, Select, SessionStore, StoreResult,
};
use crate::waiting::Waiting;

/// Any [`SessionStore`]: what a URL in a configuration file chooses, so that no handler has a type parameter. Clones are the
/// same store.
#[derive(Clone)]
pub struct AnyStore {
    inner: Arc<Inner<dyn DynStore>>,
    /// How the sessions are written in it, where that is not this project's own way.
    pub(crate) django: Option<Django>,
}

/// A store, and what its users in this process have in common.
struct Inner<S: ?Sized> {
    traffic: Traffic,
    store: S,
}

/// What happens on the way to a store, whoever goes there: each of an application's workers, and its second session.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    pub(crate) breaker: Breaker,
    pub(crate) waiting: Waiting,
    pub(crate) lines: Lines,
}

impl AnyStore {
    /// Wraps a store. One that is wrapped already is not wrapped again.
    pub fn new(store: impl SessionStore) -> Self {
        match (&store as &dyn Any).downcast_ref::<AnyStore>() {
            Some(wrapped) => wrapped.clone(),
            None => Self { inner: Arc::new(Inner { traffic: Traffic::default(), store }), django: None },
        }
    }

    /// A store of Django's tables or files, with the project's `SECRET_KEY` and fallbacks: its sessions are read and written as
    /// Django does. Wrap everything that belongs around the store first, a cache for example.
    #[cfg(feature = "django")]
    #[must_use = "this returns the changed store"]
    pub fn with_django_format(mut self, keys: &SecretKeys) -> Self {
        self.django = Some(Django::new(keys));
        self
    }
}

impl AnyStore {
    /// As core calls it: an answer that is there costs no future.
    pub(crate) fn verbs(&self) -> &dyn DynStore {
        &self.inner.store
    }

    pub(crate) fn traffic(&self) -> &Traffic {
        &self.inner.traffic
    }

    /// Whether the store answers each call when it is first polled.
    pub(crate) fn is_at_once(&self) -> bool {
        self.inner.store.is_at_once()
    }
}

impl fmt::Debug for AnyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.store.fmt(f)
    }
}

#[deny(clippy::missing_trait_methods)]
impl SessionStore for AnyStore {
    /// What it wraps may be.
    const AT_ONCE: bool = false;

    fn capabilities(&self) -> Capabilities {
        self.inner.store.capabilities()
    }

    async fn insert(&self, key: &RecordKey, record: &Record, now: Time) -> StoreResult<Inserted> {
        self.inner.store.insert(key, record, now).await
    }

    async fn load(&self, key: &RecordKey, now: Time) -> StoreResult<Option<Record>> {
        self.inner.store.load(key, now).await
    }

    async fn reload(&self, key: &RecordKey, now: Time) -> StoreResult<Option<Record>> {
        self.inner.store.reload(key, now).await
    }

    async fn head(&self, key: &RecordKey, now: Time) -> StoreResult<Option<Head>> {
        self.inner.store.head(key, now).await
    }

    async fn replace(
        &self,
        key: &RecordKey,
        to: &RecordKey,
        record: &Record,
        was: &Record,
        now: Time,
    ) -> StoreResult<Replaced> {
        self.inner.store.replace(key, to, record, was, now).await
    }

    async fn touch(&self, key: &RecordKey, until: Time, was: &Record, now: Time) -> StoreResult<bool> {
        self.inner.store.touch(key, until, was, now).await
    }

    async fn remove(&self, what: Select<'_>, now: Time) -> StoreResult<u64> {
        self.inner.store.remove(what, now).await
    }

    async fn page(
        &self,
        of: Filter<'_>,
        after: Option<Cursor>,
        limit: NonZeroU32,
        now: Time,
    ) -> StoreResult<Page> {
        self.inner.store.page(of, after, limit, now).await
    }

    async fn purge(&self, now: Time, batch: NonZeroU32) -> StoreResult<u64> {
        self.inner.store.purge(now, batch).await
    }

    async fn ping(&self) -> StoreResult<()> {
        self.inner.store.ping().await
    }
}

/// The answer of a store, which is asked on the stack where it answers at once.
fn answer<'a, S: SessionStore, T, F>(call: impl Fn() -> F) -> Answer<'a, StoreResult<T>>
where
    F: Future<Output = StoreResult<T>> + Send + 'a,
{
    let at_once = if S::AT_ONCE { polled_once(&call) } else { None };
    at_once.map_or_else(|| Answer::later(call()), Answer::now)
}

/// The boxed twin of [`SessionStore`]: a trait whose functions are futures of unnamed types has no object.
pub(crate) trait DynStore: fmt::Debug + Send + Sync + 'static {
    fn is_at_once(&self) -> bool;
    fn capabilities(&self) -> Capabilities;
    fn insert<'a>(
        &'a self,
        key: &'a RecordKey,
        record: &'a Record,
        now: Time,
    ) -> Answer<'a, StoreResult<Inserted>>;
    fn load<'a>(&'a self, key: &'a RecordKey, now: Time) -> Answer<'a, StoreResult<Option<Record>>>;
    fn reload<'a>(&'a self, key: &'a RecordKey, now: Time) -> Answer<'a, StoreResult<Option<Record>>>;
    fn head<'a>(&'a self, key: &'a RecordKey, now: Time) -> Answer<'a, StoreResult<Option<Head>>>;
    fn replace<'a>(
        &'a self,
        key: &'a RecordKey,
        to: &'a RecordKey,
        record: &'a Record,
        was: &'a Record,
        now: Time,
    ) -> Answer<'a, StoreResult<Replaced>>;
    fn touch<'a>(
        &'a self,
        key: &'a RecordKey,
        until: Time,
        was: &'a Record,
        now: Time,
    ) -> Answer<'a, StoreResult<bool>>;
    fn remove<'a>(&'a self, what: Select<'a>, now: Time) -> Answer<'a, StoreResult<u64>>;
    fn page<'a>(
        &'a self,
        of: Filter<'a>,
        after: Option<Cursor>,
        limit: NonZeroU32,
        now: Time,
    ) -> Answer<'a, StoreResult<Page>>;
    fn purge(&self, now: Time, batch: NonZeroU32) -> Answer<'_, StoreResult<u64>>;
    fn ping(&self) -> Answer<'_, StoreResult<()>>;
}

impl<S: SessionStore> DynStore for S {
    fn is_at_once(&self) -> bool {
        S::AT_ONCE
    }

    fn capabilities(&self) -> Capabilities {
        self.capabilities()
    }

    fn insert<'a>(
        &'a self,
        key: &'a RecordKey,
        record: &'a Record,
        now: Time,
    ) -> Answer<'a, StoreResult<Inserted>> {
        answer::<S, _, _>(|| self.insert(key, record, now))
    }

    fn load<'a>(&'a self, key: &'a RecordKey, now: Time) -> Answer<'a, StoreResult<Option<Record>>> {
        answer::<S, _, _>(|| self.load(key, now))
    }

    fn reload<'a>(&'a self, key: &'a RecordKey, now: Time) -> Answer<'a, StoreResult<Option<Record>>> {
        answer::<S, _, _>(|| self.reload(key, now))
    }

    fn head<'a>(&'a self, key: &'a RecordKey, now: Time) -> Answer<'a, StoreResult<Option<Head>>> {
        answer::<S, _, _>(|| self.head(key, now))
    }

    fn replace<'a>(
        &'a self,
        key: &'a RecordKey,
        to: &'a RecordKey,
        record: &'a Record,
        was: &'a Record,
        now: Time,
    ) -> Answer<'a, StoreResult<Replaced>> {
        answer::<S, _, _>(|| self.replace(key, to, record, was, now))
    }

    fn touch<'a>(
        &'a self,
        key: &'a RecordKey,
        until: Time,
        was: &'a Record,
        now: Time,
    ) -> Answer<'a, StoreResult<bool>> {
        answer::<S, _, _>(|| self.touch(key, until, was, now))
    }

    fn remove<'a>(&'a self, what: Select<'a>, now: Time) -> Answer<'a, StoreResult<u64>> {
        answer::<S, _, _>(|| self.remove(what, now))
    }

    fn page<'a>(
        &'a self,
        of: Filter<'a>,
        after: Option<Cursor>,
        limit: NonZeroU32,
        now: Time,
    ) -> Answer<'a, StoreResult<Page>> {
        answer::<S, _, _>(|| self.page(of, after.clone(), limit, now))
    }

    fn purge(&self, now: Time, batch: NonZeroU32) -> Answer<'_, StoreResult<u64>> {
        answer::<S, _, _>(|| self.purge(now, batch))
    }

    fn ping(&self) -> Answer<'_, StoreResult<()>> {
        answer::<S, _, _>(|| self.ping())
    }
}
