//! The playground on axum: the whole session API over HTTP. `playground-axum --help` lists its flags.

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use example_common::playground::{self, Args, Format, PlaygroundError};
use serde::Deserialize;
use session_axum::{Connect, LazySession, Result, Session, SessionLayer, Sessions};
use tokio::net::TcpListener;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args = Args::from_command_line();
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    if let Some(workers) = args.workers {
        runtime.worker_threads(workers.get());
    }
    runtime.enable_all().build()?.block_on(serve(args))
}

async fn serve(args: Args) -> Result<(), Box<dyn std::error::Error>> {
    let settings = args.settings();
    let store = Connect::new(&args.store).with_secret_keys(args.secret_keys()).with_settings(&settings);
    let store = match &args.cache {
        Some(cache) => store.with_cache(cache),
        None => store,
    };
    let store = match args.format {
        Format::Native => store,
        Format::Django => store.with_django_format(),
    };
    let layer = SessionLayer::new(store.open().await?).with_settings(settings)?;
    let sessions = layer.sessions().clone();
    let app = Router::new()
        .route("/untouched", get(|| async { "ok" }))
        .route("/ops", post(ops))
        .route("/read", get(read))
        .route("/write", get(write))
        .route("/login/{account}", post(login))
        .route("/logout", post(logout))
        .route("/healthz", get(healthz))
        .layer(DefaultBodyLimit::max(16 << 20))
        .layer(layer)
        .with_state(sessions);
    let listener = TcpListener::bind(args.listen).await?;
    println!("{}", playground::listening_on(listener.local_addr()?));
    Ok(axum::serve(listener, app).await?)
}

#[derive(Deserialize)]
struct Answer {
    status: Option<u16>,
}

async fn ops(
    session: Session,
    State(sessions): State<Sessions>,
    Query(answer): Query<Answer>,
    body: Bytes,
) -> Result<Response> {
    match playground::run(&session, &sessions, &body).await {
        Ok(results) => Ok((status(answer.status.unwrap_or(200)), Json(results)).into_response()),
        Err(PlaygroundError::Session(error)) => Err(error.into()),
        Err(error) => {
            Ok((status(error.status()), Json(serde_json::json!({"error": error.to_string()})))
                .into_response())
        }
    }
}

fn status(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

async fn read(session: Session) -> Result<String> {
    Ok(playground::read(&session)?)
}

async fn write(session: Session) -> Result<String> {
    Ok(playground::write(&session)?)
}

async fn login(session: Session, Path(account): Path<String>) -> Result<&'static str> {
    session.login(account).await?;
    Ok("ok")
}

async fn logout(session: LazySession) -> Result<&'static str> {
    session.flush().await?;
    Ok("ok")
}

async fn healthz(State(sessions): State<Sessions>) -> Result<&'static str> {
    sessions.health().await?;
    Ok("ok")
}
