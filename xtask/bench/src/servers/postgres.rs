//! A pool of connections for the peers, as its defaults are.

use sqlx08::PgPool;
use sqlx08::postgres::PgPoolOptions;

pub(super) async fn pool(url: &str) -> Result<PgPool, sqlx08::Error> {
    PgPoolOptions::new().connect(url).await
}
