//! Messages for the next page.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::key::Key;
use crate::session::Session;

const MESSAGES: Key<Vec<Message>> = Key::new("flash");

/// Messages that are shown once: pushed by the request that does something, taken by the page that comes after it.
///
/// ```
/// # use session_core::{Sessions, Settings};
/// # let session = Sessions::new(session_memory::MemoryStore::new(), Settings::default())?.create();
/// use session_core::patterns::{Flash, Level};
///
/// let flash = Flash::new(&session);
/// flash.push(Level::Success, "Your order is on its way.")?;
///
/// let messages = flash.take_all()?;
/// assert_eq!(messages[0].text, "Your order is on its way.");
/// assert!(flash.take_all()?.is_empty(), "once");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// They are kept under the key `flash`. Two pages that are loaded at the same moment may both show a message, because neither
/// has seen the other; but none is lost.
#[derive(Clone, Debug)]
pub struct Flash {
    session: Session,
}

impl Flash {
    /// How many messages wait at most; of more, the oldest go. A visitor who posts forms and never looks at a page must not
    /// fill the store.
    pub const LIMIT: usize = 50;

    /// The messages of this session.
    pub fn new(session: &Session) -> Self {
        Self { session: session.clone() }
    }

    /// Adds a message. The text is plain: escape it where it is shown, as everything else.
    ///
    /// ```
    /// # use session_core::{Sessions, Settings};
    /// # let session = Sessions::new(session_memory::MemoryStore::new(), Settings::default())?.create();
    /// use session_core::patterns::{Flash, Level};
    ///
    /// Flash::new(&session).push(Level::Error, format!("There is no product {}.", 7))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn push(&self, level: Level, text: impl Into<String>) -> Result<()> {
        let message = Message { level, text: text.into() };
        self.session.update(MESSAGES, move |messages| {
            messages.push(message.clone());
            let surplus = messages.len().saturating_sub(Self::LIMIT);
            messages.drain(..surplus);
        })
    }

    /// All messages, the oldest first, which are gone then. Where there are none, nothing is changed, so a page may always
    /// ask.
    ///
    /// ```
    /// # use session_core::{Sessions, Settings};
    /// # let session = Sessions::new(session_memory::MemoryStore::new(), Settings::default())?.create();
    /// use session_core::patterns::Flash;
    ///
    /// assert!(Flash::new(&session).take_all()?.is_empty());
    /// assert!(!session.is_modified(), "so the page costs no write");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn take_all(&self) -> Result<Vec<Message>> {
        let taken = self.session.get(MESSAGES)?.unwrap_or_default();
        if !taken.is_empty() {
            // Not a removal of the key: that would take along what another request pushes meanwhile.
            let shown = taken.clone();
            self.session.update(MESSAGES, move |messages| {
                for message in &shown {
                    if let Some(at) = messages.iter().position(|waiting| waiting == message) {
                        messages.remove(at);
                    }
                }
            })?;
        }
        Ok(taken)
    }
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Message {
    /// How it is meant.
    pub level: Level,
    /// What it says.
    pub text: String,
}

/// How a message is meant. As text (`Display`, JSON) it is the name in lower case, which does for a CSS class.
///
/// ```
/// use session_core::patterns::Level;
///
/// assert_eq!(Level::Warning.to_string(), "warning");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Level {
    /// Something to know.
    Info,
    /// What was asked for is done.
    Success,
    /// It is done, but something should be looked at.
    Warning,
    /// It is not done.
    Error,
}

impl Level {
    /// The level's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Success => "success",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
