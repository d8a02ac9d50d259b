//! A picture of a demo on a phone.

use reqwest::header::USER_AGENT;

use crate::browser::sign_in;
use crate::driver::{Driver, Screen, find, follow};
use crate::server::Server;

/// As another browser calls itself.
const LAPTOP: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0";

/// A page of the demo as ada sees it, who has filled her cart and chosen a theme of the preferences, as PNG.
pub async fn take(program: &str, path: &str, theme: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(program, &["--store", "memory:"]);
    let driver = Driver::start();
    let page = driver.browser(folder.path(), Screen::Phone).await;
    page.goto(&server.url("/")).await.expect("the shop");
    sign_in(&page).await;
    for add in ["#add-1", "#add-3", "#add-3", "#add-4"] {
        page.goto(&server.url("/")).await.expect("the shop");
        follow(&page, add).await;
    }
    page.goto(&server.url("/preferences")).await.expect("the preferences");
    // She is signed in elsewhere, too.
    let laptop = reqwest::Client::new().post(server.url("/sign-in")).header(USER_AGENT, LAPTOP);
    laptop.form(&[("user", "ada"), ("password", "analytical")]).send().await.expect("a login");
    find(&page, &format!("#theme option[value={theme}]")).await.click().await.expect("a choice");
    follow(&page, "#save-preferences").await;
    page.goto(&server.url(path)).await.expect("the page");
    let picture = page.screenshot().await.expect("a picture");
    page.close().await.expect("the browser ends");
    picture
}
