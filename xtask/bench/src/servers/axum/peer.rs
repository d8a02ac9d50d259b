//! axum with `axum_session`, as it is where nothing is set but what a server without TLS needs.

use ::axum::Router;
use ::axum::routing::get;
use axum_session::{DatabasePool, Session, SessionConfig, SessionLayer, SessionNullPool, SessionStore};

use super::super::Error;
use super::untouched;

pub(super) async fn router(store: &str) -> Result<Router, Error> {
    #[cfg(feature = "peer-stores")]
    if store.starts_with("redis:") {
        use axum_session_redispool::SessionRedisPool;
        let pool = redis_pool::SingleRedisPool::from(redis::Client::open(store)?);
        return with::<SessionRedisPool>(Some(pool.into())).await;
    }
    if store == "memory:" { with::<SessionNullPool>(None).await } else { Err("memory: or redis:".into()) }
}

async fn with<P: DatabasePool + Clone + std::fmt::Debug + Send + Sync + 'static>(
    pool: Option<P>,
) -> Result<Router, Error> {
    let store = SessionStore::<P>::new(pool, SessionConfig::default().with_secure(false)).await?;
    let router = untouched().route("/read", get(read::<P>)).route("/write", get(write::<P>));
    let router = router.route("/login", get(login::<P>)).route("/logout", get(logout::<P>));
    Ok(router.layer(SessionLayer::new(store)))
}

async fn read<P: DatabasePool + Clone + std::fmt::Debug + Send + Sync>(session: Session<P>) -> String {
    session.get::<u64>("n").unwrap_or(0).to_string()
}

async fn write<P: DatabasePool + Clone + std::fmt::Debug + Send + Sync>(session: Session<P>) -> String {
    let n = session.get::<u64>("n").unwrap_or(0) + 1;
    session.set("n", n);
    n.to_string()
}

async fn login<P: DatabasePool + Clone + std::fmt::Debug + Send + Sync>(session: Session<P>) -> &'static str {
    session.renew();
    "ok"
}

async fn logout<P: DatabasePool + Clone + std::fmt::Debug + Send + Sync>(
    session: Session<P>,
) -> &'static str {
    session.destroy();
    "ok"
}
