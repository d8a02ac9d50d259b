//! The views that have moved, under the paths that they had.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use session_axum::{Key, LazySession, Result, Session};

use crate::user::User;

/// A dict in Django.
const CART: Key<BTreeMap<String, u32>> = Key::new("cart");

const ITEMS: [&str; 3] = ["notebook", "pencil", "lamp"];

#[derive(Template)]
#[template(path = "cart.html")]
struct Cart {
    name: Option<String>,
    items: Vec<(&'static str, u32)>,
}

pub(crate) async fn cart(User(name): User, session: Session) -> Result<Response> {
    let cart = session.get(CART)?.unwrap_or_default();
    let items = ITEMS.map(|item| (item, cart.get(item).copied().unwrap_or_default()));
    Ok(match (Cart { name, items: items.into() }).render() {
        Ok(page) => Html(page).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    })
}

pub(crate) async fn add(session: Session, Path(item): Path<String>) -> Result<Response> {
    if !ITEMS.contains(&&*item) {
        return Ok(StatusCode::NOT_FOUND.into_response());
    }
    session.update(CART, move |cart| *cart.entry(item.clone()).or_default() += 1)?;
    Ok(Redirect::to("/cart").into_response())
}

pub(crate) async fn sign_out(session: LazySession) -> Result<Redirect> {
    session.flush().await?;
    Ok(Redirect::to("/cart"))
}
