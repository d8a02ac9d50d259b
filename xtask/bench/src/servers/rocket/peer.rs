//! Rocket with `rocket_flex_session`. Its session is a type of the application's, whose own code turns it into what a store keeps.

use ::rocket::{Build, Rocket, get, routes};
use rocket_flex_session::{RocketFlexSession, Session};

use super::super::Error;
use super::untouched;

pub(super) async fn attach(rocket: Rocket<Build>, store: &str) -> Result<Rocket<Build>, Error> {
    let sessions = RocketFlexSession::<Data>::builder().with_options(|options| options.secure = false);
    let sessions = match store.split(':').next() {
        Some("memory") => sessions.build(),
        #[cfg(feature = "peer-stores")]
        Some("redis") => sessions.storage(super::peer_stores::redis(store).await?).build(),
        #[cfg(feature = "peer-stores")]
        Some("postgres") => sessions.storage(super::peer_stores::postgres(store).await?).build(),
        _ => return Err("memory:, redis: or postgres:".into()),
    };
    Ok(rocket.attach(sessions).mount("/", routes![untouched, read, write, login, logout]))
}

#[derive(Clone)]
pub(super) struct Data {
    pub(super) n: u64,
}

#[get("/read")]
fn read(session: Session<Data>) -> String {
    session.get().map_or(0, |data| data.n).to_string()
}

#[get("/write")]
fn write(mut session: Session<Data>) -> String {
    let n = session.get().map_or(0, |data| data.n) + 1;
    session.set(Data { n });
    n.to_string()
}

/// It cannot change the key of a session, so it makes another.
#[get("/login")]
fn login(mut session: Session<Data>) -> &'static str {
    let data = session.get();
    session.delete();
    session.set(data.unwrap_or(Data { n: 0 }));
    "ok"
}

#[get("/logout")]
fn logout(mut session: Session<Data>) -> &'static str {
    session.delete();
    "ok"
}
