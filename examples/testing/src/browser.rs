//! The demo's story in a real browser, by clicks.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fantoccini::elements::Element;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};

use crate::server::Server;

/// Sign in, fill the cart, `kill -9`, restart: signed in with a full cart; sign out. Scripts in the page never see the cookie.
pub async fn tells_the_story(program: &str) {
    if session_core::testing::is_without("browser") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let store = format!("sqlite:{}", folder.path().join("shop.db").display());
    let server = Server::start(program, &["--store", &store]);
    let driver = Driver::start();
    let page = driver.browser(folder.path()).await;

    page.goto(&server.url("/")).await.expect("the shop");
    follow(&page, "#add-1").await;
    follow(&page, "#nav-sign-in").await;
    fill(&page, "#user", "ada").await;
    fill(&page, "#password", "analytical").await;
    follow(&page, "#sign-in").await;
    assert!(text(&page, "#account").await.contains("ada"));
    page.goto(&server.url("/cart")).await.expect("the cart");
    find(&page, "#quantity-1").await; // what was in the cart before the login

    let seen = page.execute("return document.cookie", vec![]).await.expect("a script");
    assert_eq!(seen, Value::String(String::new()), "no script sees the cookie");
    let cookie = page.get_named_cookie("sessionid").await.expect("but the browser has it");
    assert_eq!((cookie.http_only(), cookie.path()), (Some(true), Some("/")));

    let address = server.address().to_owned();
    server.kill();
    let server = Server::start_at(program, &address, &["--store", &store]);
    page.goto(&server.url("/cart")).await.expect("the cart");
    assert!(text(&page, "#account").await.contains("ada"), "still signed in after kill -9");
    find(&page, "#quantity-1").await;

    follow(&page, "#sign-out").await;
    find(&page, "#nav-sign-in").await;
    // The page may have begun another session; not that one.
    let after = page.get_named_cookie("sessionid").await;
    assert!(after.is_ok_and(|after| after.value() != cookie.value()), "signed out: another session");
    page.close().await.expect("the browser ends");
}

/// Clicks on what leads to another page, and waits until this one has gone: what is looked for next is on the other.
async fn follow(page: &Client, css: &str) {
    let element = find(page, css).await;
    element.click().await.expect("a click");
    for _ in 0..200 {
        if element.tag_name().await.is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{css} leads nowhere");
}

async fn fill(page: &Client, css: &str, value: &str) {
    find(page, css).await.send_keys(value).await.expect("keys");
}

async fn text(page: &Client, css: &str) -> String {
    find(page, css).await.text().await.expect("a text")
}

async fn find(page: &Client, css: &str) -> Element {
    let element = page.wait().at_most(Duration::from_secs(10)).for_element(Locator::Css(css)).await;
    element.unwrap_or_else(|error| panic!("{css}: {error}"))
}

/// `chromedriver`, on a free port. Ends with this value.
struct Driver {
    child: Child,
    port: u16,
}

impl Driver {
    fn start() -> Self {
        // Free now; nobody else on this machine asks for it in the moment until the driver does.
        let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let port = port.expect("a free port").port();
        let child = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("chromedriver: {error}; install chromium and chromium-driver"));
        Self { child, port }
    }

    async fn browser(&self, folder: &std::path::Path) -> Client {
        let profile = format!("--user-data-dir={}", folder.join("profile").display());
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--no-first-run",
            &profile,
        ];
        let options = json!({"goog:chromeOptions": {"args": arguments, "binary": binary()}});
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(options.as_object().expect("an object").clone());
        for _ in 0..100 {
            if let Ok(client) = builder.connect(&format!("http://127.0.0.1:{}", self.port)).await {
                return client;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("the browser does not start: is chromium installed?");
    }
}

fn binary() -> String {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found =
        std::env::split_paths(&path).map(|folder| folder.join("chromium")).find(|file| file.is_file());
    found.expect("chromium is installed").display().to_string()
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
