//! What a handler answers.

use std::borrow::Cow;

/// What a handler answers: each framework's binary turns it into its response, in one place.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "this is the response"]
#[expect(clippy::exhaustive_enums, reason = "a binary must answer each")]
pub enum Answer {
    /// 303 to this path: the browser asks for it with a `GET`, so that reloading the page does not post again.
    SeeOther(Cow<'static, str>),
    /// A page, `text/html; charset=utf-8`.
    Page {
        /// The HTTP status.
        status: u16,
        /// The HTML.
        html: String,
    },
}

impl Answer {
    pub(crate) fn see(path: &'static str) -> Self {
        Self::SeeOther(path.into())
    }

    pub(crate) fn ok(html: String) -> Self {
        Self::Page { status: 200, html }
    }

    /// The page with the form again, and what is wrong with what was sent.
    pub(crate) fn unfit(html: String) -> Self {
        Self::Page { status: 422, html }
    }

    pub(crate) fn not_found(what: &str) -> Self {
        Self::Page { status: 404, html: super::error(404, what) }
    }
}
