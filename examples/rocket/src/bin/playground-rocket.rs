//! The playground on Rocket: the whole session API over HTTP. `playground-rocket --help` lists its flags.

#![expect(clippy::needless_pass_by_value, reason = "a guard is an argument by value")]

use example_common::playground::{self, Args, Format, PlaygroundError};
use rocket::config::LogLevel;
use rocket::data::{Limits, ToByteUnit};
use rocket::fairing::AdHoc;
use rocket::http::Status;
use rocket::response::content::RawJson;
use rocket::{Config, State, get, post, routes};
use session_rocket::{Connect, LazySession, Result, Session, SessionFairing, Sessions};

#[rocket::main]
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
    let sessions = Sessions::new(store.open().await?, settings)?;
    let mut config = Config {
        address: args.listen.ip(),
        port: args.listen.port(),
        limits: Limits::default().limit("bytes", 16.mebibytes()),
        log_level: LogLevel::Off,
        ..Config::release_default()
    };
    if let Some(workers) = args.workers {
        config.workers = workers.get();
    }
    let rocket = rocket::custom(config)
        .attach(SessionFairing::from_sessions(sessions.clone()))
        .attach(AdHoc::on_liftoff("address", |rocket| {
            let address = (rocket.config().address, rocket.config().port).into();
            println!("{}", playground::listening_on(address));
            Box::pin(async {})
        }))
        .manage(sessions)
        .mount("/", routes![untouched, ops, read, write, login, logout, healthz]);
    rocket.launch().await?;
    Ok(())
}

#[get("/untouched")]
fn untouched() -> &'static str {
    "ok"
}

#[post("/ops?<status>", data = "<body>")]
async fn ops(
    session: Session,
    sessions: &State<Sessions>,
    status: Option<u16>,
    body: Vec<u8>,
) -> Result<(Status, RawJson<String>)> {
    match playground::run(&session, sessions, &body).await {
        Ok(results) => Ok((Status::new(status.unwrap_or(200)), RawJson(results.to_string()))),
        Err(PlaygroundError::Session(error)) => Err(error.into()),
        Err(error) => Ok((Status::new(error.status()), RawJson(error.to_json()))),
    }
}

#[get("/read")]
fn read(session: Session) -> Result<String> {
    Ok(playground::read(&session)?)
}

#[get("/write")]
fn write(session: Session) -> Result<String> {
    Ok(playground::write(&session)?)
}

#[post("/login/<account>")]
async fn login(session: Session, account: &str) -> Result<&'static str> {
    session.login(account).await?;
    Ok("ok")
}

#[post("/logout")]
async fn logout(session: LazySession) -> Result<&'static str> {
    session.flush().await?;
    Ok("ok")
}

#[get("/healthz")]
async fn healthz(sessions: &State<Sessions>) -> Result<&'static str> {
    sessions.health().await?;
    Ok("ok")
}
