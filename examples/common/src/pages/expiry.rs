//! How long a visitor wants to be remembered.

use askama::Template;
use serde::Deserialize;
use session_core::patterns::Level;
use session_core::{Result, Session};

use super::answer::Answer;
use super::frame::{Frame, render, say};
use crate::shop::expiry::{Choice, choose, chosen};

#[derive(Template)]
#[template(path = "expiry.html")]
struct Expiry {
    frame: Frame,
    chosen: Choice,
    age: u64,
    date: String,
    closes: bool,
    error: Option<&'static str>,
}

/// `GET /expiry`.
pub fn expiry(session: &Session) -> Result<String> {
    page(session, None)
}

fn page(session: &Session, error: Option<&'static str>) -> Result<String> {
    let frame = Frame::of(session, "/expiry")?;
    Ok(render(&Expiry {
        chosen: chosen(session),
        age: session.expiry_age().as_secs(),
        date: frame.preferences.date(session.expiry_date()),
        closes: session.expires_at_browser_close(),
        frame,
        error,
    }))
}

/// What `POST /expiry` sends.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[expect(clippy::exhaustive_structs, reason = "a framework that has its own forms makes this from them")]
pub struct ExpiryForm {
    /// `five-minutes`, `browser-close` or `default`.
    pub choice: String,
}

/// `POST /expiry`: chooses how long the session lasts.
pub fn choose_expiry(session: &Session, form: &ExpiryForm) -> Result<Answer> {
    let Some(choice) = Choice::from_name(&form.choice) else {
        return Ok(Answer::unfit(page(session, Some("Choose one of the three."))?));
    };
    choose(session, choice)?;
    say(session, Level::Success, "The shop has noted how long to remember you.")?;
    Ok(Answer::see("/expiry"))
}
