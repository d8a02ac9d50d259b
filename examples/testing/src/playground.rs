//! The adapter kit, against a playground on a real socket.

use reqwest::header::{COOKIE, HeaderValue};
use session_core::testing::adapter::{self, Lives, Request, Response};
use session_core::testing::server;

use crate::server::Server;

/// In memory.
pub async fn conforms_on_memory(program: &str) {
    conforms(program, Lives::InStore, &["--store", "memory:"]).await;
}

/// In an SQLite file.
pub async fn conforms_on_sqlite(program: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = format!("sqlite:{}", folder.path().join("sessions.db").display());
    conforms(program, Lives::InStore, &["--store", &store]).await;
}

/// In a folder.
pub async fn conforms_on_a_folder(program: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = format!("file:{}", folder.path().join("sessions").display());
    conforms(program, Lives::InStore, &["--store", &store]).await;
}

/// In an SQLite file behind a cache.
pub async fn conforms_behind_a_cache(program: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = format!("sqlite:{}", folder.path().join("sessions.db").display());
    conforms(program, Lives::InStore, &["--store", &store, "--cache", "memory:"]).await;
}

/// On every server that the tests have.
pub async fn conforms_on_servers(program: &str) {
    for name in ["postgres", "mysql", "redis", "redis-cluster", "redis-sentinel"] {
        let Some(url) = server(name) else { continue };
        conforms(program, Lives::InStore, &["--store", &url]).await;
    }
    if let (Some(postgres), Some(redis)) = (server("postgres"), server("redis")) {
        conforms(program, Lives::InStore, &["--store", &postgres, "--cache", &redis]).await;
    }
}

/// In signed and in encrypted cookies, and in Django's.
pub async fn conforms_in_cookies(program: &str) {
    conforms(program, Lives::InCookie, &["--store", "cookie:"]).await;
    conforms(program, Lives::InCookie, &["--store", "cookie+encrypted:"]).await;
    conforms(program, Lives::InCookie, &["--store", "cookie:", "--format", "django"]).await;
}

/// In Django's tables and files, and behind a cache.
pub async fn conforms_in_django_s_format(program: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let database = format!("sqlite:{}", folder.path().join("db.sqlite3").display());
    let files = format!("file:{}", folder.path().join("sessions").display());
    let mut stores = vec![database, files];
    stores.extend(["postgres", "mysql"].into_iter().filter_map(server));
    for store in &stores {
        conforms(program, Lives::InDjangoStore, &["--store", store, "--format", "django"]).await;
    }
    let cached = ["--store", &stores[0], "--format", "django", "--cache", "memory:"];
    conforms(program, Lives::InDjangoStore, &cached).await;
}

/// Runs the adapter kit against this playground, started with these flags on a fresh store.
async fn conforms(program: &str, lives: Lives, flags: &[&str]) {
    let server = Server::start(program, flags);
    let client = client();
    adapter::conformance(lives, async |request| send(&client, &server, request).await).await;
}

/// Every store that a playground must know is taken, and what it does not know is refused with a sentence.
pub fn refuses_what_it_does_not_know(program: &str) {
    for arguments in [["--store", "nosuch:thing"], ["--cookie-name", "a b"], ["--max-sessions", "0"]] {
        let output = std::process::Command::new(program).args(arguments).output().expect("it starts");
        assert!(!output.status.success(), "{arguments:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!said.is_empty() && !said.contains("panicked"), "{arguments:?}: {said}");
    }
}

/// Follows no redirect and keeps no cookie: the kit does that.
pub fn client() -> reqwest::Client {
    let builder = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    builder.build().expect("a client")
}

/// Sends a request of the kit.
pub async fn send(client: &reqwest::Client, server: &Server, request: Request) -> Response {
    let method = request.method.parse().expect("a method");
    let mut out = client.request(method, server.url(&request.path)).body(request.body);
    for (name, value) in request.headers {
        out = out.header(name, value);
    }
    for cookie in request.cookies {
        out = out.header(COOKIE, HeaderValue::from_bytes(&cookie).expect("bytes that a header may have"));
    }
    let response = out.send().await.expect("a response");
    let headers = response.headers().iter();
    Response {
        status: response.status().as_u16(),
        headers: headers
            .map(|(name, value)| (name.to_string(), value.to_str().expect("text").to_owned()))
            .collect(),
        body: response.bytes().await.expect("a body").to_vec(),
    }
}
