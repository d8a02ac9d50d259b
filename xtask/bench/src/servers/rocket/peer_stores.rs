//! The stores of `rocket_flex_session`, and what they ask of an application's session.

use fred::clients::Pool;
use fred::interfaces::ClientLike as _;
use rocket_flex_session::SessionIdentifier;
use rocket_flex_session::error::SessionError;
use rocket_flex_session::storage::redis::{RedisFormat, RedisFredStorage, RedisValue, SessionRedis};
use rocket_flex_session::storage::sqlx::{SessionSqlx, SqlxPostgresStorage};
use sqlx08::Postgres;

use super::super::{Error, postgres as pools};
use super::peer::Data;

pub(super) async fn redis(url: &str) -> Result<RedisFredStorage, Error> {
    let pool = Pool::new(fred::types::config::Config::from_url(url)?, None, None, None, 1)?;
    pool.init().await?;
    Ok(RedisFredStorage::builder().pool(pool).build())
}

pub(super) async fn postgres(url: &str) -> Result<SqlxPostgresStorage, Error> {
    let pool = pools::pool(url).await?;
    // As its documentation asks for.
    let columns = "id text PRIMARY KEY, data text NOT NULL, user_id text, expires timestamptz NOT NULL";
    let table = format!("CREATE TABLE IF NOT EXISTS flex ({columns})");
    sqlx08::query(&table).execute(&pool).await?;
    Ok(SqlxPostgresStorage::builder().pool(pool).table_name("flex").build())
}

impl SessionIdentifier for Data {
    type Id = String;

    fn identifier(&self) -> Option<String> {
        // As for the others, nobody has signed in.
        None
    }
}

impl SessionRedis for Data {
    const REDIS_FORMAT: RedisFormat = RedisFormat::String;
    type Error = SessionError;

    fn into_redis(self) -> Result<RedisValue, SessionError> {
        Ok(RedisValue::String(self.n.to_string()))
    }

    fn from_redis(value: RedisValue) -> Result<Self, SessionError> {
        Self::from_sql(value.into_string().map_err(|_| SessionError::InvalidData)?)
    }
}

impl SessionSqlx<Postgres> for Data {
    type Error = SessionError;
    type Data = String;

    fn into_sql(self) -> Result<String, SessionError> {
        Ok(self.n.to_string())
    }

    fn from_sql(value: String) -> Result<Self, SessionError> {
        Ok(Self { n: value.parse().map_err(|_| SessionError::InvalidData)? })
    }
}
