//! The demo: a small shop whose sessions outlive it.
//!
//! `cargo run -p example-axum`, then <http://127.0.0.1:3000>. Sessions are in `shop.db`, so a cart survives a restart.

mod routes;

use std::net::SocketAddr;

use clap::Parser;
use session_axum::{SessionLayer, Settings};
use tokio::net::TcpListener;

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

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args = Args::parse();
    // Over plain HTTP a browser would not send a Secure cookie back. A site with HTTPS leaves this out.
    let settings = Settings::default().with_cookie_secure(false);
    let sessions = SessionLayer::connect(&args.store).await?.with_settings(settings)?;
    for weakness in sessions.sessions().check() {
        eprintln!("in production: {weakness}");
    }
    let app = routes::shop().layer(sessions.on_error(routes::error_page));
    let listener = TcpListener::bind(args.listen).await;
    let listener =
        listener.map_err(|error| format!("{}: {error} (another is `--listen ADDR`)", args.listen))?;
    println!("listening on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}
