//! One of several instances behind a balancer: sessions in PostgreSQL, with Redis as a cache before it.
//!
//! An instance keeps nothing of its own, so the balancer needs no sticky sessions, and instances come and go as they like.

mod routes;

use std::env;
use std::error::Error;
use std::time::Duration;

use session_axum::{Connect, SessionLayer, Settings, Sweeper};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // Every write goes to PostgreSQL first, which judges it. Redis answers reads, and is passed by where it does not answer.
    let backend = Connect::new(variable("DATABASE_URL")?).with_cache(variable("REDIS_URL")?).open().await?;
    let settings = Settings::default()
        .with_idle_timeout(Some(Duration::from_hours(2)))
        .with_absolute_timeout(Some(Duration::from_hours(24)));
    let layer = SessionLayer::new(backend).with_settings(settings)?;
    let sessions = layer.sessions().clone();

    // Before anybody can know of this instance, so that neither misses the signal.
    let (stop_sweeping, stop_serving) = (terminated()?, terminated()?);
    // One on each instance: they take turns.
    let sweeper = Sweeper::new(&sessions);
    let sweeping = tokio::spawn(async move { sweeper.run(received(stop_sweeping)).await });

    let listener = TcpListener::bind(env::var("LISTEN").as_deref().unwrap_or("127.0.0.1:3000")).await?;
    let address = listener.local_addr()?;
    println!("listening on http://{address}");
    let app = routes::shop(address, sessions).layer(layer);
    axum::serve(listener, app).with_graceful_shutdown(received(stop_serving)).await?;
    println!("{} expired sessions were removed", sweeping.await?.removed);
    Ok(())
}

/// URLs have passwords in them, which other users of a machine see in the arguments of a program.
fn variable(name: &str) -> Result<String, String> {
    env::var(name).map_err(|_| format!("set {name} to the URL of the server"))
}

/// What a supervisor sends before it ends an instance.
fn terminated() -> std::io::Result<Signal> {
    signal(SignalKind::terminate())
}

async fn received(mut signal: Signal) {
    signal.recv().await;
}
