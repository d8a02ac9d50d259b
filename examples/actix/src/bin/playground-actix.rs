//! The playground on actix-web: the whole session API over HTTP. `playground-actix --help` lists its flags.

use actix_web::http::StatusCode;
use actix_web::web::{self, Bytes, Data, Path, PayloadConfig, Query, ServiceConfig};
use actix_web::{App, HttpResponse, HttpServer};
use example_common::playground::{self, Args, Format, PlaygroundError};
use serde::Deserialize;
use session_actix::{Connect, LazySession, Result, Session, SessionMiddleware, Sessions};

#[actix_web::main]
async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let args = Args::from_command_line();
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
    let middleware = SessionMiddleware::new(store.open().await?).with_settings(settings)?;
    let sessions = Data::new(middleware.sessions().clone());
    let mut server = HttpServer::new(move || {
        App::new()
            .configure(routes)
            .app_data(PayloadConfig::new(16 << 20))
            .app_data(sessions.clone())
            .wrap(middleware.clone())
    });
    if let Some(workers) = args.workers {
        server = server.workers(workers.get());
    }
    let server = server.bind(args.listen)?;
    println!("{}", playground::listening_on(server.addrs()[0]));
    Ok(server.run().await?)
}

fn routes(routes: &mut ServiceConfig) {
    // actix-web answers no HEAD by itself.
    let read = web::resource("/read").route(web::get().to(read)).route(web::head().to(read));
    let write = web::resource("/write").route(web::get().to(write)).route(web::head().to(write));
    routes
        .route("/untouched", web::get().to(async || "ok"))
        .route("/ops", web::post().to(ops))
        .service(read)
        .service(write)
        .route("/login/{account}", web::post().to(login))
        .route("/logout", web::post().to(logout))
        .route("/healthz", web::get().to(healthz));
}

#[derive(Deserialize)]
struct Answer {
    status: Option<u16>,
}

async fn ops(
    session: Session,
    sessions: Data<Sessions>,
    answer: Query<Answer>,
    body: Bytes,
) -> Result<HttpResponse> {
    match playground::run(&session, &sessions, &body).await {
        Ok(results) => Ok(HttpResponse::build(status(answer.status.unwrap_or(200))).json(results)),
        Err(PlaygroundError::Session(error)) => Err(error.into()),
        Err(error) => {
            Ok(HttpResponse::build(status(error.status()))
                .json(serde_json::json!({"error": error.to_string()})))
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

async fn login(session: Session, account: Path<String>) -> Result<&'static str> {
    session.login(account.into_inner()).await?;
    Ok("ok")
}

async fn logout(session: LazySession) -> Result<&'static str> {
    session.flush().await?;
    Ok("ok")
}

async fn healthz(sessions: Data<Sessions>) -> Result<&'static str> {
    sessions.health().await?;
    Ok("ok")
}
