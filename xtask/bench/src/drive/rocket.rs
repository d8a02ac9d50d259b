//! Rocket, by its local client.

use rocket::http::Header;
use rocket::local::asynchronous::Client;
use rocket::{Config, get, routes};
use session_rocket::{Session, SessionFairing};

use super::{Case, Stack, pair};
use crate::Outcome;

pub(super) fn run(stack: Stack, case: Case, requests: u32) -> Outcome {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let config = Config::figment().merge(("log_level", "off")).merge(("session.url", "memory:"));
        let rocket = rocket::custom(config.merge(("session.cookie_secure", false)));
        let rocket = if stack == Stack::RocketOurs {
            rocket.attach(SessionFairing::from_config()).mount("/", routes![untouched, ours_read, ours_write])
        } else {
            rocket.mount("/", routes![untouched, read, write])
        };
        let client = Client::untracked(rocket).await.map_err(|error| error.to_string())?;
        let first = client.get("/write").dispatch().await;
        let cookie = first.headers().get_one("set-cookie").map(pair).filter(|_| case.has_cookie());
        drop(first);
        for _ in 0..requests {
            let mut request = client.get(case.path());
            if let Some(cookie) = &cookie {
                request.add_header(Header::new("cookie", cookie.clone()));
            }
            let response = request.dispatch().await;
            if response.status().code != 200 {
                return Err(format!("{}: {}", case.path(), response.status()).into());
            }
        }
        Ok(())
    })
}

#[get("/untouched")]
fn untouched() -> &'static str {
    "ok"
}

#[get("/read")]
fn read() -> &'static str {
    "0"
}

#[get("/write")]
fn write() -> &'static str {
    "1"
}

#[get("/read")]
fn ours_read(session: Session) -> session_rocket::Result<String> {
    Ok(session.get::<u64>("n")?.unwrap_or(0).to_string())
}

#[get("/write")]
fn ours_write(session: Session) -> session_rocket::Result<String> {
    let n = session.get::<u64>("n")?.unwrap_or(0) + 1;
    session.insert("n", n)?;
    Ok(n.to_string())
}
