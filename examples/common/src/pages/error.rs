//! When something went wrong.

use askama::Template;
use session_core::Error;

use super::answer::Answer;
use super::frame::{Frame, render};

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    frame: Frame,
    status: u16,
    title: &'static str,
    message: &'a str,
}

/// A page for an error. It asks no session: that may be what failed.
pub fn error(status: u16, message: &str) -> String {
    let title = match status {
        404 => "There is nothing here",
        400..500 => "That did not work",
        503 => "Please come back in a moment",
        _ => "Something went wrong",
    };
    render(&ErrorPage { frame: Frame::plain(), status, title, message })
}

/// The page for an error of the session, with its status.
pub fn session_error(cause: &Error) -> Answer {
    let status = cause.status();
    let message = match (cause, status) {
        (_, 503) => "The shop cannot reach your session just now. It is not lost: try again in a moment.",
        (Error::Interrupted, _) => {
            "You have signed in or out elsewhere meanwhile. Go back to the shop and try again."
        }
        (_, 409) => "Another tab was faster. Go back, look at the page again, and repeat.",
        (_, 413) => "There is no room for that in your session.",
        (_, 501) => "The store of this shop's sessions cannot do that.",
        _ => "The error is ours, not yours.",
    };
    Answer::Page { status, html: error(status, message) }
}
