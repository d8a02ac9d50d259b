//! The store behind its cache.

use std::num::NonZeroU32;
use std::time::Duration;

use futures_util::future::try_join_all;
use session_core::store::{
    Capabilities, Cursor, Filter, Inserted, Page, Replaced, Select, SessionStore, StoreResult,
};
use session_core::{AnyStore, Cache, Cached, Head, PatientCache, Record, RecordKey, Time, TokenFormat};

use crate::event::{CacheEvent, Listener};

/// A store with a cache before it. The [crate's page](crate) says what it promises.
#[derive(Debug)]
pub struct CachedStore<C> {
    store: AnyStore,
    cache: PatientCache<C>,
    trust: Trust,
    listener: Listener,
}

/// When a copy is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trust {
    /// For so long after it was put.
    For(Duration),
    /// As long as the store has the same version.
    Verified,
}

/// A load that has read a session just before it was deleted must be over before its tombstone is.
const TOMBSTONE: Duration = Duration::from_secs(120);

/// How many of an account's sessions are looked up at a time when all of them end.
const PAGE: NonZeroU32 = NonZeroU32::new(500).unwrap();

/// How often it is asked which sessions an account has left: somebody who signs in all the time is not waited for.
const LISTINGS: usize = 16;

/// How many sessions of an account are ended side by side.
const AT_ONCE: usize = 32;

impl<C: Cache> CachedStore<C> {
    /// Puts a cache before a store.
    pub fn new(store: impl SessionStore, cache: C) -> Self {
        let store = AnyStore::new(store);
        // Django writes past a cache of ours.
        let all_write_here = cache.is_shared() && store.capabilities().tokens == TokenFormat::Split;
        let trust = Trust::For(Duration::from_secs(if all_write_here { 300 } else { 5 }));
        Self { store, cache: PatientCache::new(cache), trust, listener: Listener::default() }
    }

    /// How long an answer of the cache is waited for, 500 ms unless set. One that is silent is soon
    /// [passed by](PatientCache).
    #[must_use = "this returns the changed store"]
    pub fn with_cache_timeout(self, timeout: Duration) -> Self {
        Self { cache: self.cache.with_patience(timeout), ..self }
    }

    /// For how long a copy is trusted. Zero trusts none: every load goes to the store.
    #[must_use = "this returns the changed store"]
    pub fn with_max_staleness(mut self, max_staleness: Duration) -> Self {
        self.trust = Trust::For(max_staleness);
        self
    }

    /// Trusts a copy only while the store has the same version: every load asks the store for that, and for the deadlines, which is
    /// a few bytes however large the session is. So what was ended or changed elsewhere is seen at once, and what the cache saves is
    /// the reading, the way and the unpacking of the data. Where the store is down, so are its sessions.
    ///
    /// Django's tables have no version, so there the store is asked for everything and the cache for nothing.
    ///
    /// ```
    /// use session_cached::CachedStore;
    /// use session_core::store::SessionStore;
    /// use session_memory::{MemoryCache, MemoryStore};
    ///
    /// let store = CachedStore::new(MemoryStore::new(), MemoryCache::default()).with_verify();
    /// assert!(store.capabilities().max_staleness.is_zero());
    /// ```
    #[must_use = "this returns the changed store"]
    pub fn with_verify(mut self) -> Self {
        self.trust = Trust::Verified;
        self
    }

