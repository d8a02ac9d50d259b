//! One comment per visitor.

use askama::Template;
use serde::Deserialize;
use session_core::patterns::Level;
use session_core::{Result, Session};

use super::answer::Answer;
use super::frame::{Frame, render, say};
use crate::shop::comment::{MAX_LENGTH, Outcome, leave, left};

#[derive(Template)]
#[template(path = "comment.html")]
struct Comment {
    frame: Frame,
    left: Option<String>,
    text: String,
    error: Option<String>,
}

/// `GET /comment`: the form, or what this visitor has commented.
pub fn comment(session: &Session) -> Result<String> {
    page(session, String::new(), None)
}

fn page(session: &Session, text: String, error: Option<String>) -> Result<String> {
    Ok(render(&Comment { frame: Frame::of(session, "/comment")?, left: left(session)?, text, error }))
}

/// What `POST /comment` sends.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[expect(clippy::exhaustive_structs, reason = "a framework that has its own forms makes this from them")]
pub struct CommentForm {
    /// The comment.
    pub text: String,
}

/// `POST /comment`: leaves a comment, once.
pub fn leave_comment(session: &Session, form: &CommentForm) -> Result<Answer> {
    match leave(session, &form.text)? {
        Outcome::Left => {
            say(session, Level::Success, "Thank you for your comment.")?;
            Ok(Answer::see("/comment"))
        }
        Outcome::Already => {
            say(session, Level::Warning, "You have already commented.")?;
            Ok(Answer::see("/comment"))
        }
        Outcome::Unfit => {
            let error = format!("A comment has 1 to {MAX_LENGTH} characters.");
            Ok(Answer::unfit(page(session, form.text.clone(), Some(error))?))
        }
    }
}
