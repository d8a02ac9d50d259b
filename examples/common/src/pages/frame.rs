//! What is around every page.

use askama::Template;
use session_core::patterns::{Flash, Level, Message};
use session_core::{Result, Session};

use crate::shop::cart;
use crate::shop::preferences::{Chosen, chosen};

/// What is around every page: theme, navigation, messages.
pub(super) struct Frame {
    pub(super) preferences: Chosen,
    pub(super) account: Option<String>,
    pub(super) cart_count: u64,
    /// Shown once: they are taken from the session for this page.
    pub(super) messages: Vec<Message>,
    /// The page's path, to mark it in the navigation.
    pub(super) path: &'static str,
}

impl Frame {
    pub(super) fn of(session: &Session, path: &'static str) -> Result<Self> {
        Ok(Self {
            preferences: chosen(session)?,
            account: session.account(),
            cart_count: cart::contents(session)?.count(),
            messages: Flash::new(session).take_all()?,
            path,
        })
    }

    /// Of a page that knows no session: an error's, which may be that there is none.
    pub(super) fn plain() -> Self {
        Self { preferences: Chosen::default(), account: None, cart_count: 0, messages: Vec::new(), path: "" }
    }

    pub(super) fn links(&self) -> Vec<Link> {
        LINKS.iter().map(|(id, path, label)| Link { id, path, label, current: *path == self.path }).collect()
    }
}

/// A link of the navigation.
pub(super) struct Link {
    pub(super) id: &'static str,
    pub(super) path: &'static str,
    pub(super) label: &'static str,
    pub(super) current: bool,
}

const LINKS: [(&str, &str, &str); 7] = [
    ("nav-home", "/", "Catalogue"),
    ("nav-comment", "/comment", "Comment"),
    ("nav-register", "/register", "Register"),
    ("nav-preferences", "/preferences", "Preferences"),
    ("nav-devices", "/devices", "Devices"),
    ("nav-expiry", "/expiry", "Expiry"),
    ("nav-cookie-test", "/cookie-test", "Cookie test"),
];

/// Adds a message for the next page.
pub(super) fn say(session: &Session, level: Level, text: impl Into<String>) -> Result<()> {
    Flash::new(session).push(level, text)
}

/// The page's HTML.
pub(super) fn render(page: &impl Template) -> String {
    page.render().expect("writing text into a String does not fail, and no template here calls what could")
}
