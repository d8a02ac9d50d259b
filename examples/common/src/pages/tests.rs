//! The pages, as a browser gets them.

use std::collections::BTreeSet;

use session_core::store::{StoreError, StoreErrorKind};
use session_core::{Error, Session, Sessions, Settings};
use session_memory::MemoryStore;

use super::*;
use crate::shop::session;

fn see(path: &'static str) -> Answer {
    Answer::SeeOther(path.into())
}

/// The page of an answer that must be one, with its status.
#[track_caller]
fn page(answer: Answer) -> (u16, String) {
    match answer {
        Answer::Page { status, html } => (status, html),
        Answer::SeeOther(path) => panic!("a redirect to {path}"),
    }
}

/// Whether the page has this text between the tags of the element of this id.
#[track_caller]
fn assert_says(html: &str, id: &str, text: &str) {
    let at = html.find(&format!("id=\"{id}\"")).unwrap_or_else(|| panic!("no #{id} in {html}"));
    let element = &html[at..];
    let inner = element.split_once('>').unwrap().1.split("</").next().unwrap();
    assert!(inner.contains(text), "#{id} says {inner:?}, not {text:?}");
}

#[track_caller]
fn assert_lacks(html: &str, id: &str) {
    assert!(!html.contains(&format!("id=\"{id}\"")), "there is #{id}");
}

fn register_all(session: &Session) {
    let form = RegisterForm {
        username: "ada".to_owned(),
        email: "ada@example.org".to_owned(),
        street: "12 Marylebone Road".to_owned(),
        postal_code: "NW1".to_owned(),
        city: "London".to_owned(),
        accept: Some("on".to_owned()),
    };
    for step in ["account", "address", "confirm"] {
        assert_eq!(complete_step(session, step, &form).unwrap(), see("/register"));
    }
}

/// Every page, of a visitor who has done something everywhere.
async fn all_pages() -> Vec<String> {
    let session = session();
    let _ = add_to_cart(&session, 3).unwrap();
    sign_in::sign_in(&session, &ada(), Some("Browser")).await.map(drop).unwrap();
    session.save().await.unwrap();
    let mut pages = vec![
        home(&session, None).unwrap(),
        cart(&session).unwrap(),
        sign_in_page(&session).unwrap(),
        comment(&session).unwrap(),
        preferences(&session).unwrap(),
        cookie_test(&session).unwrap(),
        devices(&session).await.unwrap(),
        expiry(&session).unwrap(),
        error(404, "Nothing."),
        page(register_step(&session, "account").unwrap()).1,
    ];
    register_all(&session);
    pages.push(page(register_step(&session, "confirm").unwrap()).1);
    pages.push(page(register(&session).unwrap()).1);
    pages
}

fn ada() -> SignInForm {
    SignInForm { user: "ada".to_owned(), password: "analytical".to_owned() }
}

/// The values of an attribute, wherever it stands.
fn values<'a>(html: &'a str, attribute: &str) -> Vec<&'a str> {
    let start = format!(" {attribute}=\"");
    html.split(&*start).skip(1).map(|rest| rest.split('"').next().unwrap()).collect()
}

#[tokio::test]
async fn every_page_is_whole_and_every_control_can_be_named() {
    for html in all_pages().await {
        assert!(html.starts_with("<!doctype html>") && html.trim_end().ends_with("</html>"));
        assert_eq!(html.matches("<h1").count(), 1, "one heading: {html}");
        let ids = values(&html, "id");
        let distinct: BTreeSet<_> = ids.iter().collect();
        assert_eq!(distinct.len(), ids.len(), "no id twice: {ids:?}");
        for label in values(&html, "for") {
            assert!(ids.contains(&label), "the label of #{label} has its control");
        }
        for tag in ["<button", "<input", "<select", "<textarea"] {
            for control in html.split(tag).skip(1).map(|rest| rest.split('>').next().unwrap()) {
                assert!(control.contains("id=\"") || control.contains("hidden"), "{tag}{control}");
            }
        }
        assert!(!html.contains("<script") && !html.contains("http:") && !html.contains("https:"), "{html}");
    }
}

