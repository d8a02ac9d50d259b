//! A store as core uses it: with a limit to its patience, and a memory of its failures.
//!
//! Every call ends in time. A store that has failed several times in a row is taken for dead: calls fail at once, but for one at a
//! time, which finds out whether it is back. So an outage costs each request nothing but its answer, and its end is noticed with the
//! next one. And only so many calls wait at once: what a slow store cannot take is refused, and does not pile up in this process.

use std::num::NonZeroU32;
use std::pin::pin;
use std::time::Duration;

use crate::answer::Answer;
use crate::any_store::AnyStore;
use crate::breaker::Pass;
use crate::clock::Time;
use crate::event::{Event, Events};
use crate::id::{RecordKey, TokenFormat};
use crate::line::Lines;
use crate::patience::within;
use crate::record::Record;
use crate::settings::Settings;
use crate::store::{
    Capabilities, Cursor, Filter, Inserted, Page, Replaced, Select, SessionStore, StoreError, StoreErrorKind,
    StoreResult, Verb,
};
use crate::waiting::Place;

/// How long the one that tries a dead store is the only one, at most; or a tenth of the timeout. Then the next may try, for what the
/// first waits for may never come, as on a connection that a firewall has forgotten.
const ALONE: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(crate) struct Watched {
    store: AnyStore,
    capabilities: Capabilities,
    timeout: Option<Duration>,
    max_waiting: usize,
    events: Events,
}

impl Watched {
    pub(crate) fn new(store: AnyStore, settings: &Settings) -> Self {
        Self {
            capabilities: store.capabilities(),
            store,
            timeout: settings.store_timeout,
            max_waiting: settings.max_waiting,
            events: settings.events.clone(),
        }
    }

    pub(crate) fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    /// How long a call is waited for.
    pub(crate) fn timeout(&self) -> Option<Duration> {
        self.timeout
    }