    /// Hears of hits, misses and failures; called within requests, so it should be quick.
    #[must_use = "this returns the changed store"]
    pub fn with_listener(mut self, listen: impl Fn(&CacheEvent<'_>) + Send + Sync + 'static) -> Self {
        self.listener = Listener::new(listen);
        self
    }

    /// Keeps a copy. Where the cache fails, it has none; or an old one, which is judged when somebody writes.
    async fn keep(&self, key: &RecordKey, record: &Record, now: Time) {
        let until = match self.trust {
            Trust::For(max_staleness) => record.expires_at.min(now + max_staleness),
            Trust::Verified if self.has_versions() => record.expires_at,
            Trust::Verified => return,
        };
        if until > now
            && let Err(error) = self.cache.put_if_newer(key, record, until, now).await
        {
            self.listener.hear(&CacheEvent::Failed(&error));
        }
    }

    /// Django's tokens come with Django's tables, which have no versions.
    fn has_versions(&self) -> bool {
        self.store.capabilities().tokens == TokenFormat::Split
    }

    /// What the cache has, if it may be used; or else, if the store was asked and there is nothing, that.
    async fn copy(&self, key: &RecordKey, now: Time) -> StoreResult<Found> {
        if self.trust == Trust::Verified && !self.has_versions() {
            return Ok(Found::Nothing);
        }
        let (copy, put_at) = match self.cache.get(key, now).await {
            Ok(Cached::Copy(copy, put_at)) => (copy, put_at),
            // A tombstone may stand where the deletion then failed, so only the store says that a session has ended.
            Ok(Cached::Tombstone | Cached::Nothing) => return Ok(Found::Nothing),
            Err(error) => {
                self.listener.hear(&CacheEvent::Failed(&error));
                return Ok(Found::Failure);
            }
        };
        match self.trust {
            // Of a copy from the future, as a clock that was set back leaves them, the age is not known.
            Trust::For(max_staleness) if now.since(put_at).max(put_at.since(now)) < max_staleness => {
                Ok(Found::Copy(copy))
            }
            Trust::For(_) => Ok(Found::Nothing),
            Trust::Verified => {
                let Some(head) = self.store.head(key, now).await? else {
                    self.bury(key, now).await;
                    return Ok(Found::Ended);
                };
                Ok(copy.with_head(head).map_or(Found::Nothing, |copy| Found::Copy(Box::new(copy))))
            }
        }
    }

    async fn bury(&self, key: &RecordKey, now: Time) {
        if let Err(error) = self.cache.tombstone(key, TOMBSTONE, now).await {
            self.listener.hear(&CacheEvent::TombstoneLost(&error));
        }
    }

    /// Removes what has this key.
    async fn end(&self, what: Select<'_>, key: &RecordKey, now: Time) -> StoreResult<u64> {
        self.bury(key, now).await;
        let removed = self.store.remove(what, now).await?;
        // Again: a copy may have been put between the first tombstone's end and the deletion, on another node.
        self.bury(key, now).await;
        Ok(removed)
    }

    /// Removes an account's sessions one by one: of what the store would remove by itself nobody knew the keys, and a login that
    /// was faster than the listing would leave a copy. So it is listed again until there is none.
    async fn remove_account(&self, account: &str, except: Option<&RecordKey>, now: Time) -> StoreResult<u64> {
        let mut removed = 0;
        for _ in 0..LISTINGS {
            let (mut keys, unreadable) = self.keys_of(account, now).await?;
            keys.retain(|key| Some(key) != except);
            if keys.is_empty() && unreadable == 0 {
                break;
            }
            // A cache that does not answer delays each: side by side, and each one whole, so that who tries again has less to do.
            for some in keys.chunks(AT_ONCE) {
                let ends = some.iter().map(|key| self.end(Select::One(key), key, now));
                removed += try_join_all(ends).await?.iter().sum::<u64>();
            }
            if keys.is_empty() {
                // What cannot be read has no copy.
                removed += self.store.remove(Select::Account { account, except }, now).await?;
                break;
            }
        }
        Ok(removed)
    }

    /// The keys of an account's sessions, and how many cannot be read.
    async fn keys_of(&self, account: &str, now: Time) -> StoreResult<(Vec<RecordKey>, u64)> {
        let (mut keys, mut unreadable, mut after) = (Vec::new(), 0, None);
        loop {
            let page = self.store.page(Filter::Account(account), after, PAGE, now).await?;
            keys.extend(page.records.iter().map(|(key, _)| *key));
            unreadable += page.unreadable;
            after = page.next;
            if after.is_none() {
                return Ok((keys, unreadable));
            }
        }
    }
}

/// What a look at the cache led to.
enum Found {
    Copy(Box<Record>),
    /// The store says that there is no live record.
    Ended,
    /// Nothing that may be used: the store must be asked.
    Nothing,
    /// No answer, and who listens has heard of it: the store must be asked.
    Failure,
}

#[deny(clippy::missing_trait_methods)]
impl<C: Cache> SessionStore for CachedStore<C> {
    fn capabilities(&self) -> Capabilities {
        let mut capabilities = self.store.capabilities();
        capabilities.max_staleness = match self.trust {
            Trust::For(max_staleness) => max_staleness,
            Trust::Verified => Duration::ZERO,
        };
        capabilities
    }

