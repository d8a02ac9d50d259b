//! The service's routes, for curl.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::{Form, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::{get, post};
use serde::Deserialize;
use session_axum::{Key, LazySession, Result, Session, Sessions};

const CART: Key<Vec<u32>> = Key::new("cart");

pub(crate) fn shop(address: SocketAddr, sessions: Sessions) -> Router {
    Router::new()
        .route("/", get(home))
        .route("/cart/{id}", post(add))
        .route("/sign-in", post(sign_in))
        .route("/sign-out", post(sign_out))
        .route("/sign-out-others", post(sign_out_others))
        .route("/health", get(health))
        .with_state(Instance { address, sessions })
}

/// What an instance knows of itself.
#[derive(Clone)]
struct Instance {
    address: SocketAddr,
    sessions: Sessions,
}

async fn home(State(instance): State<Instance>, session: Session) -> Result<String> {
    let account = session.account().unwrap_or_else(|| "stranger".to_owned());
    let cart = session.get(CART)?.unwrap_or_default();
    let mut lines = vec![format!("Hello, {account}. Your cart: {cart:?}. This is {}.\n", instance.address)];
    for device in session.sessions().await? {
        let browser = device.meta.get("browser").map_or("an unknown browser", String::as_str);
        lines.push(format!("signed in with {browser}{}\n", if device.current { ", as here" } else { "" }));
    }
    Ok(lines.concat())
}

async fn add(session: Session, Path(id): Path<u32>) -> Result<String> {
    let count = session.update(CART, move |cart| {
        cart.push(id);
        cart.len()
    })?;
    Ok(format!("{count} in the cart\n"))
}

#[derive(Deserialize)]
struct SignIn {
    user: String,
    password: String,
}

async fn sign_in(
    session: Session,
    headers: HeaderMap,
    Form(form): Form<SignIn>,
) -> Result<(StatusCode, &'static str)> {
    // Ask your users' table, and compare with a slow hash.
    if form.password != "analytical" {
        return Ok((StatusCode::FORBIDDEN, "That is not the password.\n"));
    }
    session.login(form.user).await?;
    let browser = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    session.set_meta("browser", browser.map(|text| text.chars().take(200).collect()))?;
    Ok((StatusCode::OK, "You are signed in.\n"))
}

async fn sign_out(session: LazySession) -> Result<&'static str> {
    session.flush().await?;
    Ok("You are signed out.\n")
}

async fn sign_out_others(session: Session) -> Result<String> {
    Ok(format!("{} other devices are signed out.\n", session.revoke_others().await?))
}

/// For the balancer: 503 while PostgreSQL does not answer.
async fn health(State(instance): State<Instance>) -> Result<&'static str> {
    instance.sessions.health().await?;
    Ok("ok\n")
}
