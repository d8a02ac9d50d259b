//! What an application may want to know of its cache.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use session_core::store::StoreError;

/// Something that happened at the cache; the request went on with the store. Also told to the facades `tracing` (what went wrong) and
/// `metrics` (the counter `session_cache_events_total`, by `event`), under the features of these names.
#[derive(Debug)]
#[non_exhaustive]
pub enum CacheEvent<'a> {
    /// A copy was found, and used.
    Hit,
    /// The store was asked.
    Miss,
    /// The cache did not answer.
    Failed(&'a StoreError),
    /// A session was ended, but the cache did not take its tombstone: who reads the cache may see it for `max_staleness` still.
    TombstoneLost(&'a StoreError),
}

impl CacheEvent<'_> {
    /// A name for programs, which does not change between versions.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Miss => "miss",
            Self::Failed(_) => "failed",
            Self::TombstoneLost(_) => "tombstone_lost",
        }
    }
}

/// The application's ear.
#[derive(Clone, Default)]
pub(crate) struct Listener(Option<Arc<Listen>>);

type Listen = dyn Fn(&CacheEvent<'_>) + Send + Sync;

impl Listener {
    pub(crate) fn new(listen: impl Fn(&CacheEvent<'_>) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(listen)))
    }

    /// Tells it. One that panics does not break the request that it hears of (T17).
    pub(crate) fn hear(&self, event: &CacheEvent<'_>) {
        #[cfg(feature = "tracing")]
        if let CacheEvent::Failed(error) | CacheEvent::TombstoneLost(error) = event {
            tracing::warn!(event = event.name(), "the cache of sessions: {error}");
        }
        #[cfg(feature = "metrics")]
        metrics::counter!("session_cache_events_total", "event" => event.name()).increment(1);
        if let Some(listen) = &self.0 {
            let _ = catch_unwind(AssertUnwindSafe(|| listen(event)));
        }
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Listener").field(&self.0.is_some()).finish()
    }
}
