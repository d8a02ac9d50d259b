//! The shop's routes: what an application on Rocket writes. The pages are the same in every framework's demo.

#![expect(clippy::needless_pass_by_value, reason = "a guard is an argument by value")]

use std::convert::Infallible;

use example_common::pages::{self, Answer};
use rocket::form::Form;
use rocket::http::Status;
use rocket::request::{FromRequest, Outcome, Request};
use rocket::response::Redirect;
use rocket::response::content::{RawCss, RawHtml};
use rocket::{Catcher, Either, Route, async_trait, catch, get, post};
use session_rocket::{Result, Session};

use crate::forms;

pub(crate) fn shop() -> Vec<Route> {
    rocket::routes![
        home,
        style,
        cart,
        add_to_cart,
        set_quantity,
        sign_in_page,
        sign_in,
        sign_out,
        comment,
        leave_comment,
        preferences,
        set_preferences,
        reset_preferences,
        register,
        register_step,
        complete_step,
        cookie_test,
        check_cookie_test,
        devices,
        revoke,
        revoke_others,
        expiry,
        choose_expiry,
    ]
}

pub(crate) fn catchers() -> Vec<Catcher> {
    rocket::catchers![nothing_here]
}

/// How the shop shows an error of the session.
pub(crate) fn error_page(error: &session_rocket::SessionError) -> Page {
    answer(pages::session_error(error))
}

type Html = RawHtml<String>;
type Page = Either<Redirect, (Status, Html)>;

fn answer(answer: Answer) -> Page {
    match answer {
        Answer::SeeOther(path) => Either::Left(Redirect::to(path.into_owned())),
        Answer::Page { status, html } => Either::Right((Status::new(status), RawHtml(html))),
    }
}

#[catch(404)]
fn nothing_here() -> Html {
    RawHtml(pages::error(404, "There is no such page."))
}

#[get("/style.css")]
fn style() -> RawCss<&'static str> {
    RawCss(pages::STYLE)
}

#[get("/?<page>")]
fn home(session: Session, page: Option<usize>) -> Result<Html> {
    Ok(RawHtml(pages::home(&session, page)?))
}

#[get("/cart")]
fn cart(session: Session) -> Result<Html> {
    Ok(RawHtml(pages::cart(&session)?))
}

#[post("/cart/add/<id>")]
fn add_to_cart(session: Session, id: u32) -> Result<Page> {
    Ok(answer(pages::add_to_cart(&session, id)?))
}

#[post("/cart/quantity/<id>", data = "<form>")]
fn set_quantity(session: Session, id: u32, form: Form<forms::Quantity>) -> Result<Page> {
    Ok(answer(pages::set_quantity(&session, id, &form.into_inner().into())?))
}

#[get("/sign-in")]
fn sign_in_page(session: Session) -> Result<Html> {
    Ok(RawHtml(pages::sign_in_page(&session)?))
}

/// What the browser calls itself.
struct UserAgent<'r>(Option<&'r str>);

#[async_trait]
impl<'r> FromRequest<'r> for UserAgent<'r> {
    type Error = Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Infallible> {
        Outcome::Success(Self(request.headers().get_one("user-agent")))
    }
}

#[post("/sign-in", data = "<form>")]
async fn sign_in(session: Session, user_agent: UserAgent<'_>, form: Form<forms::SignIn>) -> Result<Page> {
    Ok(answer(pages::sign_in(&session, &form.into_inner().into(), user_agent.0).await?))
}

#[post("/sign-out")]
async fn sign_out(session: Session) -> Result<Page> {
    Ok(answer(pages::sign_out(&session).await?))
}

#[get("/comment")]
fn comment(session: Session) -> Result<Html> {
    Ok(RawHtml(pages::comment(&session)?))
}

#[post("/comment", data = "<form>")]
fn leave_comment(session: Session, form: Form<forms::Comment>) -> Result<Page> {
    Ok(answer(pages::leave_comment(&session, &form.into_inner().into())?))
}

#[get("/preferences")]
fn preferences(session: Session) -> Result<Html> {
    Ok(RawHtml(pages::preferences(&session)?))
}

#[post("/preferences", data = "<form>")]
fn set_preferences(session: Session, form: Form<forms::Preferences>) -> Result<Page> {
    Ok(answer(pages::set_preferences(&session, &form.into_inner().into())?))
}

#[post("/preferences/reset")]
fn reset_preferences(session: Session) -> Result<Page> {
    Ok(answer(pages::reset_preferences(&session)?))
}

#[get("/register")]
fn register(session: Session) -> Result<Page> {
    Ok(answer(pages::register(&session)?))
}

#[get("/register/<step>")]
fn register_step(session: Session, step: &str) -> Result<Page> {
    Ok(answer(pages::register_step(&session, step)?))
}

#[post("/register/<step>", data = "<form>")]
fn complete_step(session: Session, step: &str, form: Form<forms::Register>) -> Result<Page> {
    Ok(answer(pages::complete_step(&session, step, &form.into_inner().into())?))
}

#[get("/cookie-test")]
fn cookie_test(session: Session) -> Result<Html> {
    Ok(RawHtml(pages::cookie_test(&session)?))
}

#[post("/cookie-test")]
fn check_cookie_test(session: Session) -> Result<Page> {
    Ok(answer(pages::check_cookie_test(&session)?))
}

#[get("/devices")]
async fn devices(session: Session) -> Result<Html> {
    Ok(RawHtml(pages::devices(&session).await?))
}

#[post("/devices/revoke/<handle>")]
async fn revoke(session: Session, handle: &str) -> Result<Page> {
    Ok(answer(pages::revoke(&session, handle).await?))
}

#[post("/devices/revoke-others")]
async fn revoke_others(session: Session) -> Result<Page> {
    Ok(answer(pages::revoke_others(&session).await?))
}

#[get("/expiry")]
fn expiry(session: Session) -> Result<Html> {
    Ok(RawHtml(pages::expiry(&session)?))
}

#[post("/expiry", data = "<form>")]
fn choose_expiry(session: Session, form: Form<forms::Expiry>) -> Result<Page> {
    Ok(answer(pages::choose_expiry(&session, &form.into_inner().into())?))
}
