//! The demo's story over HTTP, with a cookie jar: sign in, fill the cart, kill the server, start it again.

use reqwest::header::{COOKIE, SET_COOKIE};
use reqwest::{Client, StatusCode};

use crate::server::Server;

/// The demo's pages.
pub(crate) const PAGES: [&str; 9] = [
    "/",
    "/cart",
    "/sign-in",
    "/comment",
    "/preferences",
    "/register",
    "/cookie-test",
    "/devices",
    "/expiry",
];

/// A visitor with a cookie jar.
fn browser() -> Client {
    // No connection is kept: the server that it led to is killed.
    Client::builder().cookie_store(true).pool_max_idle_per_host(0).build().expect("a client")
}

async fn post(client: &Client, server: &Server, path: &str, form: &[(&str, &str)]) -> String {
    let response = client.post(server.url(path)).form(form).send().await.expect("a response");
    assert_eq!(response.status(), StatusCode::OK, "{path}, after its redirect");
    response.text().await.expect("a page")
}

async fn get(client: &Client, server: &Server, path: &str) -> String {
    let response = client.get(server.url(path)).send().await.expect("a response");
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    response.text().await.expect("a page")
}

/// Signed in with a full cart, then `kill -9` and a restart: signed in with a full cart. After sign-out the old cookie opens nothing.
pub async fn survives_a_restart(program: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = format!("sqlite:{}", folder.path().join("shop.db").display());
    let server = Server::start(program, &["--store", &store]);
    let visitor = browser();
    assert!(get(&visitor, &server, "/cart").await.contains("id=\"cart-empty\""));
    post(&visitor, &server, "/cart/add/1", &[]).await;
    let signed_in = post(&visitor, &server, "/sign-in", &[("user", "ada"), ("password", "analytical")]).await;
    assert!(signed_in.contains("id=\"account\""), "{signed_in}");
    let cart = post(&visitor, &server, "/cart/add/2", &[]).await;
    let address = server.address().to_owned();
    server.kill();

    let server = Server::start_at(program, &address, &["--store", &store]);
    let after = get(&visitor, &server, "/cart").await;
    assert!(after.contains("id=\"account\""), "still signed in");
    assert!(
        after.contains("id=\"quantity-1\"") && after.contains("id=\"quantity-2\""),
        "with the whole cart: {after}"
    );
    assert!(cart.contains("id=\"quantity-2\""));

    // What the old cookie opens once its session has been signed out: nothing.
    let client = Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
    let form = [("user", "ada"), ("password", "analytical")];
    let login = client.post(server.url("/sign-in")).form(&form).send().await.expect("a response");
    let header = login.headers()[SET_COOKIE].to_str().expect("text").to_owned();
    let cookie = header.split(';').next().expect("a pair").to_owned();
    let page = |client: &Client| client.get(server.url("/")).header(COOKIE, &cookie).send();
    let before = page(&client).await.expect("a response").text().await.expect("a page");
    assert!(before.contains("id=\"account\""));
    let logout =
        client.post(server.url("/sign-out")).header(COOKIE, &cookie).send().await.expect("a response");
    assert_eq!(logout.status(), StatusCode::SEE_OTHER);
    let after = page(&client).await.expect("a response").text().await.expect("a page");
    assert!(!after.contains("id=\"account\""), "the old cookie opens nothing");
}

/// Every page answers, with a session and without, and none of them is an error.
pub async fn every_page_answers(program: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = format!("sqlite:{}", folder.path().join("shop.db").display());
    let server = Server::start(program, &["--store", &store]);
    let visitor = browser();
    for round in 0..2 {
        for path in PAGES.iter().chain(&["/style.css"]) {
            let page = get(&visitor, &server, path).await;
            assert!(*path == "/style.css" || page.contains("<main"), "{path} in round {round}");
        }
        post(&visitor, &server, "/sign-in", &[("user", "ada"), ("password", "analytical")]).await;
    }
    let missing = visitor.get(server.url("/no-such-page")).send().await.expect("a response");
    assert_eq!(missing.status(), StatusCode::NOT_FOUND);
}