#[tokio::test]
async fn what_a_visitor_wrote_is_text_and_no_html() {
    let session = session();
    let evil = "<b>\"'&amp;</b>";
    let _ = leave_comment(&session, &CommentForm { text: evil.to_owned() }).unwrap();
    let form = RegisterForm { username: evil.to_owned(), email: "no".to_owned(), ..RegisterForm::default() };
    let (status, register) = page(complete_step(&session, "account", &form).unwrap());
    assert_eq!(status, 422);
    let sign_in_again =
        sign_in(&session, &SignInForm { user: evil.to_owned(), ..ada() }, None).await.unwrap();
    for html in [comment(&session).unwrap(), register, page(sign_in_again).1, error(400, evil)] {
        assert!(html.contains("&#60;b&#62;"), "it is there: {html}");
        assert!(!html.contains("<b>"));
    }
}

#[test]
fn the_cart_is_filled_changed_and_emptied() {
    let session = session();
    assert_says(&cart(&session).unwrap(), "cart-empty", "nothing in it yet");
    assert_eq!(add_to_cart(&session, 2).unwrap(), see("/cart"));
    let form = QuantityForm { quantity: " 3 ".to_owned() };
    assert_eq!(set_quantity(&session, 2, &form).unwrap(), see("/cart"));
    let html = cart(&session).unwrap();
    assert_says(&html, "total", "€72.00");
    assert_says(&html, "cart-count", "3");
    assert_says(&html, "message-1", "Brass pencil is in your cart.");
    assert_lacks(&cart(&session).unwrap(), "message-1");
    for quantity in ["", "many", "-1", "100", "1.5"] {
        let form = QuantityForm { quantity: quantity.to_owned() };
        let (status, html) = page(set_quantity(&session, 2, &form).unwrap());
        assert_eq!(status, 422, "{quantity:?}");
        assert_says(&html, "error", "from 0 to 99");
        assert_says(&html, "cart-count", "3");
    }
    let _ = set_quantity(&session, 2, &QuantityForm { quantity: "0".to_owned() }).unwrap();
    assert_lacks(&cart(&session).unwrap(), "line-2");
    assert_eq!(page(add_to_cart(&session, 99).unwrap()).0, 404);
    assert_eq!(page(set_quantity(&session, 99, &form).unwrap()).0, 404);
}

#[test]
fn the_catalogue_counts_visits_and_has_pages() {
    let session = session();
    assert_says(&home(&session, None).unwrap(), "visits", "1");
    let html = home(&session, Some(0)).unwrap();
    assert_says(&html, "visits", "2");
    assert_lacks(&html, "page-number");
    let form = PreferencesForm { items_per_page: "3".to_owned(), language: "fr".to_owned(), ..light() };
    assert_eq!(set_preferences(&session, &form).unwrap(), see("/preferences"));
    let html = home(&session, Some(3)).unwrap();
    assert_says(&html, "page-number", "Page 3 of 3");
    assert_says(&html, "greeting", "Bienvenue");
    assert_lacks(&html, "page-next");
    assert_lacks(&html, "product-6");
}

fn light() -> PreferencesForm {
    PreferencesForm {
        theme: "light".to_owned(),
        language: "en".to_owned(),
        timezone: "UTC".to_owned(),
        items_per_page: "12".to_owned(),
        ..PreferencesForm::default()
    }
}

