//! A cache that keeps nobody waiting.

use std::future::Future;
use std::time::Duration;

use crate::breaker::Breaker;
use crate::cache::{Cache, Cached};
use crate::clock::Time;
use crate::id::RecordKey;
use crate::patience::within;
use crate::record::Record;
use crate::store::{StoreError, StoreErrorKind, StoreResult};

/// A cache that keeps nobody waiting: what it does not answer in time is a failure, and after five of them in a row it is taken for
/// dead and passed by, but for one request at a time, which finds out whether it is back. Who says nothing at all, as a server behind a
/// firewall that drops everything, would otherwise make each request late.
///
/// A tombstone is put all the same, and waited for four times as long while the cache lives: it is what keeps a session that has ended
/// from being read.
///
/// `session-cached` wraps its cache in one.
#[derive(Debug)]
pub struct PatientCache<C> {
    cache: C,
    patience: Duration,
    breaker: Breaker,
}

/// A store answers in less, so a copy that takes longer is none worth waiting for.
const PATIENCE: Duration = Duration::from_millis(500);

impl<C: Cache> PatientCache<C> {
    /// Waits 500 ms for each answer of this cache.
    pub fn new(cache: C) -> Self {
        Self { cache, patience: PATIENCE, breaker: Breaker::default() }
    }

    /// Waits for each answer so long.
    #[must_use = "this returns the changed cache"]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    async fn ask<T>(&self, call: impl Future<Output = StoreResult<T>> + Send) -> StoreResult<T> {
        let Some(_pass) = self.breaker.enter() else {
            let context = "the cache of sessions has not answered for a while, and is passed by";
            return Err(StoreError::unsent(StoreErrorKind::Unavailable, context));
        };
        self.wait(self.patience, call).await
    }

    async fn wait<T>(
        &self,
        patience: Duration,
        call: impl Future<Output = StoreResult<T>> + Send,
    ) -> StoreResult<T> {
        let answer = within(Some(patience), call).await.unwrap_or_else(|| {
            let context = format!("the cache of sessions did not answer within {patience:?}");
            Err(StoreError::new(StoreErrorKind::Unavailable, context))
        });
        self.breaker.note(&answer);
        answer
    }
}

impl<C: Cache> Cache for PatientCache<C> {
    async fn get(&self, key: &RecordKey, now: Time) -> StoreResult<Cached> {
        self.ask(self.cache.get(key, now)).await
    }

    async fn put_if_newer(
        &self,
        key: &RecordKey,
        record: &Record,
        until: Time,
        now: Time,
    ) -> StoreResult<bool> {
        self.ask(self.cache.put_if_newer(key, record, until, now)).await
    }

    async fn tombstone(&self, key: &RecordKey, keep: Duration, now: Time) -> StoreResult<()> {
        let patience = if self.breaker.is_open() { self.patience } else { 4 * self.patience };
        self.wait(patience, self.cache.tombstone(key, keep, now)).await
    }

    fn is_shared(&self) -> bool {
        self.cache.is_shared()
    }
}
