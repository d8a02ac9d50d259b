//! actix-web with ours.

use actix_web::web::{self, ServiceConfig};
use session_actix::{LazySession, Result, Session, SessionMiddleware};

use super::super::{Error, ours};
use super::untouched;

pub(crate) async fn sessions(store: &str) -> std::result::Result<SessionMiddleware, Error> {
    Ok(SessionMiddleware::from_sessions(ours::sessions(store).await?))
}

pub(crate) fn routes(config: &mut ServiceConfig) {
    untouched(config)
        .route("/read", web::get().to(read))
        .route("/write", web::get().to(write))
        .route("/login", web::get().to(login))
        .route("/logout", web::get().to(logout))
        .route("/logout-lazily", web::get().to(logout_lazily))
        .route("/count", web::get().to(count));
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