#[test]
fn preferences_are_kept_refused_and_reset() {
    let session = session();
    let form = PreferencesForm { sms: Some("on".to_owned()), ..light() };
    let _ = set_preferences(&session, &form).unwrap();
    let html = preferences(&session).unwrap();
    assert!(html.contains("data-theme=\"light\""));
    assert!(html.contains("<option value=\"light\" selected>"));
    assert!(html.contains("name=\"sms\" checked") && !html.contains("name=\"email\" checked"));
    for bad in [PreferencesForm { theme: "pink".to_owned(), ..light() }, PreferencesForm::default()] {
        assert_eq!(page(set_preferences(&session, &bad).unwrap()).0, 422);
    }
    assert_eq!(reset_preferences(&session).unwrap(), see("/preferences"));
    assert!(preferences(&session).unwrap().contains("data-theme=\"system\""));
}

#[tokio::test]
async fn signing_in_and_out_shows() {
    let session = session();
    assert_lacks(&home(&session, None).unwrap(), "account");
    let wrong = SignInForm { password: "guess".to_owned(), ..ada() };
    let (status, html) = page(sign_in(&session, &wrong, None).await.unwrap());
    assert_eq!(status, 422);
    assert_says(&html, "error", "no such user");
    assert!(!html.contains("guess"), "a password is not sent back");
    assert!(!format!("{wrong:?}").contains("guess"));
    assert_eq!(sign_in(&session, &ada(), None).await.unwrap(), see("/"));
    assert_says(&home(&session, None).unwrap(), "account", "ada");
    assert_eq!(sign_out(&session).await.unwrap(), see("/"));
    assert!(session.is_empty(), "signing out begins no new session");
}

#[test]
fn a_second_comment_is_refused() {
    let session = session();
    let say = |text: &str| leave_comment(&session, &CommentForm { text: text.to_owned() }).unwrap();
    let (status, html) = page(say("  "));
    assert_eq!(status, 422);
    assert_says(&html, "error", "1 to 500");
    assert_eq!(say("First."), see("/comment"));
    assert_eq!(say("Second."), see("/comment"));
    let html = comment(&session).unwrap();
    assert_says(&html, "comment", "First.");
    assert_says(&html, "message-2", "You have already commented.");
    assert_lacks(&html, "leave-comment");
}

#[test]
fn registration_goes_step_by_step() {
    let session = session();
    assert_eq!(register(&session).unwrap(), see("/register/account"));
    assert_eq!(register_step(&session, "confirm").unwrap(), see("/register"));
    assert_eq!(page(register_step(&session, "payment").unwrap()).0, 404);
    assert_eq!(page(complete_step(&session, "payment", &RegisterForm::default()).unwrap()).0, 404);

    let early = RegisterForm { accept: Some("on".to_owned()), ..RegisterForm::default() };
    assert_eq!(complete_step(&session, "confirm", &early).unwrap(), see("/register"));
    let (_, html) = page(register_step(&session, "account").unwrap());
    assert_says(&html, "message-1", "One step after the other");
    assert_lacks(&html, "back");

    let (status, html) = page(complete_step(&session, "account", &RegisterForm::default()).unwrap());
    assert_eq!(status, 422);
    assert_says(&html, "username-error", "call you");

    register_all(&session);
    let (_, html) = page(register(&session).unwrap());
    assert_says(&html, "registered-email", "ada@example.org");
    assert_says(&html, "registered-city", "NW1 London");
    assert_says(&html, "message-1", "You are registered.");
}

#[test]
fn going_back_shows_what_was_entered() {
    let session = session();
    let form = RegisterForm {
        username: "ada".to_owned(),
        email: "ada@example.org".to_owned(),
        ..RegisterForm::default()
    };
    let _ = complete_step(&session, "account", &form).unwrap();
    assert_eq!(register(&session).unwrap(), see("/register/address"));
    let (_, html) = page(register_step(&session, "account").unwrap());
    assert!(html.contains("value=\"ada@example.org\""));
    assert_eq!(register(&session).unwrap(), see("/register/account"));
    let (status, html) = page(complete_step(&session, "address", &RegisterForm::default()).unwrap());
    assert_eq!(status, 422);
    assert_says(&html, "city-error", "needs this");
}

