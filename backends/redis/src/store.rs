//! The store.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{join, try_join_all};
use redis::Value;
use redis::aio::ConnectionManager;
use session_core::store::{
    Capabilities, Cursor, Filter, Inserted, Page, Replaced, Select, SessionStore, StoreResult,
};
use session_core::{Head, Record, RecordKey, Time};

use crate::connection::{RedisConnection, Replicas, Timeouts};
use crate::error::Error;
use crate::index::{Entry, Index};
use crate::layout;
use crate::listing::Listings;
use crate::prefix::KeyPrefix;
use crate::purge::Purge;
use crate::request::{Request, integer, string};
use crate::script::SCRIPTS;
use crate::unconfirmed::Unconfirmed;

/// How long Redis keeps a record after its deadline. The deadline is judged by the clock that each verb is told; Redis counts by
/// its own, which must not be the earlier one.
pub(crate) const SLACK: Duration = Duration::from_secs(300);

/// GETRANGE counts the last byte in.
#[expect(clippy::cast_possible_wrap, reason = "it is a small number")]
const LAST_OF_TIMES: i64 = layout::TIMES as i64 - 1;

/// Sessions in Redis.
///
/// ```no_run
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use session_redis::RedisStore;
///
/// let store = RedisStore::connect("redis://127.0.0.1").await?;
///
/// // Beside another application's sessions, in the same database.
/// let store = store.with_prefix("shop:session:".parse()?);
/// # Ok(())
/// # }
/// ```
///
/// Clones are the same store.
#[derive(Clone)]
pub struct RedisStore {
    connection: RedisConnection,
    prefix: KeyPrefix,
    replicas: Option<Replicas>,
    shared: Arc<Shared>,
}

/// What the clones have in common.
#[derive(Debug, Default)]
struct Shared {
    unconfirmed: Unconfirmed,
    listings: Listings,
    purge: Purge,
}

impl RedisStore {
    /// Connects to what this URL names: see [`RedisConnection::connect`] for the forms that there are.
    ///
    /// # Errors
    ///
    /// As [`RedisConnection::connect`].
    pub async fn connect(url: &str) -> StoreResult<Self> {
        RedisConnection::connect(url).await.map(Self::new)
    }

    /// Connects by the application's own client, with the default [`Timeouts`].
    ///
    /// # Errors
    ///
    /// As [`RedisConnection::connect`].
    pub async fn from_client(client: &redis::Client) -> StoreResult<Self> {
        RedisConnection::from_client(client, Timeouts::default()).await.map(Self::new)
    }

    /// Uses the application's own connection, with its settings.
    ///
    /// Worth setting in it: a response timeout, `nodelay`, and few tries to connect, for a request waits for all of them.
    pub fn from_connection_manager(manager: ConnectionManager) -> Self {
        Self::new(manager.into())
    }

    /// Uses a connection that others may share: another store, a cache.
    pub fn new(connection: RedisConnection) -> Self {
        Self { connection, prefix: KeyPrefix::default(), replicas: None, shared: Arc::default() }
    }

    /// Begins every key with this.
    #[must_use = "this returns the store with the other prefix"]
    pub fn with_prefix(self, prefix: KeyPrefix) -> Self {
        Self { prefix, shared: Arc::default(), ..self }
    }

    /// Acknowledges a write only when this many replicas have it too, so that it outlives the death of the primary. Where they do
    /// not have it in time, the write is [`Unavailable`](session_core::store::StoreErrorKind::Unavailable), and whether it holds
    /// is known when the session is next loaded.
    ///
    /// Redis answers the commands of a connection in their order: while a write waits for the replicas, so do the writes behind it.
    /// Choose a timeout that they can bear, and that is well below the connection's own; some hundred milliseconds. Reads go
    /// through another connection, unless the store was made from the application's own.
    ///
    /// A touch is not waited for: what is lost with it is a later deadline. This must be called in a Tokio runtime.
    #[must_use = "this returns the store that waits"]
    pub fn with_replicas(self, replicas: NonZeroU32, timeout: Duration) -> Self {
        let connection = self.connection.another();
        Self { replicas: Some(Replicas { count: replicas.get(), timeout, connection }), ..self }
    }

