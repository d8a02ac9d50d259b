//! The stores of tower-sessions. They are made for the version before: a record goes from one type to the other, field by field.

use fred::clients::Pool;
use fred::interfaces::ClientLike as _;
use tower_sessions::SessionStore;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{self, Error as StoreError};
use tower_sessions_core014 as core014;
use tower_sessions_redis_store::RedisStore;
use tower_sessions_sqlx_store::PostgresStore;

use super::super::{Error, postgres as pools};

pub(super) async fn redis(url: &str) -> Result<Newer<RedisStore<Pool>>, Error> {
    let pool = Pool::new(fred::types::config::Config::from_url(url)?, None, None, None, 1)?;
    pool.init().await?;
    Ok(Newer(RedisStore::new(pool)))
}

pub(super) async fn postgres(url: &str) -> Result<Newer<PostgresStore>, Error> {
    let store = PostgresStore::new(pools::pool(url).await?);
    store.migrate().await?;
    Ok(Newer(store))
}

#[derive(Clone, Debug)]
pub(super) struct Newer<S>(S);

#[async_trait::async_trait]
impl<S: core014::SessionStore + Clone> SessionStore for Newer<S> {
    async fn create(&self, record: &mut Record) -> session_store::Result<()> {
        let mut older = older(record.clone());
        self.0.create(&mut older).await.map_err(error)?;
        record.id = Id(older.id.0);
        Ok(())
    }

    async fn save(&self, record: &Record) -> session_store::Result<()> {
        self.0.save(&older(record.clone())).await.map_err(error)
    }

    async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
        let found = self.0.load(&core014::session::Id(id.0)).await.map_err(error)?;
        Ok(found.map(|r| Record { id: Id(r.id.0), data: r.data, expiry_date: r.expiry_date }))
    }

    async fn delete(&self, id: &Id) -> session_store::Result<()> {
        self.0.delete(&core014::session::Id(id.0)).await.map_err(error)
    }
}

fn older(record: Record) -> core014::session::Record {
    let Record { id, data, expiry_date } = record;
    core014::session::Record { id: core014::session::Id(id.0), data, expiry_date }
}

fn error(error: core014::session_store::Error) -> StoreError {
    StoreError::Backend(error.to_string())
}
