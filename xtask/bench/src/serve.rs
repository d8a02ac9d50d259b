//! One of the compared servers at a port of 127.0.0.1, with one thread for requests.

use std::io::Read as _;

use rocket::figment::Figment;

use crate::Outcome;
use crate::servers;
use crate::servers::actix::with_app;
use crate::stack::{Framework, Stack};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The framework, and what keeps sessions on it
    stack: Stack,
    /// Where sessions live
    #[arg(long, value_name = "URL", default_value = "memory:")]
    store: String,
    /// Where it listens, at 127.0.0.1
    #[arg(long)]
    port: u16,
}

pub fn run(args: &Args) -> Outcome {
    // Whoever started it holds the other end: a server never outlives the measurement, however that ends.
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    match args.stack.framework() {
        Framework::Axum => one_worker()?.block_on(axum(args)),
        Framework::Actix => actix_web::rt::System::new().block_on(actix(args)),
        Framework::Rocket => one_worker()?.block_on(rocket(args)),
    }
}

fn one_worker() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()
}

async fn axum(args: &Args) -> Outcome {
    let router = servers::axum::router(args.stack, &args.store).await?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", args.port)).await?;
    let listener = axum::serve::ListenerExt::tap_io(listener, |stream| {
        let _ = stream.set_nodelay(true);
    });
    Ok(axum::serve(listener, router).await?)
}

async fn actix(args: &Args) -> Outcome {
    with_app!(args.stack, args.store.as_str(), |app| {
        let server = actix_web::HttpServer::new(app).workers(1).bind(("127.0.0.1", args.port))?;
        Ok(server.run().await?)
    })
}

async fn rocket(args: &Args) -> Outcome {
    let config = Figment::new().merge(("address", "127.0.0.1")).merge(("port", args.port));
    let rocket = servers::rocket::rocket(args.stack, &args.store, config).await?;
    rocket.launch().await.map_err(|error| error.to_string())?;
    Ok(())
}
