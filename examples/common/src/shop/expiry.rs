//! How long a visitor wants to be remembered.

use std::time::Duration;

use session_core::{Expiry, Result, Session};

const FIVE_MINUTES: Duration = Duration::from_mins(5);

/// What may be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a page must handle each")]
pub enum Choice {
    /// Five minutes after the last change.
    FiveMinutes,
    /// Until the browser is closed.
    BrowserClose,
    /// What the settings say.
    Default,
}

impl Choice {
    /// All of them.
    pub const ALL: [Choice; 3] = [Choice::FiveMinutes, Choice::BrowserClose, Choice::Default];

    /// The name in a form.
    pub fn name(self) -> &'static str {
        match self {
            Self::FiveMinutes => "five-minutes",
            Self::BrowserClose => "browser-close",
            Self::Default => "default",
        }
    }

    /// What the visitor reads.
    pub fn label(self) -> &'static str {
        match self {
            Self::FiveMinutes => "Five minutes after my last change",
            Self::BrowserClose => "Until I close the browser",
            Self::Default => "As long as the shop usually does",
        }
    }

    /// The choice of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|choice| choice.name() == name)
    }
}

/// What this session has chosen.
pub fn chosen(session: &Session) -> Choice {
    match session.expiry() {
        Some(Expiry::Inactivity(FIVE_MINUTES)) => Choice::FiveMinutes,
        Some(Expiry::BrowserClose) => Choice::BrowserClose,
        _ => Choice::Default,
    }
}

/// Chooses.
pub fn choose(session: &Session, choice: Choice) -> Result<()> {
    session.set_expiry(match choice {
        Choice::FiveMinutes => Some(Expiry::Inactivity(FIVE_MINUTES)),
        Choice::BrowserClose => Some(Expiry::BrowserClose),
        Choice::Default => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_choice_is_kept_and_has_its_name() {
        let session = crate::shop::session();
        for choice in Choice::ALL {
            choose(&session, choice).unwrap();
            assert_eq!(chosen(&session), choice);
            assert_eq!(Choice::from_name(choice.name()), Some(choice));
        }
        assert_eq!(Choice::from_name("for-ever"), None);
    }
}