    /// A place among those who wait for the store, where there is one left.
    pub(crate) fn wait(&self) -> StoreResult<Place<'_>> {
        self.store.traffic().waiting.enter(self.max_waiting).ok_or_else(crowded)
    }

    /// Where saves of one session wait for each other.
    pub(crate) fn lines(&self) -> &Lines {
        &self.store.traffic().lines
    }

    /// Whether every call is done when it is first polled.
    pub(crate) fn is_at_once(&self) -> bool {
        self.store.is_at_once()
    }

    /// What may be told of a key.
    pub(crate) fn handle(&self, key: &RecordKey) -> Option<RecordKey> {
        let is_public = self.capabilities.tokens.has_secrets() && key.is_selector();
        is_public.then_some(*key)
    }

    pub(crate) async fn insert(&self, key: &RecordKey, record: &Record, now: Time) -> StoreResult<Inserted> {
        self.call(Verb::Insert, || self.store.verbs().insert(key, record, now)).await
    }

    pub(crate) async fn load(&self, key: &RecordKey, now: Time) -> StoreResult<Option<Record>> {
        self.call(Verb::Load, || self.store.verbs().load(key, now)).await
    }

    pub(crate) async fn reload(&self, key: &RecordKey, now: Time) -> StoreResult<Option<Record>> {
        self.call(Verb::Load, || self.store.verbs().reload(key, now)).await
    }

    pub(crate) async fn replace(
        &self,
        key: &RecordKey,
        to: &RecordKey,
        record: &Record,
        was: &Record,
        now: Time,
    ) -> StoreResult<Replaced> {
        self.call(Verb::Replace, || self.store.verbs().replace(key, to, record, was, now)).await
    }

    pub(crate) async fn touch(
        &self,
        key: &RecordKey,
        until: Time,
        was: &Record,
        now: Time,
    ) -> StoreResult<bool> {
        self.call(Verb::Touch, || self.store.verbs().touch(key, until, was, now)).await
    }

    pub(crate) async fn remove(&self, what: Select<'_>, now: Time) -> StoreResult<u64> {
        let reads_all = self.capabilities().tokens == TokenFormat::SplitFromPlain;
        if reads_all && matches!(what, Select::Account { .. }) {
            return self.unhurried(Verb::Remove, self.store.remove(what, now)).await;
        }
        self.call(Verb::Remove, || self.store.verbs().remove(what, now)).await
    }

    pub(crate) async fn page(
        &self,
        of: Filter<'_>,
        after: Option<Cursor>,
        limit: NonZeroU32,
        now: Time,
    ) -> StoreResult<Page> {
        self.call(Verb::Page, || self.store.verbs().page(of, after, limit, now)).await
    }

    pub(crate) async fn purge(&self, now: Time, batch: NonZeroU32) -> StoreResult<u64> {
        self.unhurried(Verb::Purge, self.store.purge(now, batch)).await
    }

    /// What goes through a whole store may take its time, ten times that of others, and says nothing about the store's health.
    async fn unhurried<T>(&self, verb: Verb, call: impl Future<Output = StoreResult<T>>) -> StoreResult<T> {
        let timeout = self.timeout.map(|timeout| timeout.saturating_mul(10));
        let answer = in_time(timeout, call).await;
        self.told(verb, answer)
    }

    /// Asks also a store that is taken for dead.
    pub(crate) async fn ping(&self) -> StoreResult<()> {
        let answer = in_time(self.timeout, self.store.ping()).await;
        self.store.traffic().breaker.note(&answer);
        self.told(Verb::Ping, answer)
    }

    async fn call<'a, T>(
        &self,
        verb: Verb,
        call: impl FnOnce() -> Answer<'a, StoreResult<T>>,
    ) -> StoreResult<T> {
        let Some(mut pass) = self.store.traffic().breaker.enter() else {
            return self.told(verb, Err(dead()));
        };
        #[cfg(feature = "metrics")]
        let began = std::time::Instant::now();
        #[cfg(feature = "tracing")]
        let span = tracing::debug_span!("session_store", verb = verb.name());
        #[cfg(feature = "tracing")]
        let call = || span.in_scope(call);
        let answer = match call().or_waiting() {
            Ok(answer) => answer,
            Err(waited_for) => {
                let _place = match self.wait() {
                    Ok(place) => place,
                    Err(error) => return self.told(verb, Err(error)),
                };
                #[cfg(feature = "tracing")]
                let waited_for = tracing::Instrument::instrument(waited_for, span);
                self.answer(waited_for, &mut pass).await
            }
        };
        #[cfg(feature = "metrics")]
        metrics::histogram!("session_store_seconds", "verb" => verb.name()).record(began.elapsed());
        self.store.traffic().breaker.note(&answer);
        drop(pass);
        self.told(verb, answer)
    }

    /// The answer of a call, or that there was none in time. Who tries a dead store lets the next one try after a while.
    async fn answer<T>(
        &self,
        call: impl Future<Output = StoreResult<T>>,
        pass: &mut Pass<'_>,
    ) -> StoreResult<T> {
        let alone = self.timeout.map_or(ALONE, |timeout| ALONE.min(timeout / 10));
        if !pass.is_a_try() {
            return in_time(self.timeout, call).await;
        }
        let mut call = pin!(call);
        if let Some(answer) = within(Some(alone), call.as_mut()).await {
            return answer;
        }
        pass.end_try();
        let rest = self.timeout.map(|timeout| timeout.saturating_sub(alone));
        let answer = within(rest, call).await;
        answer.unwrap_or_else(|| Err(late(self.timeout.unwrap_or_default())))
    }

    fn told<T>(&self, verb: Verb, answer: StoreResult<T>) -> StoreResult<T> {
        if let Err(error) = &answer {
            self.events.tell(&Event::StoreFailed { verb, error });
        }
        answer
    }
}

/// The answer of a call, or that there was none in time.
async fn in_time<T>(timeout: Option<Duration>, call: impl Future<Output = StoreResult<T>>) -> StoreResult<T> {
    let answer = within(timeout, call).await;
    answer.unwrap_or_else(|| Err(late(timeout.unwrap_or_default())))
}

fn late(timeout: Duration) -> StoreError {
    let says = format!(
        "the session store did not answer within {timeout:?}: whether it did what it was asked is not known"
    );
    StoreError::new(StoreErrorKind::Unavailable, says)
}

fn dead() -> StoreError {
    const SAYS: &str =
        "the session store has failed several times in a row, and is being tried again by another request";
    StoreError::unsent(StoreErrorKind::Unavailable, SAYS)
}

fn crowded() -> StoreError {
    const SAYS: &str = "as many calls as may (`max_waiting`) are waiting for the session store already";
    StoreError::unsent(StoreErrorKind::Unavailable, SAYS)
}
