//! A store of any kind, chosen at run time.

use std::any::Any;
use std::fmt;
use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::Arc;

use crate::clock::Time;
use crate::id::RecordKey;
use crate::record::Record;
use crate::store::{
    Capabilities, Cursor, Filter, Inserted, Page, Replaced, Select, SessionStore, StoreResult,
};

/// Any [`SessionStore`]: what a URL in a configuration file chooses, so that no handler has a type parameter. Clones are the
/// same store.
#[derive(Clone)]
pub struct AnyStore(Arc<dyn DynStore>);

impl AnyStore {
    /// Wraps a store. One that is wrapped already is not wrapped again.
    pub fn new(store: impl SessionStore) -> Self {
        match (&store as &dyn Any).downcast_ref::<AnyStore>() {
            Some(wrapped) => wrapped.clone(),
            None => Self(Arc::new(store)),
        }
    }
}

impl fmt::Debug for AnyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[deny(clippy::missing_trait_methods)]
impl SessionStore for AnyStore {
    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    async fn insert(&self, key: &RecordKey, record: &Record, now: Time) -> StoreResult<Inserted> {
        self.0.insert(key, record, now).await
    }

    async fn load(&self, key: &RecordKey, now: Time) -> StoreResult<Option<Record>> {
        self.0.load(key, now).await
    }

    async fn replace(
        &self,
        key: &RecordKey,
        to: &RecordKey,
        record: &Record,
        was: &Record,
        now: Time,
    ) -> StoreResult<Replaced> {
        self.0.replace(key, to, record, was, now).await
    }

    async fn touch(&self, key: &RecordKey, until: Time, was: &Record, now: Time) -> StoreResult<bool> {
        self.0.touch(key, until, was, now).await
    }

    async fn remove(&self, what: Select<'_>, now: Time) -> StoreResult<u64> {
        self.0.remove(what, now).await
    }

    async fn page(
        &self,
        of: Filter<'_>,
        after: Option<Cursor>,
        limit: NonZeroU32,
        now: Time,
    ) -> StoreResult<Page> {
        self.0.page(of, after, limit, now).await
    }

    async fn purge(&self, now: Time, batch: NonZeroU32) -> StoreResult<u64> {
        self.0.purge(now, batch).await
    }

    async fn ping(&self) -> StoreResult<()> {
        self.0.ping().await
    }
}

type Answer<'a, T> = Pin<Box<dyn Future<Output = StoreResult<T>> + Send + 'a>>;

/// The boxed twin of [`SessionStore`]: a trait whose functions are futures of unnamed types has no object.
trait DynStore: fmt::Debug + Send + Sync + 'static {
    fn capabilities(&self) -> Capabilities;
    fn insert<'a>(&'a self, key: &'a RecordKey, record: &'a Record, now: Time) -> Answer<'a, Inserted>;
    fn load<'a>(&'a self, key: &'a RecordKey, now: Time) -> Answer<'a, Option<Record>>;
    fn replace<'a>(
        &'a self,
        key: &'a RecordKey,
        to: &'a RecordKey,
        record: &'a Record,
        was: &'a Record,
        now: Time,
    ) -> Answer<'a, Replaced>;
    fn touch<'a>(&'a self, key: &'a RecordKey, until: Time, was: &'a Record, now: Time) -> Answer<'a, bool>;
    fn remove<'a>(&'a self, what: Select<'a>, now: Time) -> Answer<'a, u64>;
    fn page<'a>(
        &'a self,
        of: Filter<'a>,
        after: Option<Cursor>,
        limit: NonZeroU32,
        now: Time,
    ) -> Answer<'a, Page>;
    fn purge(&self, now: Time, batch: NonZeroU32) -> Answer<'_, u64>;
    fn ping(&self) -> Answer<'_, ()>;
}

impl<S: SessionStore> DynStore for S {
    fn capabilities(&self) -> Capabilities {
        self.capabilities()
    }

    fn insert<'a>(&'a self, key: &'a RecordKey, record: &'a Record, now: Time) -> Answer<'a, Inserted> {
        Box::pin(self.insert(key, record, now))
    }

    fn load<'a>(&'a self, key: &'a RecordKey, now: Time) -> Answer<'a, Option<Record>> {
        Box::pin(self.load(key, now))
    }

    fn replace<'a>(
        &'a self,
        key: &'a RecordKey,
        to: &'a RecordKey,
        record: &'a Record,
        was: &'a Record,
        now: Time,
    ) -> Answer<'a, Replaced> {
        Box::pin(self.replace(key, to, record, was, now))
    }

    fn touch<'a>(&'a self, key: &'a RecordKey, until: Time, was: &'a Record, now: Time) -> Answer<'a, bool> {
        Box::pin(self.touch(key, until, was, now))
    }

    fn remove<'a>(&'a self, what: Select<'a>, now: Time) -> Answer<'a, u64> {
        Box::pin(self.remove(what, now))
    }

    fn page<'a>(
        &'a self,
        of: Filter<'a>,
        after: Option<Cursor>,
        limit: NonZeroU32,
        now: Time,
    ) -> Answer<'a, Page> {
        Box::pin(self.page(of, after, limit, now))
    }

    fn purge(&self, now: Time, batch: NonZeroU32) -> Answer<'_, u64> {
        Box::pin(self.purge(now, batch))
    }

    fn ping(&self) -> Answer<'_, ()> {
        Box::pin(self.ping())
    }
}
