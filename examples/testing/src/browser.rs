//! The demo's story in a real browser, by clicks.

use fantoccini::Client;
use serde_json::Value;

use crate::demo::PAGES;
use crate::driver::{Driver, PHONE_WIDTH, Screen, fill, find, follow, text};
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
    let page = driver.browser(folder.path(), Screen::Desk).await;

    page.goto(&server.url("/")).await.expect("the shop");
    follow(&page, "#add-1").await;
    sign_in(&page).await;
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

/// On a phone no page is wider than the screen, and what can be tapped is large enough to hit: as large as WCAG 2.2 asks
/// for at its strictest (2.5.5), 44 pixels, but for links in a sentence.
pub async fn fits_a_phone(program: &str) {
    if session_core::testing::is_without("browser") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(program, &["--store", "memory:"]);
    let driver = Driver::start();
    let page = driver.browser(folder.path(), Screen::Phone).await;
    page.goto(&server.url("/")).await.expect("the shop");
    follow(&page, "#add-1").await;
    sign_in(&page).await;
    for path in PAGES {
        page.goto(&server.url(path)).await.expect("a page");
        let seen = page.execute(LOOK, vec![]).await.expect("a script");
        assert_eq!(seen["width"], PHONE_WIDTH, "{path} is as wide as the screen");
        assert_eq!(seen["small"], Value::Array(vec![]), "{path}: too small to tap");
    }
    page.close().await.expect("the browser ends");
}

/// How wide the page is, and what on it is hard to hit.
const LOOK: &str = "
    const fields = 'select, textarea, label.option, input:not([type=hidden], [type=radio], [type=checkbox])';
    const targets = document.querySelectorAll('a, button, ' + fields);
    const isSmall = target => { const box = target.getBoundingClientRect(); return box.height < 44 || box.width < 44; };
    const inText = target => target.matches('p a, .skip');
    const small = [...targets].filter(target => !inText(target) && isSmall(target));
    return { width: document.documentElement.scrollWidth, small: small.map(target => target.outerHTML) };";

/// Signs ada in, from any page.
pub(crate) async fn sign_in(page: &Client) {
    follow(page, "#nav-sign-in").await;
    fill(page, "#user", "ada").await;
    fill(page, "#password", "analytical").await;
    follow(page, "#sign-in").await;
}
