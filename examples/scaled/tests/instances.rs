//! Two instances, one PostgreSQL, one Redis: whoever is sent to either of them meets the same sessions.

#![expect(clippy::unwrap_used, reason = "a test fails where it is")]

use std::process::Command;

use example_testing::Server;
use reqwest::header::{COOKIE, SET_COOKIE, USER_AGENT};
use reqwest::{Client, Method, StatusCode};
use session_core::testing::server;
use test_services::{Fault, FaultProxy};

#[test]
fn what_one_instance_writes_the_other_reads() {
    let (Some(database), Some(cache)) = (server("postgres"), server("redis")) else { return };
    let [here, there] = [instance(&database, &cache), instance(&database, &cache)];
    example_testing::run(async {
        let mut visitor = Visitor::new("ada", "laptop");
        visitor.post(&here, "/cart/1").await;
        visitor.sign_in(&there).await;
        visitor.post(&here, "/cart/2").await;
        for instance in [&here, &there] {
            let page = visitor.get(instance).await;
            assert!(page.starts_with("Hello, ada. Your cart: [1, 2]."), "{page}");
            assert!(page.contains(instance.address()), "{page}");
        }
        visitor.post(&there, "/sign-out").await;
        assert!(visitor.get(&here).await.starts_with("Hello, stranger. Your cart: []."));
    });
}

/// From one instance, of devices that were last seen by the other: at once, for Redis has heard of it.
#[test]
fn other_devices_are_signed_out_on_every_instance() {
    let (Some(database), Some(cache)) = (server("postgres"), server("redis")) else { return };
    let [here, there] = [instance(&database, &cache), instance(&database, &cache)];
    example_testing::run(async {
        let [mut laptop, mut phone] = ["laptop", "phone"].map(|browser| Visitor::new("grace", browser));
        laptop.sign_in(&here).await;
        phone.sign_in(&there).await;
        assert!(phone.get(&there).await.contains("signed in with laptop\n"));
        assert!(laptop.get(&here).await.contains("signed in with phone\n"));

        laptop.post(&here, "/sign-out-others").await;
        assert!(phone.get(&there).await.starts_with("Hello, stranger."));
        let page = laptop.get(&there).await;
        assert!(page.starts_with("Hello, grace.") && !page.contains("phone"), "{page}");
        laptop.post(&here, "/sign-out").await;
    });
}

/// Nobody listens where Redis was: sessions are read and written in PostgreSQL, and those of before are there.
#[test]
fn while_redis_is_away_everybody_stays_signed_in() {
    let (Some(database), Some(cache)) = (server("postgres"), server("redis")) else { return };
    let way = FaultProxy::start(&cache, 1).unwrap();
    let [here, there] = [instance(&database, way.url()), instance(&database, way.url())];
    example_testing::run(async {
        let mut visitor = Visitor::new("joan", "tablet");
        visitor.sign_in(&here).await;
        way.inject(Fault::Refuse);
        visitor.post(&here, "/cart/3").await;
        assert!(visitor.get(&there).await.starts_with("Hello, joan. Your cart: [3]."));
        way.mend();
        assert!(visitor.get(&here).await.starts_with("Hello, joan. Your cart: [3]."));
        visitor.post(&here, "/sign-out").await;
        assert!(way.injected() > 0, "it was away");
    });
}

/// As a supervisor ends an instance during a deployment: it answers what it has taken, and its sweeper ends with it.
#[test]
fn an_instance_ends_when_it_is_told_to() {
    let (Some(database), Some(cache)) = (server("postgres"), server("redis")) else { return };
    let status = instance(&database, &cache).terminate();
    assert!(status.success(), "{status}");
}

fn instance(database: &str, cache: &str) -> Server {
    let mut command = Command::new(env!("CARGO_BIN_EXE_example-scaled"));
    command.envs([("LISTEN", "127.0.0.1:0"), ("DATABASE_URL", database), ("REDIS_URL", cache)]);
    Server::run(command)
}

/// Somebody with a cookie, of an account that no other test ends the sessions of. The cookie is `Secure`, as behind a balancer with HTTPS, so a jar would not send it to an instance.
struct Visitor {
    http: Client,
    account: &'static str,
    browser: &'static str,
    cookie: String,
}

impl Visitor {
    fn new(account: &'static str, browser: &'static str) -> Self {
        Self { http: Client::new(), account, browser, cookie: String::new() }
    }

    async fn sign_in(&mut self, instance: &Server) {
        let form = [("user", self.account), ("password", "analytical")];
        self.ask(instance, Method::POST, "/sign-in", &form).await;
    }

    async fn post(&mut self, instance: &Server, path: &str) {
        self.ask(instance, Method::POST, path, &[]).await;
    }

    async fn get(&mut self, instance: &Server) -> String {
        self.ask(instance, Method::GET, "/", &[]).await
    }

    async fn ask(&mut self, instance: &Server, method: Method, path: &str, form: &[(&str, &str)]) -> String {
        let request = self.http.request(method, instance.url(path)).header(USER_AGENT, self.browser);
        let response = request.header(COOKIE, &self.cookie).form(form).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        if let Some(cookie) = response.headers().get(SET_COOKIE) {
            self.cookie = cookie.to_str().unwrap().split(';').next().unwrap().into();
        }
        response.text().await.unwrap()
    }
}
