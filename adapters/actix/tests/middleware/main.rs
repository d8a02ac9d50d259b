//! The middleware in applications that are served over real sockets, by two workers each.

#![expect(clippy::unwrap_used, reason = "a test fails where it is")]

mod errors;
mod routing;
mod streams;

use std::net::SocketAddr;

use actix_web::dev::ServerHandle;
use reqwest::header::{COOKIE, HeaderMap, SET_COOKIE};
use reqwest::{Client, Method, StatusCode};
use session_actix::backends::memory::MemoryStore;
use session_actix::{Session, SessionMiddleware};
use session_core::testing::Probe;

/// Serves an application on a free port. It ends with the value.
macro_rules! serve {
    ($app:expr) => {{
        let server = actix_web::HttpServer::new($app).workers(2).disable_signals();
        let server = server.bind("127.0.0.1:0").unwrap();
        let address = server.addrs()[0];
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        $crate::Site { address, handle, client: $crate::client() }
    }};
}
pub(crate) use serve;

pub(crate) struct Site {
    address: SocketAddr,
    handle: ServerHandle,
    client: Client,
}

impl Drop for Site {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
    }
}

/// Follows no redirect, and keeps no connection: each request may meet another worker.
fn client() -> Client {
    let builder = Client::builder().redirect(reqwest::redirect::Policy::none());
    builder.pool_max_idle_per_host(0).build().unwrap()
}

impl Site {
    pub(crate) async fn get(&self, path: &str, cookie: Option<&str>) -> Answer {
        self.send(Method::GET, path, cookie).await
    }

    pub(crate) async fn send(&self, method: Method, path: &str, cookie: Option<&str>) -> Answer {
        self.try_send(method, path, cookie).await.unwrap()
    }

    pub(crate) async fn try_send(
        &self,
        method: Method,
        path: &str,
        cookie: Option<&str>,
    ) -> reqwest::Result<Answer> {
        let mut request = self.client.request(method, format!("http://{}{path}", self.address));
        if let Some(cookie) = cookie {
            request = request.header(COOKIE, cookie);
        }
        let response = request.send().await?;
        let (status, headers) = (response.status(), response.headers().clone());
        Ok(Answer { status, headers, text: response.text().await? })
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

pub(crate) fn watched() -> (Probe, SessionMiddleware) {
    let probe = Probe::new(MemoryStore::new());
    (probe.clone(), SessionMiddleware::new(probe))
}

/// A handler that counts its calls.
pub(crate) async fn count(session: Session) -> session_actix::Result<String> {
    Ok(session
        .update("n", |n: &mut u32| {
            *n += 1;
            *n
        })?
        .to_string())
}
