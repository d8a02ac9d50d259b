//! The shop's routes: what an application on actix-web writes. The pages are the same in every framework's demo.

use actix_web::http::StatusCode;
use actix_web::http::header::{ContentType, LOCATION, USER_AGENT};
use actix_web::web::{self, Form, Html, Path, Query, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use example_common::pages::{self, Answer};
use serde::Deserialize;
use session_actix::{Result, Session};

pub(crate) fn shop(routes: &mut ServiceConfig) {
    routes
        .route("/", web::get().to(home))
        .route("/style.css", web::get().to(style))
        .route("/cart", web::get().to(cart))
        .route("/cart/add/{id}", web::post().to(add_to_cart))
        .route("/cart/quantity/{id}", web::post().to(set_quantity))
        .route("/sign-in", web::get().to(sign_in_page))
        .route("/sign-in", web::post().to(sign_in))
        .route("/sign-out", web::post().to(sign_out))
        .route("/comment", web::get().to(comment))
        .route("/comment", web::post().to(leave_comment))
        .route("/preferences", web::get().to(preferences))
        .route("/preferences", web::post().to(set_preferences))
        .route("/preferences/reset", web::post().to(reset_preferences))
        .route("/register", web::get().to(register))
        .route("/register/{step}", web::get().to(register_step))
        .route("/register/{step}", web::post().to(complete_step))
        .route("/cookie-test", web::get().to(cookie_test))
        .route("/cookie-test", web::post().to(check_cookie_test))
        .route("/devices", web::get().to(devices))
        .route("/devices/revoke/{handle}", web::post().to(revoke))
        .route("/devices/revoke-others", web::post().to(revoke_others))
        .route("/expiry", web::get().to(expiry))
        .route("/expiry", web::post().to(choose_expiry))
        .default_service(web::to(nothing_here));
}

/// How the shop shows an error of the session.
pub(crate) fn error_page(error: &session_actix::SessionError) -> HttpResponse {
    answer(pages::session_error(error))
}

fn answer(answer: Answer) -> HttpResponse {
    match answer {
        Answer::SeeOther(path) => HttpResponse::SeeOther().insert_header((LOCATION, &*path)).finish(),
        Answer::Page { status, html } => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            HttpResponse::build(status).content_type(ContentType::html()).body(html)
        }
    }
}

async fn style() -> HttpResponse {
    HttpResponse::Ok().content_type("text/css").body(pages::STYLE)
}

async fn nothing_here() -> HttpResponse {
    answer(Answer::Page { status: 404, html: pages::error(404, "There is no such page.") })
}

#[derive(Deserialize)]
struct PageNumber {
    page: Option<usize>,
}

async fn home(session: Session, number: Query<PageNumber>) -> Result<Html> {
    Ok(Html::new(pages::home(&session, number.page)?))
}

async fn cart(session: Session) -> Result<Html> {
    Ok(Html::new(pages::cart(&session)?))
}

async fn add_to_cart(session: Session, id: Path<u32>) -> Result<HttpResponse> {
    Ok(answer(pages::add_to_cart(&session, *id)?))
}

async fn set_quantity(
    session: Session,
    id: Path<u32>,
    form: Form<pages::QuantityForm>,
) -> Result<HttpResponse> {
    Ok(answer(pages::set_quantity(&session, *id, &form)?))
}

async fn sign_in_page(session: Session) -> Result<Html> {
    Ok(Html::new(pages::sign_in_page(&session)?))
}

async fn sign_in(
    session: Session,
    request: HttpRequest,
    form: Form<pages::SignInForm>,
) -> Result<HttpResponse> {
    let user_agent = request.headers().get(USER_AGENT).and_then(|value| value.to_str().ok());
    Ok(answer(pages::sign_in(&session, &form, user_agent).await?))
}

async fn sign_out(session: Session) -> Result<HttpResponse> {
    Ok(answer(pages::sign_out(&session).await?))
}

async fn comment(session: Session) -> Result<Html> {
    Ok(Html::new(pages::comment(&session)?))
}

async fn leave_comment(session: Session, form: Form<pages::CommentForm>) -> Result<HttpResponse> {
    Ok(answer(pages::leave_comment(&session, &form)?))
}

async fn preferences(session: Session) -> Result<Html> {
    Ok(Html::new(pages::preferences(&session)?))
}

async fn set_preferences(session: Session, form: Form<pages::PreferencesForm>) -> Result<HttpResponse> {
    Ok(answer(pages::set_preferences(&session, &form)?))
}

async fn reset_preferences(session: Session) -> Result<HttpResponse> {
    Ok(answer(pages::reset_preferences(&session)?))
}

async fn register(session: Session) -> Result<HttpResponse> {
    Ok(answer(pages::register(&session)?))
}

async fn register_step(session: Session, step: Path<String>) -> Result<HttpResponse> {
    Ok(answer(pages::register_step(&session, &step)?))
}

async fn complete_step(
    session: Session,
    step: Path<String>,
    form: Form<pages::RegisterForm>,
) -> Result<HttpResponse> {
    Ok(answer(pages::complete_step(&session, &step, &form)?))
}

async fn cookie_test(session: Session) -> Result<Html> {
    Ok(Html::new(pages::cookie_test(&session)?))
}

async fn check_cookie_test(session: Session) -> Result<HttpResponse> {
    Ok(answer(pages::check_cookie_test(&session)?))
}

async fn devices(session: Session) -> Result<Html> {
    Ok(Html::new(pages::devices(&session).await?))
}

async fn revoke(session: Session, handle: Path<String>) -> Result<HttpResponse> {
    Ok(answer(pages::revoke(&session, &handle).await?))
}

async fn revoke_others(session: Session) -> Result<HttpResponse> {
    Ok(answer(pages::revoke_others(&session).await?))
}

async fn expiry(session: Session) -> Result<Html> {
    Ok(Html::new(pages::expiry(&session)?))
}

async fn choose_expiry(session: Session, form: Form<pages::ExpiryForm>) -> Result<HttpResponse> {
    Ok(answer(pages::choose_expiry(&session, &form)?))
}
