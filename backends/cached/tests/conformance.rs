//! The whole conformance kit on caches before PostgreSQL: in this process and in Redis, with copies that are trusted for a while and
//! with copies whose version is asked for; and before a Django project's table.

#![expect(clippy::unwrap_used, reason = "a test fails where it is")]

use std::time::Duration;

use session_cached::CachedStore;
use session_core::store::SessionStore;
use session_core::testing::{conformance, server};
use session_core::{AnyStore, Cache, RecordKey, SecretKeys};
use session_memory::MemoryCache;
use session_redis::{RedisCache, RedisConnection};
use session_sqlx::{PostgresStore, TableName, django};
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, PgPool};

/// A schema of PostgreSQL that no other test has.
struct Place {
    pool: PgPool,
    schema: String,
}

impl Place {
    /// `None` where there is no server: then the test has not run.
    async fn find() -> Option<Self> {
        let url = server("postgres")?;
        let pool = PgPoolOptions::new().max_connections(8).connect(&url).await.unwrap();
        let place = Self { pool, schema: format!("s_{}", new_key()) };
        place.run(format!("CREATE SCHEMA {}", place.schema)).await;
        Some(place)
    }

    async fn run(&self, sql: String) {
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&self.pool).await.unwrap();
    }

    fn new_table(&self) -> TableName {
        format!("{}.t_{}", self.schema, new_key()).parse().unwrap()
    }

    async fn store(&self) -> PostgresStore {
        let store = PostgresStore::from_pool(self.pool.clone()).with_table(self.new_table());
        store.migrate().await.unwrap();
        store
    }

    async fn django(&self) -> django::PostgresStore {
        let store = django::PostgresStore::from_pool(self.pool.clone()).with_table(self.new_table());
        store.migrate().await.unwrap();
        store
    }

    async fn clean(self) {
        self.run(format!("DROP SCHEMA {} CASCADE", self.schema)).await;
    }
}

fn new_key() -> RecordKey {
    RecordKey::random().unwrap()
}

async fn redis() -> Option<RedisConnection> {
    Some(RedisConnection::connect(&server("redis")?).await.unwrap())
}

/// A cache that shares nothing with that of another test.
fn redis_cache(connection: &RedisConnection) -> RedisCache {
    RedisCache::new(connection.clone()).with_prefix(format!("test:{}:", new_key()).parse().unwrap())
}

/// Runs the kit on stores behind new caches, whose copies may be used so long after what is there has changed.
async fn conforms<C: Cache>(
    cache: impl Fn() -> C,
    with: impl Fn(CachedStore<C>) -> CachedStore<C>,
    staleness: Duration,
) {
    let Some(place) = Place::find().await else { return };
    conformance(async || {
        let store = with(CachedStore::new(place.store().await, cache()));
        assert_eq!(store.capabilities().max_staleness, staleness);
        store
    })
    .await;
    place.clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn memory_before_postgres_conforms() {
    conforms(MemoryCache::default, |store| store, Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn memory_before_postgres_with_verify_conforms_strictly() {
    conforms(MemoryCache::default, CachedStore::with_verify, Duration::ZERO).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn redis_before_postgres_conforms() {
    let Some(redis) = redis().await else { return };
    conforms(|| redis_cache(&redis), |store| store, Duration::from_secs(300)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn redis_before_postgres_with_verify_conforms_strictly() {
    let Some(redis) = redis().await else { return };
    conforms(|| redis_cache(&redis), CachedStore::with_verify, Duration::ZERO).await;
}

/// Its rotation moves a record to another key, and its versions are made from its text.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn memory_before_djangos_table_conforms() {
    let Some(place) = Place::find().await else { return };
    let keys = SecretKeys::new("a secret key of fifty characters, which is for tests");
    for verifies in [false, true] {
        conformance(async || {
            let store = CachedStore::new(place.django().await, MemoryCache::default());
            let store = if verifies { store.with_verify() } else { store };
            AnyStore::new(store).with_django_format(&keys)
        })
        .await;
    }
    place.clean().await;
}
