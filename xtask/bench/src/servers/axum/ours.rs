//! axum with ours.

use ::axum::Router;
use ::axum::routing::get;
use session_axum::{LazySession, Result, Session, SessionLayer};

use super::super::{Error, ours};
use super::untouched;

pub(super) async fn router(store: &str) -> std::result::Result<Router, Error> {
    let router =
        untouched().route("/read", get(read)).route("/write", get(write)).route("/login", get(login));
    let router = router.route("/logout", get(logout)).route("/logout-lazily", get(logout_lazily));
    Ok(router.route("/count", get(count)).layer(SessionLayer::from_sessions(ours::sessions(store).await?)))
}

async fn read(session: Session) -> Result<String> {
    Ok(session.get::<u64>("n")?.unwrap_or(0).to_string())
}

async fn write(session: Session) -> Result<String> {
    let n = session.get::<u64>("n")?.unwrap_or(0) + 1;
    session.insert("n", n)?;
    Ok(n.to_string())
}

async fn login(session: Session) -> Result<&'static str> {
    session.login("alice").await?;
    Ok("ok")
}

async fn logout(session: Session) -> Result<&'static str> {
    session.logout().await?;
    Ok("ok")
}

async fn logout_lazily(session: LazySession) -> Result<&'static str> {
    session.flush().await?;
    Ok("ok")
}

async fn count(session: Session) -> Result<&'static str> {
    session.update("n", |n: &mut u64| *n += 1)?;
    Ok("ok")
}
