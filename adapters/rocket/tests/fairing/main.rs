//! The fairing in applications that are served over real sockets.

#![expect(clippy::unwrap_used, reason = "a test fails where it is")]
#![expect(clippy::needless_pass_by_value, reason = "a guard is an argument by value")]

mod errors;
mod guards;
mod launch;
mod responses;

use std::sync::Mutex;

use reqwest::header::{COOKIE, HeaderMap, SET_COOKIE};
use reqwest::{Client, Method, StatusCode};
use rocket::config::LogLevel;
use rocket::fairing::AdHoc;
use rocket::figment::Figment;
use rocket::{Build, Config, Rocket, Shutdown};
use session_core::testing::Probe;
use session_rocket::backends::memory::MemoryStore;
use session_rocket::{Session, SessionFairing};
use tokio::sync::oneshot;

/// An application on a free port. It ends with the value.
pub(crate) struct Site {
    port: u16,
    shutdown: Shutdown,
    client: Client,
}

impl Drop for Site {
    fn drop(&mut self) {
        self.shutdown.clone().notify();
    }
}

/// A configuration for tests: a free port, no log, no file of the machine's.
pub(crate) fn config() -> Figment {
    let mut config = Config { port: 0, workers: 2, log_level: LogLevel::Off, ..Config::debug_default() };
    (config.shutdown.ctrlc, config.shutdown.grace, config.shutdown.mercy) = (false, 0, 0);
    config.shutdown.signals.clear();
    Figment::from(config)
}

pub(crate) fn build() -> Rocket<Build> {
    rocket::custom(config())
}

pub(crate) async fn serve(rocket: Rocket<Build>) -> Site {
    let (found, port) = oneshot::channel();
    let found = Mutex::new(Some(found));
    let rocket = rocket.attach(AdHoc::on_liftoff("port", move |rocket| {
        let _ = found.lock().unwrap().take().unwrap().send(rocket.config().port);
        Box::pin(async {})
    }));
    let rocket = rocket.ignite().await.unwrap();
    let shutdown = rocket.shutdown();
    tokio::spawn(rocket.launch());
    let builder = Client::builder().redirect(reqwest::redirect::Policy::none()).pool_max_idle_per_host(0);
    Site { port: port.await.unwrap(), shutdown, client: builder.build().unwrap() }
}

impl Site {
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub(crate) async fn get(&self, path: &str, cookie: Option<&str>) -> Answer {
        self.send(Method::GET, path, cookie).await
    }

    pub(crate) async fn send(&self, method: Method, path: &str, cookie: Option<&str>) -> Answer {
        let mut request = self.client.request(method, self.url(path));
        if let Some(cookie) = cookie {
            request = request.header(COOKIE, cookie);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        Answer { status, headers, text: response.text().await.unwrap() }
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Answer {
    /// The pairs that a browser sends back, in a header.
    pub(crate) fn cookie(&self) -> Option<String> {
        let pairs: Vec<_> = self.cookies().iter().map(|c| c.split(';').next().unwrap().to_owned()).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    pub(crate) fn cookies(&self) -> Vec<String> {
        self.headers.get_all(SET_COOKIE).iter().map(|c| c.to_str().unwrap().to_owned()).collect()
    }

    pub(crate) fn header(&self, name: &str) -> Vec<&str> {
        self.headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect()
    }
}

pub(crate) fn watched() -> (Probe, SessionFairing) {
    let probe = Probe::new(MemoryStore::new());
    (probe.clone(), SessionFairing::new(probe))
}

/// A handler that counts its calls.
#[rocket::get("/")]
pub(crate) fn count(session: Session) -> session_rocket::Result<String> {
    Ok(session
        .update("n", |n: &mut u32| {
            *n += 1;
            *n
        })?
        .to_string())
}
