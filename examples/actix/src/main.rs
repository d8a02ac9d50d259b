//! The demo: a small shop whose sessions outlive it.
//!
//! `cargo run -p example-actix`, then <http://127.0.0.1:3000>. Sessions are in `shop.db`, so a cart survives a restart.

mod routes;

use std::net::SocketAddr;

use actix_web::{App, HttpServer};
use clap::Parser;
use session_actix::{SessionMiddleware, Settings};

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

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args = Args::parse();
    // Over plain HTTP a browser would not send a Secure cookie back. A site with HTTPS leaves this out.
    let settings = Settings::default().with_cookie_secure(false);
    let backend = session_actix::connect(&args.store).await?;
    let sessions = SessionMiddleware::new(backend).with_settings(settings)?.on_error(routes::error_page);
    for weakness in sessions.sessions().check() {
        eprintln!("in production: {weakness}");
    }
    let server = HttpServer::new(move || App::new().configure(routes::shop).wrap(sessions.clone()));
    let server = server.bind(args.listen);
    let server = server.map_err(|error| format!("{}: {error} (another is `--listen ADDR`)", args.listen))?;
    println!("listening on http://{}", server.addrs()[0]);
    Ok(server.run().await?)
}
