//! The service to which the views of a Django project move. It shares the project's sessions: its table, its cookie, its logins.

mod user;
mod views;

use std::net::SocketAddr;

use axum::Router;
use axum::routing::{get, post};
use clap::Parser;
use session_axum::django::Auth;
use session_axum::{Connect, SecretKeys, SessionLayer, Settings};
use sqlx::SqlitePool;
use tokio::net::TcpListener;

use crate::user::Users;

/// Views of a Django project, in Rust.
#[derive(Debug, Parser)]
struct Args {
    /// Where to serve
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:3000")]
    listen: SocketAddr,
    /// The project's database
    #[arg(long, value_name = "FILE", default_value = "examples/django/project/shop.db")]
    database: String,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args = Args::parse();
    let url = format!("sqlite:{}", args.database);
    // As in settings.py, and from where that has it.
    let secret =
        std::env::var("SECRET_KEY").unwrap_or_else(|_| "only-for-this-example-0123456789".to_owned());
    let keys = SecretKeys::new(secret);

    let table = Connect::new(&url).without_creating().with_secret_keys(keys.clone()).with_django_format();
    // Over plain HTTP a browser would not send a Secure cookie back. A site with HTTPS leaves this out, and tells Django the same.
    let settings = Settings::default().with_cookie_secure(false);
    let sessions = SessionLayer::new(table.open().await?).with_settings(settings)?;

    let users = Users { pool: SqlitePool::connect(&url).await?, auth: Auth::new(keys) };
    // In the order in which they moved: what reads, what writes, the end of the login.
    let app = Router::new()
        .route("/cart", get(views::cart))
        .route("/cart/add/{item}", post(views::add))
        .route("/sign-out", post(views::sign_out))
        .with_state(users)
        .layer(sessions);
    let listener = TcpListener::bind(args.listen).await;
    let listener =
        listener.map_err(|error| format!("{}: {error} (another is `--listen ADDR`)", args.listen))?;
    println!("listening on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}
