//! A real browser, and what is done in it.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fantoccini::elements::Element;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::json;

use crate::server::free_port;

/// What the browser's window is on.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Screen {
    /// As wide as it is by default.
    Desk,
    /// As narrow as a small phone's, and with more dots than pixels.
    Phone,
}

/// How wide a phone's page is, in pixels.
pub(crate) const PHONE_WIDTH: u32 = 360;

/// As a phone's browser calls itself.
const PHONE: &str = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/147.0.0.0 \
                     Mobile Safari/537.36";

/// `chromedriver`, on a free port. Ends with this value.
pub(crate) struct Driver {
    child: Child,
    port: u16,
}

impl Driver {
    pub(crate) fn start() -> Self {
        let port = free_port();
        let child = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("chromedriver: {error}; install chromium and chromium-driver"));
        Self { child, port }
    }

    /// A browser whose profile is in this folder.
    pub(crate) async fn browser(&self, folder: &Path, screen: Screen) -> Client {
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
        let mut options = json!({"args": arguments, "binary": binary()});
        if let Screen::Phone = screen {
            let metrics = json!({"width": PHONE_WIDTH, "height": 740, "pixelRatio": 1.5});
            options["mobileEmulation"] = json!({"deviceMetrics": metrics, "userAgent": PHONE});
        }
        let options = json!({"goog:chromeOptions": options});
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

/// Clicks on what leads to another page, and waits until this one has gone: what is looked for next is on the other.
pub(crate) async fn follow(page: &Client, css: &str) {
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

pub(crate) async fn fill(page: &Client, css: &str, value: &str) {
    find(page, css).await.send_keys(value).await.expect("keys");
}

pub(crate) async fn text(page: &Client, css: &str) -> String {
    find(page, css).await.text().await.expect("a text")
}

pub(crate) async fn find(page: &Client, css: &str) -> Element {
    let element = page.wait().at_most(Duration::from_secs(10)).for_element(Locator::Css(css)).await;
    element.unwrap_or_else(|error| panic!("{css}: {error}"))
}
