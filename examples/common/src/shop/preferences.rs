//! A visitor's preferences: what may be chosen, and what was.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use session_core::patterns::{PreferenceError, Preferences};
use session_core::{Error, Result, Session};
use time::{OffsetDateTime, UtcOffset};

/// What a visitor has chosen, or else the defaults.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chosen {
    /// One of [`THEMES`].
    pub theme: String,
    /// One of [`LANGUAGES`]: in which the visitor is greeted.
    pub language: String,
    /// One of [`TIMEZONES`]: in which dates are shown.
    pub timezone: String,
    /// One of [`PAGE_SIZES`]: how much of the catalogue is on a page.
    pub items_per_page: usize,
    /// Which notifications are wanted.
    pub notifications: Notifications,
}

/// Which notifications are wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notifications {
    /// By e-mail.
    pub email: bool,
    /// In the browser.
    pub push: bool,
    /// To the phone.
    pub sms: bool,
}

/// Themes, with what they are called.
pub const THEMES: [(&str, &str); 3] = [("system", "As the device"), ("light", "Light"), ("dark", "Dark")];

/// Languages, with their own names.
pub const LANGUAGES: [(&str, &str); 4] =
    [("en", "English"), ("de", "Deutsch"), ("es", "Español"), ("fr", "Français")];

/// Distances from UTC, with what they are in minutes.
pub const TIMEZONES: [(&str, i32); 6] = [
    ("UTC-08:00", -480),
    ("UTC-05:00", -300),
    ("UTC", 0),
    ("UTC+01:00", 60),
    ("UTC+05:30", 330),
    ("UTC+09:00", 540),
];

/// How many products may be on a page.
pub const PAGE_SIZES: [usize; 3] = [3, 6, 12];

impl Default for Chosen {
    fn default() -> Self {
        Self {
            theme: "system".to_owned(),
            language: "en".to_owned(),
            timezone: "UTC".to_owned(),
            items_per_page: 12,
            notifications: Notifications { email: true, push: false, sms: false },
        }
    }
}

impl Chosen {
    /// Whether each is one of those that are offered: a form may come from anywhere.
    pub fn is_offered(&self) -> bool {
        THEMES.iter().any(|(name, _)| *name == self.theme)
            && LANGUAGES.iter().any(|(name, _)| *name == self.language)
            && TIMEZONES.iter().any(|(name, _)| *name == self.timezone)
            && PAGE_SIZES.contains(&self.items_per_page)
    }

    /// A word of welcome.
    pub fn greeting(&self) -> &'static str {
        match &*self.language {
            "de" => "Willkommen",
            "es" => "Te damos la bienvenida",
            "fr" => "Bienvenue",
            _ => "Welcome",
        }
    }

    /// A date in the timezone, to the minute.
    pub fn date(&self, at: OffsetDateTime) -> String {
        let minutes =
            TIMEZONES.iter().find(|(name, _)| *name == self.timezone).map_or(0, |(_, minutes)| *minutes);
        let offset = UtcOffset::from_whole_seconds(minutes * 60).unwrap_or(UtcOffset::UTC);
        // A date near the calendar's end has none in another zone; UTC is right there too.
        let at = at.checked_to_offset(offset).unwrap_or(at);
        format!("{} {:02}:{:02} {}", at.date(), at.hour(), at.minute(), self.timezone)
    }
}

/// What this visitor has chosen.
pub fn chosen(session: &Session) -> Result<Chosen> {
    let all = preferences(session)?.all().map_err(session_error)?;
    serde_json::from_value(all).map_err(|_| misfit())
}

/// Keeps a choice: what differs from the defaults. It has to be [offered](Chosen::is_offered).
pub fn choose(session: &Session, chosen: &Chosen) -> Result<()> {
    preferences(session)?.set_all(chosen).map_err(session_error)
}

/// Goes back to the defaults.
pub fn reset(session: &Session) -> Result<()> {
    preferences(session)?.reset();
    Ok(())
}

fn preferences(session: &Session) -> Result<Preferences> {
    let defaults: Value = serde_json::to_value(Chosen::default()).map_err(|_| misfit())?;
    Ok(Preferences::new(session, defaults))
}

fn session_error(error: PreferenceError) -> Error {
    match error {
        PreferenceError::Session(error) => error,
        _ => misfit(),
    }
}

/// What is stored has the types of the defaults, but not their ranges: half a page, say. Nothing here writes that.
fn misfit() -> Error {
    Error::WrongType { key: "preferences".to_owned(), expected: std::any::type_name::<Chosen>() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_kept_and_taken_back() {
        let session = crate::shop::session();
        let mut choice = chosen(&session).unwrap();
        assert_eq!(choice, Chosen::default());
        choice.theme = "dark".to_owned();
        choice.notifications.sms = true;
        choose(&session, &choice).unwrap();
        assert_eq!(chosen(&session).unwrap(), choice);
        reset(&session).unwrap();
        assert_eq!(chosen(&session).unwrap(), Chosen::default());
    }

    #[test]
    fn what_is_not_offered_is_found_out() {
        let default = Chosen::default();
        assert!(default.is_offered());
        let others = [
            Chosen { theme: "pink".to_owned(), ..default.clone() },
            Chosen { language: String::new(), ..default.clone() },
            Chosen { timezone: "UTC+99:00".to_owned(), ..default.clone() },
            Chosen { items_per_page: 7, ..default },
        ];
        assert!(others.iter().all(|choice| !choice.is_offered()));
    }

    #[test]
    fn dates_are_shown_in_the_chosen_zone() {
        let at = OffsetDateTime::from_unix_timestamp(1_700_000_000).unwrap();
        let mut choice = Chosen::default();
        assert_eq!(choice.date(at), "2023-11-14 22:13 UTC");
        choice.timezone = "UTC+05:30".to_owned();
        assert_eq!(choice.date(at), "2023-11-15 03:43 UTC+05:30");
    }
}
