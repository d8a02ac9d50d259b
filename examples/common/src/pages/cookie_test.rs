//! Does the browser take cookies?

use askama::Template;
use session_core::patterns::Level;
use session_core::{Result, Session};

use super::answer::Answer;
use super::frame::{Frame, render, say};

#[derive(Template)]
#[template(path = "cookie_test.html")]
struct CookieTest {
    frame: Frame,
    error: Option<&'static str>,
}

/// `GET /cookie-test`: sets the test value, and has a button to see whether it comes back.
pub fn cookie_test(session: &Session) -> Result<String> {
    session.set_test_cookie()?;
    page(session, None)
}

fn page(session: &Session, error: Option<&'static str>) -> Result<String> {
    Ok(render(&CookieTest { frame: Frame::of(session, "/cookie-test")?, error }))
}

/// `POST /cookie-test`: whether the value has come back. Where it has not, a redirect would forget to say so: it needs the
/// cookie too.
pub fn check_cookie_test(session: &Session) -> Result<Answer> {
    if !session.test_cookie_worked() {
        session.set_test_cookie()?;
        let error = "Your browser did not bring the cookie back. Allow cookies for this site, and try again.";
        return Ok(Answer::ok(page(session, Some(error))?));
    }
    session.delete_test_cookie();
    say(session, Level::Success, "Your browser takes cookies.")?;
    Ok(Answer::see("/cookie-test"))
}
