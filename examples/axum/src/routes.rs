//! The shop's routes: what an application on axum writes. The pages are the same in every framework's demo.

use axum::Router;
use axum::extract::{Form, Path, Query};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use example_common::pages::{self, Answer};
use serde::Deserialize;
use session_axum::{Result, Session};

pub(crate) fn shop() -> Router {
    Router::new()
        .route("/", get(home))
        .route("/style.css", get(|| async { ([(header::CONTENT_TYPE, "text/css")], pages::STYLE) }))
        .route("/cart", get(cart))
        .route("/cart/add/{id}", post(add_to_cart))
        .route("/cart/quantity/{id}", post(set_quantity))
        .route("/sign-in", get(sign_in_page).post(sign_in))
        .route("/sign-out", post(sign_out))
        .route("/comment", get(comment).post(leave_comment))
        .route("/preferences", get(preferences).post(set_preferences))
        .route("/preferences/reset", post(reset_preferences))
        .route("/register", get(register))
        .route("/register/{step}", get(register_step).post(complete_step))
        .route("/cookie-test", get(cookie_test).post(check_cookie_test))
        .route("/devices", get(devices))
        .route("/devices/revoke/{handle}", post(revoke))
        .route("/devices/revoke-others", post(revoke_others))
        .route("/expiry", get(expiry).post(choose_expiry))
        .fallback(|| async {
            answer(Answer::Page { status: 404, html: pages::error(404, "There is no such page.") })
        })
}

/// How the shop shows an error of the session.
pub(crate) fn error_page(error: &session_axum::SessionError) -> Response {
    answer(pages::session_error(error))
}

fn answer(answer: Answer) -> Response {
    match answer {
        Answer::SeeOther(path) => Redirect::to(&path).into_response(),
        Answer::Page { status, html } => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (status, Html(html)).into_response()
        }
    }
}

#[derive(Deserialize)]
struct PageNumber {
    page: Option<usize>,
}

async fn home(session: Session, Query(number): Query<PageNumber>) -> Result<Html<String>> {
    Ok(Html(pages::home(&session, number.page)?))
}

async fn cart(session: Session) -> Result<Html<String>> {
    Ok(Html(pages::cart(&session)?))
}

async fn add_to_cart(session: Session, Path(id): Path<u32>) -> Result<Response> {
    Ok(answer(pages::add_to_cart(&session, id)?))
}

async fn set_quantity(
    session: Session,
    Path(id): Path<u32>,
    Form(form): Form<pages::QuantityForm>,
) -> Result<Response> {
    Ok(answer(pages::set_quantity(&session, id, &form)?))
}

async fn sign_in_page(session: Session) -> Result<Html<String>> {
    Ok(Html(pages::sign_in_page(&session)?))
}

async fn sign_in(
    session: Session,
    headers: HeaderMap,
    Form(form): Form<pages::SignInForm>,
) -> Result<Response> {
    let user_agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    Ok(answer(pages::sign_in(&session, &form, user_agent).await?))
}

async fn sign_out(session: Session) -> Result<Response> {
    Ok(answer(pages::sign_out(&session).await?))
}

async fn comment(session: Session) -> Result<Html<String>> {
    Ok(Html(pages::comment(&session)?))
}

async fn leave_comment(session: Session, Form(form): Form<pages::CommentForm>) -> Result<Response> {
    Ok(answer(pages::leave_comment(&session, &form)?))
}

async fn preferences(session: Session) -> Result<Html<String>> {
    Ok(Html(pages::preferences(&session)?))
}

async fn set_preferences(session: Session, Form(form): Form<pages::PreferencesForm>) -> Result<Response> {
    Ok(answer(pages::set_preferences(&session, &form)?))
}

async fn reset_preferences(session: Session) -> Result<Response> {
    Ok(answer(pages::reset_preferences(&session)?))
}

async fn register(session: Session) -> Result<Response> {
    Ok(answer(pages::register(&session)?))
}

async fn register_step(session: Session, Path(step): Path<String>) -> Result<Response> {
    Ok(answer(pages::register_step(&session, &step)?))
}

async fn complete_step(
    session: Session,
    Path(step): Path<String>,
    Form(form): Form<pages::RegisterForm>,
) -> Result<Response> {
    Ok(answer(pages::complete_step(&session, &step, &form)?))
}

async fn cookie_test(session: Session) -> Result<Html<String>> {
    Ok(Html(pages::cookie_test(&session)?))
}

async fn check_cookie_test(session: Session) -> Result<Response> {
    Ok(answer(pages::check_cookie_test(&session)?))
}

async fn devices(session: Session) -> Result<Html<String>> {
    Ok(Html(pages::devices(&session).await?))
}

async fn revoke(session: Session, Path(handle): Path<String>) -> Result<Response> {
    Ok(answer(pages::revoke(&session, &handle).await?))
}

async fn revoke_others(session: Session) -> Result<Response> {
    Ok(answer(pages::revoke_others(&session).await?))
}

async fn expiry(session: Session) -> Result<Html<String>> {
    Ok(Html(pages::expiry(&session)?))
}

async fn choose_expiry(session: Session, Form(form): Form<pages::ExpiryForm>) -> Result<Response> {
    Ok(answer(pages::choose_expiry(&session, &form)?))
}
