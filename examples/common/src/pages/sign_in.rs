//! Signing in and out.

use std::fmt;

use askama::Template;
use serde::Deserialize;
use session_core::patterns::Level;
use session_core::{Result, Session};

use super::answer::Answer;
use super::field::Field;
use super::frame::{Frame, render, say};
use crate::shop::sign_in::{self, USERS, User};

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignIn {
    frame: Frame,
    fields: [Field; 2],
    users: &'static [User],
    error: Option<&'static str>,
}

/// `GET /sign-in`.
pub fn sign_in_page(session: &Session) -> Result<String> {
    page(session, "", None)
}

fn page(session: &Session, user: &str, error: Option<&'static str>) -> Result<String> {
    let fields = [
        Field::text("user", "Name", "username", user),
        Field::text("password", "Password", "current-password", "").of_kind("password"),
    ];
    Ok(render(&SignIn { frame: Frame::of(session, "/sign-in")?, fields, users: &USERS, error }))
}

/// What `POST /sign-in` sends. Its `Debug` does not show the password.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
#[expect(clippy::exhaustive_structs, reason = "a framework that has its own forms makes this from them")]
pub struct SignInForm {
    /// The user's name.
    pub user: String,
    /// The password.
    pub password: String,
}

impl fmt::Debug for SignInForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignInForm").field("user", &self.user).finish_non_exhaustive()
    }
}

/// `POST /sign-in`: signs in, where name and password are right. The `User-Agent` header is noted for the list of devices.
pub async fn sign_in(session: &Session, form: &SignInForm, user_agent: Option<&str>) -> Result<Answer> {
    if !sign_in::sign_in(session, form.user.trim(), &form.password, user_agent).await? {
        let error = "There is no such user, or the password is another.";
        return Ok(Answer::unfit(page(session, &form.user, Some(error))?));
    }
    say(session, Level::Success, format!("You are signed in as {}.", form.user.trim()))?;
    Ok(Answer::see("/"))
}

/// `POST /sign-out`: ends the session. No message is left: that would begin another one.
pub async fn sign_out(session: &Session) -> Result<Answer> {
    sign_in::sign_out(session).await?;
    Ok(Answer::see("/"))
}