    async fn insert(&self, key: &RecordKey, record: &Record, now: Time) -> StoreResult<Inserted> {
        let inserted = self.store.insert(key, record, now).await?;
        if inserted == Inserted::Done {
            self.keep(key, record, now).await;
        }
        Ok(inserted)
    }

    async fn load(&self, key: &RecordKey, now: Time) -> StoreResult<Option<Record>> {
        match self.copy(key, now).await? {
            Found::Copy(record) => {
                self.listener.hear(&CacheEvent::Hit);
                return Ok(Some(*record));
            }
            Found::Ended => return Ok(None),
            Found::Nothing => self.listener.hear(&CacheEvent::Miss),
            Found::Failure => {}
        }
        self.reload(key, now).await
    }

    async fn reload(&self, key: &RecordKey, now: Time) -> StoreResult<Option<Record>> {
        let record = self.store.load(key, now).await?;
        if let Some(record) = &record {
            self.keep(key, record, now).await;
        }
        Ok(record)
    }

    /// The store's: who asks has a copy already.
    async fn head(&self, key: &RecordKey, now: Time) -> StoreResult<Option<Head>> {
        self.store.head(key, now).await
    }

    async fn replace(
        &self,
        key: &RecordKey,
        to: &RecordKey,
        record: &Record,
        was: &Record,
        now: Time,
    ) -> StoreResult<Replaced> {
        if key != to || !record.is_live(now) {
            self.bury(key, now).await;
        }
        let replaced = self.store.replace(key, to, record, was, now).await?;
        match &replaced {
            Replaced::Done => {
                if key != to {
                    self.bury(key, now).await;
                }
                if record.is_live(now) {
                    self.keep(to, record, now).await;
                } else {
                    self.bury(to, now).await;
                }
            }
            Replaced::Conflict(fresh) => self.keep(key, fresh, now).await,
            Replaced::Gone => self.bury(key, now).await,
        }
        Ok(replaced)
    }

    async fn touch(&self, key: &RecordKey, until: Time, was: &Record, now: Time) -> StoreResult<bool> {
        let touched = self.store.touch(key, until, was, now).await?;
        if touched {
            // Django's tables have no column for the last use.
            let last_active = if self.has_versions() { now } else { was.last_active };
            let record = Record { expires_at: until, last_active, ..was.clone() };
            self.keep(key, &record, now).await;
        }
        Ok(touched)
    }

    async fn remove(&self, what: Select<'_>, now: Time) -> StoreResult<u64> {
        let key = match what {
            Select::One(key) | Select::Presented(key, _) => key,
            Select::Account { account, except } => return self.remove_account(account, except, now).await,
        };
        self.end(what, key, now).await
    }

    async fn page(
        &self,
        of: Filter<'_>,
        after: Option<Cursor>,
        limit: NonZeroU32,
        now: Time,
    ) -> StoreResult<Page> {
        self.store.page(of, after, limit, now).await
    }

    async fn purge(&self, now: Time, batch: NonZeroU32) -> StoreResult<u64> {
        self.store.purge(now, batch).await
    }

    async fn ping(&self) -> StoreResult<()> {
        self.store.ping().await
    }
}
