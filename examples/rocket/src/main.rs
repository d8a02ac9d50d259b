//! The demo: a small shop whose sessions outlive it.
//!
//! `cargo run -p example-rocket`, then <http://127.0.0.1:3000>. Sessions are in `shop.db`, so a cart survives a restart.

mod forms;
mod routes;

use std::net::SocketAddr;

use clap::Parser;
use rocket::fairing::AdHoc;
use rocket::{Config, launch};
use session_rocket::{SessionFairing, Sessions};

/// A small shop, to see sessions at work.
#[derive(Debug, Parser)]
struct Args {
    /// Where to serve
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:3000")]
    listen: SocketAddr,
    /// Where sessions live
    #[arg(long, value_name = "URL", default_value = "sqlite:shop.db")]
    store: String,
}

#[launch]
fn rocket() -> _ {
    let args = Args::parse();
    // A site has these lines in its Rocket.toml: `[default.session]`, `url = "sqlite:shop.db"`. And over HTTPS it leaves
    // `cookie_secure` out, without which a browser would not send the cookie back over plain HTTP.
    let config = Config::figment()
        .merge(("address", args.listen.ip()))
        .merge(("port", args.listen.port()))
        .merge(("session.url", args.store))
        .merge(("session.cookie_secure", false));
    rocket::custom(config)
        .attach(SessionFairing::from_config().on_error(routes::error_page))
        .attach(AdHoc::on_liftoff("address", |rocket| {
            for weakness in SessionFairing::sessions(rocket).into_iter().flat_map(Sessions::check) {
                eprintln!("in production: {weakness}");
            }
            println!("listening on http://{}:{}", rocket.config().address, rocket.config().port);
            Box::pin(async {})
        }))
        .mount("/", routes::shop())
        .register("/", routes::catchers())
}