    /// Writes a record by a script that is given the index's key too, or beside what writes the index where the two may be on
    /// different servers. Every such script answers 1 where it has written.
    async fn write(
        &self,
        key: &RecordKey,
        script: Request,
        entry: Option<Entry<'_>>,
        replicas: Option<&Replicas>,
    ) -> Result<Value, Error> {
        let written = match &entry {
            Some(entry) if self.connection.is_cluster() => {
                let index = entry.write(&self.prefix);
                let index = self.connection.ask_and_wait(&index, replicas);
                // Both are sent before either is answered.
                let (index, record) = join(index, self.connection.ask_and_wait(&script, replicas)).await;
                index.and_then(|index| Ok((record?, Some(index.1))))
            }
            Some(entry) => {
                let script = entry.add_to(script, &self.prefix);
                self.connection.ask_and_wait(&script, replicas).await.map(|record| (record, None))
            }
            None => self.connection.ask_and_wait(&script, replicas).await.map(|record| (record, None)),
        };
        let outcome = written.and_then(|((answer, record), index)| {
            if answer == Value::Int(1) {
                check(replicas, index.map_or(record, |index| record.min(index)))?;
            }
            Ok(answer)
        });
        // Core asks whether a write was done whose answer it did not get, and then acknowledges it. It must not be told "yes"
        // before the index and the replicas have it.
        let more_than_one_step = replicas.is_some() || entry.is_some() && self.connection.is_cluster();
        if outcome.is_err() && more_than_one_step {
            self.shared.unconfirmed.insert(*key, entry.as_ref());
        }
        outcome
    }

    /// Completes an earlier write of this process that may have been done by half, before anybody is told that it was done.
    async fn confirm(&self, key: &RecordKey, now: Time) -> Result<(), Error> {
        let Some(half_done) = self.shared.unconfirmed.get(key) else {
            return Ok(());
        };
        let touch = Request::script(&SCRIPTS.confirm, self.prefix.record(key)).number(now.as_millis());
        let mut asked = vec![touch];
        asked.extend(half_done.entry(key, now).map(|entry| entry.write(&self.prefix)));
        let asked = asked.iter().map(|request| self.connection.ask_and_wait(request, self.replicas.as_ref()));
        for (_, acknowledged) in try_join_all(asked).await? {
            check(self.replicas.as_ref(), acknowledged)?;
        }
        self.shared.unconfirmed.remove(key);
        Ok(())
    }

    fn entry<'a>(key: &'a RecordKey, record: &'a Record, now: Time) -> Option<Entry<'a>> {
        let account = record.account.as_deref()?;
        Some(Entry { account, key, deadline: record.expires_at, now })
    }

    fn index(&self) -> Index<'_> {
        Index { connection: &self.connection, prefix: &self.prefix, replicas: self.replicas.as_ref() }
    }

    async fn try_load(&self, key: &RecordKey, now: Time) -> Result<Option<Record>, Error> {
        self.confirm(key, now).await?;
        let stored = self.connection.ask(&Request::command("GET", self.prefix.record(key))).await?;
        read(key, stored, now)
    }

    async fn try_head(&self, key: &RecordKey, now: Time) -> Result<Option<Head>, Error> {
        self.confirm(key, now).await?;
        let first = Request::command("GETRANGE", self.prefix.record(key)).number(0).number(LAST_OF_TIMES);
        let first = string(self.connection.ask(&first).await?)?.unwrap_or_default();
        match layout::head(&first) {
            Some(head) => Ok(Some(head).filter(|head| head.expires_at > now)),
            // Nothing; or no record, and then the error says what is wrong with it.
            None => Ok(self.try_load(key, now).await?.map(|record| record.head())),
        }
    }

    async fn try_replace(
        &self,
        key: &RecordKey,
        record: &Record,
        was: &Record,
        now: Time,
    ) -> Result<Replaced, Error> {
        let replace = Request::script(&SCRIPTS.replace, self.prefix.record(key))
            .number(now.as_millis())
            .number(keep(record.expires_at, now))
            .bytes(layout::encode(record))
            .bytes(layout::version(was.version));
        match self.write(key, replace, Self::entry(key, record, now), self.replicas.as_ref()).await? {
            Value::Int(1) => Ok(Replaced::Done),
            Value::Int(0) => Ok(Replaced::Gone),
            stored => {
                let present = read(key, stored, now)?;
                Ok(present.map_or(Replaced::Gone, |record| Replaced::Conflict(Box::new(record))))
            }
        }
    }

    async fn try_remove(&self, what: Select<'_>, now: Time) -> Result<u64, Error> {
        let keys = match what {
            Select::One(key) | Select::Presented(key, _) => vec![*key],
            Select::Account { account, except } => self.index().keys(account, except).await?,
        };
        try_join_all(keys.iter().map(|key| self.confirm(key, now))).await?;
        let removed = match what {
            Select::One(key) => self.remove_one(key, "none", b"", now).await,
            Select::Presented(key, secret) => self.remove_one(key, "secret", secret.as_bytes(), now).await,
            Select::Account { account, .. } => self.index().end_account(account, &keys, now).await,
        };
        if removed.is_err() && self.replicas.is_some() {
            keys.iter().for_each(|key| self.shared.unconfirmed.insert(*key, None));
        }
        removed
    }

    async fn remove_one(
        &self,
        key: &RecordKey,
        condition: &str,
        about: &[u8],
        now: Time,
    ) -> Result<u64, Error> {
        let remove = Request::script(&SCRIPTS.remove, self.prefix.record(key))
            .number(now.as_millis())
            .bytes(condition)
            .bytes(about);
        let (answer, acknowledged) = self.connection.ask_and_wait(&remove, self.replicas.as_ref()).await?;
        // Before its entry leaves the index: a replica without this would have a session that nobody lists.
        check(self.replicas.as_ref(), acknowledged)?;
        self.index().was_removed(key, answer).map(u64::from)
    }
}

