//! axum with tower-sessions.

use ::axum::Router;
use ::axum::routing::get;
use tower_sessions::{MemoryStore, Session, SessionManagerLayer, SessionStore};

use super::super::Error;
use super::untouched;

pub(super) async fn router(store: &str) -> Result<Router, Error> {
    #[cfg(feature = "peer-stores")]
    if store.starts_with("redis:") {
        return Ok(with(super::tower_sessions_stores::redis(store).await?));
    }
    #[cfg(feature = "peer-stores")]
    if store.starts_with("postgres:") {
        return Ok(with(super::tower_sessions_stores::postgres(store).await?));
    }
    if store == "memory:" {
        Ok(with(MemoryStore::default()))
    } else {
        Err("memory:, redis: or postgres:".into())
    }
}

fn with<S: SessionStore + Clone>(store: S) -> Router {
    let router =
        untouched().route("/read", get(read)).route("/write", get(write)).route("/login", get(login));
    router.route("/logout", get(logout)).layer(SessionManagerLayer::new(store).with_secure(false))
}

async fn read(session: Session) -> String {
    session.get::<u64>("n").await.ok().flatten().unwrap_or(0).to_string()
}

async fn write(session: Session) -> String {
    let n = session.get::<u64>("n").await.ok().flatten().unwrap_or(0) + 1;
    let _ = session.insert("n", n).await;
    n.to_string()
}

async fn login(session: Session) -> &'static str {
    let _ = session.cycle_id().await;
    "ok"
}

async fn logout(session: Session) -> &'static str {
    let _ = session.flush().await;
    "ok"
}
