//! Rocket with ours.

use ::rocket::{Build, Rocket, get, routes};
use session_rocket::{LazySession, Result, Session, SessionFairing};

use super::super::{Error, ours};
use super::untouched;

pub(super) async fn attach(rocket: Rocket<Build>, store: &str) -> std::result::Result<Rocket<Build>, Error> {
    let sessions = SessionFairing::from_sessions(ours::sessions(store).await?);
    let routes = routes![untouched, read, write, login, logout, logout_lazily, count];
    Ok(rocket.attach(sessions).mount("/", routes))
}

#[get("/read")]
fn read(session: Session) -> Result<String> {
    Ok(session.get::<u64>("n")?.unwrap_or(0).to_string())
}

#[get("/write")]
fn write(session: Session) -> Result<String> {
    let n = session.get::<u64>("n")?.unwrap_or(0) + 1;
    session.insert("n", n)?;
    Ok(n.to_string())
}

#[get("/login")]
async fn login(session: Session) -> Result<&'static str> {
    session.login("alice").await?;
    Ok("ok")
}

#[get("/logout")]
async fn logout(session: Session) -> Result<&'static str> {
    session.logout().await?;
    Ok("ok")
}

#[get("/logout-lazily")]
async fn logout_lazily(session: LazySession) -> Result<&'static str> {
    session.flush().await?;
    Ok("ok")
}

#[get("/count")]
fn count(session: Session) -> Result<&'static str> {
    session.update("n", |n: &mut u64| *n += 1)?;
    Ok("ok")
}