/// Whether enough replicas have what was written.
pub(crate) fn check(replicas: Option<&Replicas>, acknowledged: i64) -> Result<(), Error> {
    match replicas {
        Some(replicas) if acknowledged < i64::from(replicas.count) => {
            Err(Error::NotReplicated { acknowledged, wanted: replicas.count })
        }
        _ => Ok(()),
    }
}

/// A live record, from what was stored under its key.
pub(crate) fn read(key: &RecordKey, stored: Value, now: Time) -> Result<Option<Record>, Error> {
    let Some(stored) = string(stored)? else {
        return Ok(None);
    };
    // What has expired is not there, whether or not it could be read.
    if layout::deadline(&stored).is_some_and(|deadline| deadline <= now) {
        return Ok(None);
    }
    let record = layout::decode(stored).map_err(|source| Error::Undecodable { key: Some(*key), source })?;
    Ok(Some(record))
}

/// For how long Redis keeps what ends at this moment, in milliseconds: never less than the slack, so never zero or less, which
/// would be a deletion.
pub(crate) fn keep(until: Time, now: Time) -> i64 {
    i64::try_from((until.since(now) + SLACK).as_millis()).unwrap_or(i64::MAX)
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("connection", &self.connection)
            .field("prefix", &self.prefix.as_str())
            .field("replicas", &self.replicas.as_ref())
            .finish_non_exhaustive()
    }
}

impl SessionStore for RedisStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities::durable()
    }

    async fn insert(&self, key: &RecordKey, record: &Record, now: Time) -> StoreResult<Inserted> {
        let insert = Request::script(&SCRIPTS.insert, self.prefix.record(key))
            .number(now.as_millis())
            .number(keep(record.expires_at, now))
            .bytes(layout::encode(record));
        let answer = self.write(key, insert, Self::entry(key, record, now), self.replicas.as_ref()).await?;
        Ok(if integer(&answer)? == 1 { Inserted::Done } else { Inserted::Taken })
    }

    async fn load(&self, key: &RecordKey, now: Time) -> StoreResult<Option<Record>> {
        Ok(self.try_load(key, now).await?)
    }

    async fn head(&self, key: &RecordKey, now: Time) -> StoreResult<Option<Head>> {
        Ok(self.try_head(key, now).await?)
    }

    /// `to` is `key`: this store's tokens are split, and a rotation changes no key.
    async fn replace(
        &self,
        key: &RecordKey,
        _to: &RecordKey,
        record: &Record,
        was: &Record,
        now: Time,
    ) -> StoreResult<Replaced> {
        Ok(self.try_replace(key, record, was, now).await?)
    }

    async fn touch(&self, key: &RecordKey, until: Time, was: &Record, now: Time) -> StoreResult<bool> {
        let touch = Request::script(&SCRIPTS.touch, self.prefix.record(key))
            .number(now.as_millis())
            .number(keep(until, now))
            .bytes(layout::version(was.version))
            .bytes(layout::deadlines(until, now));
        let entry = was.account.as_deref().map(|account| Entry { account, key, deadline: until, now });
        let answer = self.write(key, touch, entry, None).await?;
        match integer(&answer)? {
            -1 => Err(Error::NotOurs(*key).into()),
            moved => Ok(moved == 1),
        }
    }

    async fn remove(&self, what: Select<'_>, now: Time) -> StoreResult<u64> {
        Ok(self.try_remove(what, now).await?)
    }

    async fn page(
        &self,
        of: Filter<'_>,
        after: Option<Cursor>,
        limit: NonZeroU32,
        now: Time,
    ) -> StoreResult<Page> {
        let limit = limit.get() as usize;
        Ok(match of {
            Filter::All => {
                self.shared.listings.page(&self.connection, &self.prefix, after.as_ref(), limit, now).await?
            }
            Filter::Account(account) => self.index().page(account, after.as_ref(), limit, now).await?,
        })
    }

    async fn purge(&self, now: Time, batch: NonZeroU32) -> StoreResult<u64> {
        let batch = batch.get() as usize;
        Ok(self.shared.purge.run(&self.connection, &self.prefix, now, batch).await?)
    }

    async fn ping(&self) -> StoreResult<()> {
        Ok(self.connection.ping().await?)
    }
}