#[test]
fn the_last_step_wants_a_tick() {
    let session = session();
    register_all(&session);
    let (status, html) = page(complete_step(&session, "confirm", &RegisterForm::default()).unwrap());
    assert_eq!(status, 422);
    assert_says(&html, "error", "Tick the box");
    assert_says(&html, "registered-username", "ada");
}

#[test]
fn the_cookie_comes_back_or_does_not() {
    let session = session();
    let (status, html) = page(check_cookie_test(&session).unwrap());
    assert_eq!(status, 200);
    assert_says(&html, "error", "did not bring the cookie back");
    cookie_test(&session).unwrap();
    assert_eq!(check_cookie_test(&session).unwrap(), see("/cookie-test"));
    assert_says(&cookie_test(&session).unwrap(), "message-1", "takes cookies");
}

#[tokio::test]
async fn devices_are_listed_and_signed_out() {
    let sessions = Sessions::new(MemoryStore::new(), Settings::default()).unwrap();
    let (laptop, phone) = (sessions.create(), sessions.create());
    assert_says(&devices(&laptop).await.unwrap(), "devices-anonymous", "<a id=\"devices-sign-in\"");
    for (session, browser) in [(&laptop, "Laptop & Co"), (&phone, "Phone")] {
        sign_in(session, &ada(), Some(browser)).await.map(drop).unwrap();
        session.save().await.unwrap();
    }
    let html = devices(&laptop).await.unwrap();
    assert!(html.contains("Laptop &#38; Co") && html.contains("Phone"));
    let (own, others) = (laptop.session_key().unwrap(), phone.session_key().unwrap());
    assert_lacks(&html, &format!("revoke-{own}"));
    assert_says(&html, &format!("revoke-{others}"), "Sign out");

    assert_eq!(revoke(&laptop, others.as_str()).await.unwrap(), see("/devices"));
    assert_eq!(revoke(&laptop, others.as_str()).await.unwrap(), see("/devices"));
    assert_eq!(revoke_others(&laptop).await.unwrap(), see("/devices"));
    let html = devices(&laptop).await.unwrap();
    assert_lacks(&html, &format!("device-{others}"));
    assert_says(&html, "message-1", "That device is signed out.");
    assert_says(&html, "message-2", "not signed in any more");
    assert_says(&html, "message-3", "No other device");

    assert_eq!(revoke(&laptop, own.as_str()).await.unwrap(), see("/devices"));
    assert!(laptop.is_empty(), "revoking one's own session is signing out");
}

#[test]
fn the_expiry_is_chosen_and_told() {
    let session = session();
    let choose = |name: &str| choose_expiry(&session, &ExpiryForm { choice: name.to_owned() }).unwrap();
    assert_eq!(choose("five-minutes"), see("/expiry"));
    let html = expiry(&session).unwrap();
    assert_says(&html, "expiry-age", "300");
    assert_says(&html, "expiry-date", "2023-11-14 22:18 UTC");
    assert!(html.contains("value=\"five-minutes\" checked"));
    assert_eq!(choose("browser-close"), see("/expiry"));
    assert_says(&expiry(&session).unwrap(), "expiry-close", "it ends");
    assert_eq!(choose("default"), see("/expiry"));
    assert_says(&expiry(&session).unwrap(), "expiry-age", "1209600");
    assert_eq!(page(choose("for-ever")).0, 422);
}

#[test]
fn errors_have_their_status_and_say_no_more_than_they_must() {
    let outage = Error::from(StoreError::new(StoreErrorKind::Unavailable, "10.0.0.7 refused"));
    let (status, html) = page(session_error(&outage));
    assert_eq!(status, 503);
    assert_says(&html, "error", "not lost");
    assert!(!html.contains("10.0.0.7"));
    assert_eq!(page(session_error(&Error::Interrupted)).0, 400);
    assert_eq!(page(session_error(&Error::Conflict)).0, 409);
}
