//! Copies of records that another store has.

use std::fmt;
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use session_core::store::StoreResult;
use session_core::{Cache, Cached, Record, RecordKey, Time};

use crate::connection::RedisConnection;
use crate::error::Error;
use crate::layout;
use crate::prefix::KeyPrefix;
use crate::request::{Request, integer, string};
use crate::script::SCRIPTS;
use crate::store::keep;

/// A copy begins with this, then until when it may be used, when it was put there, and the record as a store writes it.
const COPY: &[u8; 4] = b"cpy1";
/// A tombstone begins with this, then until when it stands.
const END: &[u8; 4] = b"end1";

/// A cache in Redis, which several processes share. Behind it is another store, which judges every write: `session-cached` puts the
/// two together.
///
/// Keys begin with `session-cache:` unless [`with_prefix`](Self::with_prefix) says otherwise, so that a store and a cache may share
/// one database. Unlike a store it may lose anything at any time: let Redis evict (`maxmemory-policy`) as it likes. Only that a
/// tombstone is evicted would let an old copy return, for as long as copies are trusted.
///
/// ```no_run
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use session_redis::RedisCache;
///
/// let cache = RedisCache::connect("redis://127.0.0.1").await?;
/// # Ok(())
/// # }
/// ```
///
/// Clones are the same cache.
#[derive(Clone)]
pub struct RedisCache {
    connection: RedisConnection,
    prefix: KeyPrefix,
}

impl RedisCache {
    /// Connects to what this URL names, in the forms of [`RedisConnection::connect`]. A cache that cannot be reached is passed by until
    /// it can, also when the application starts.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](session_core::store::StoreErrorKind::Misconfigured) where the address is not understood, or the credentials
    /// are refused.
    pub async fn connect(url: &str) -> StoreResult<Self> {
        RedisConnection::connect_in_time(url).await.map(Self::new)
    }

    /// Uses a connection that others may share.
    pub fn new(connection: RedisConnection) -> Self {
        Self { connection, prefix: KeyPrefix::of_cache() }
    }

    /// Begins every key with this.
    #[must_use = "this returns the cache with the other prefix"]
    pub fn with_prefix(self, prefix: KeyPrefix) -> Self {
        Self { prefix, ..self }
    }

    async fn try_get(&self, key: &RecordKey, now: Time) -> Result<Cached, Error> {
        let stored = self.connection.ask(&Request::command("GET", self.prefix.record(key))).await?;
        let Some(mut stored) = string(stored)?.map(Bytes::from) else {
            return Ok(Cached::Nothing);
        };
        let is_copy = stored.starts_with(COPY) && stored.len() >= 20;
        if !(is_copy || stored.starts_with(END) && stored.len() == 12) {
            return Err(Error::NotOurs(*key));
        }
        stored.advance(COPY.len());
        let until = Time::from_millis(stored.get_i64());
        if until <= now {
            return Ok(Cached::Nothing);
        }
        if !is_copy {
            return Ok(Cached::Tombstone);
        }
        let put_at = Time::from_millis(stored.get_i64());
        let record =
            layout::decode(stored).map_err(|source| Error::Undecodable { key: Some(*key), source })?;
        Ok(if record.is_live(now) { Cached::Copy(Box::new(record), put_at) } else { Cached::Nothing })
    }
}

impl fmt::Debug for RedisCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisCache")
            .field("connection", &self.connection)
            .field("prefix", &self.prefix.as_str())
            .finish()
    }
}

impl Cache for RedisCache {
    async fn get(&self, key: &RecordKey, now: Time) -> StoreResult<Cached> {
        Ok(self.try_get(key, now).await?)
    }

    /// One script. Of two versions of the same number the one that is put last stays: neither is the later, and the store knows
    /// which of them it has. A copy whose time is up hinders nobody.
    async fn put_if_newer(
        &self,
        key: &RecordKey,
        record: &Record,
        until: Time,
        now: Time,
    ) -> StoreResult<bool> {
        let copy = [
            &COPY[..],
            &until.as_millis().to_be_bytes(),
            &now.as_millis().to_be_bytes(),
            &layout::encode(record),
        ];
        let put = Request::script(&SCRIPTS.put, self.prefix.record(key))
            .number(now.as_millis())
            .number(keep(until, now))
            .bytes(copy.concat());
        match integer(&self.connection.ask(&put).await?)? {
            -1 => Err(Error::NotOurs(*key).into()),
            put => Ok(put == 1),
        }
    }

    async fn tombstone(&self, key: &RecordKey, lasting: Duration, now: Time) -> StoreResult<()> {
        let until = now + lasting;
        let tombstone = [&END[..], &until.as_millis().to_be_bytes()].concat();
        let put = Request::command("SET", self.prefix.record(key)).bytes(tombstone);
        self.connection.ask(&put.bytes("PX").number(keep(until, now))).await?;
        Ok(())
    }

    fn is_shared(&self) -> bool {
        true
    }
}
