//! Rocket.

mod ours;
#[cfg(feature = "peers")]
mod peer;
#[cfg(feature = "peer-stores")]
mod peer_stores;

use ::rocket::fairing::AdHoc;
use ::rocket::figment::Figment;
use ::rocket::{Build, Config, Rocket, get, routes};

use super::{Error, KEY};
use crate::stack::Stack;

/// The server of a stack, with these settings besides the usual ones.
pub(crate) async fn rocket(stack: Stack, store: &str, config: Figment) -> Result<Rocket<Build>, Error> {
    let config = Config::figment().merge(("log_level", "off")).merge(("secret_key", &KEY[..])).merge(config);
    let rocket = ::rocket::custom(config);
    match stack {
        Stack::RocketOurs => ours::attach(rocket, store).await,
        #[cfg(feature = "peers")]
        Stack::RocketFlexSession => peer::attach(rocket, store).await,
        Stack::RocketNoop => {
            let noop = AdHoc::on_response("nothing", |_, _| Box::pin(async {}));
            Ok(bare(rocket).attach(noop))
        }
        _ => Ok(bare(rocket)),
    }
}

fn bare(rocket: Rocket<Build>) -> Rocket<Build> {
    rocket.mount("/", routes![untouched, read, write, login, logout])
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

#[get("/login")]
fn login() -> &'static str {
    "ok"
}

#[get("/logout")]
fn logout() -> &'static str {
    "ok"
}
