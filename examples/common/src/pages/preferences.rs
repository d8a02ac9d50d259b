//! A visitor's preferences.

use askama::Template;
use serde::Deserialize;
use session_core::patterns::Level;
use session_core::{Result, Session};

use super::answer::Answer;
use super::field::{Choice, Tick};
use super::frame::{Frame, render, say};
use crate::shop::preferences::{
    Chosen, LANGUAGES, Notifications, PAGE_SIZES, THEMES, TIMEZONES, choose, chosen, reset,
};

#[derive(Template)]
#[template(path = "preferences.html")]
struct Preferences {
    frame: Frame,
    choices: [Choice; 4],
    ticks: [Tick; 3],
    error: Option<&'static str>,
}

/// `GET /preferences`.
pub fn preferences(session: &Session) -> Result<String> {
    page(session, None)
}

fn page(session: &Session, error: Option<&'static str>) -> Result<String> {
    let frame = Frame::of(session, "/preferences")?;
    let Chosen { theme, language, timezone, items_per_page, notifications } = chosen(session)?;
    let named = |(name, label): (&str, &str)| (name.to_owned(), label.to_owned());
    let sizes = PAGE_SIZES.map(|size| (size.to_string(), size.to_string()));
    let choices = [
        Choice::new("theme", "Theme", THEMES.map(named), &theme),
        Choice::new("language", "Greeting", LANGUAGES.map(named), &language),
        Choice::new("timezone", "Dates in", TIMEZONES.map(|(name, _)| named((name, name))), &timezone),
        Choice::new("items_per_page", "Products per page", sizes, &items_per_page.to_string()),
    ];
    let ticks = [
        Tick { name: "email", label: "E-mail", ticked: notifications.email },
        Tick { name: "push", label: "Browser", ticked: notifications.push },
        Tick { name: "sms", label: "Text message", ticked: notifications.sms },
    ];
    Ok(render(&Preferences { frame, choices, ticks, error }))
}

/// What `POST /preferences` sends. A box that is not ticked is not sent.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[expect(clippy::exhaustive_structs, reason = "a framework that has its own forms makes this from them")]
pub struct PreferencesForm {
    /// The theme.
    pub theme: String,
    /// The language.
    pub language: String,
    /// The timezone.
    pub timezone: String,
    /// How many products are on a page.
    pub items_per_page: String,
    /// Notifications by e-mail.
    pub email: Option<String>,
    /// Notifications in the browser.
    pub push: Option<String>,
    /// Notifications to the phone.
    pub sms: Option<String>,
}

/// `POST /preferences`: keeps them, if each is offered.
pub fn set_preferences(session: &Session, form: &PreferencesForm) -> Result<Answer> {
    let chosen = Chosen {
        theme: form.theme.clone(),
        language: form.language.clone(),
        timezone: form.timezone.clone(),
        items_per_page: form.items_per_page.parse().unwrap_or_default(),
        notifications: Notifications {
            email: form.email.is_some(),
            push: form.push.is_some(),
            sms: form.sms.is_some(),
        },
    };
    if !chosen.is_offered() {
        return Ok(Answer::unfit(page(session, Some("Choose from what each list offers."))?));
    }
    choose(session, &chosen)?;
    say(session, Level::Success, "Your preferences are kept.")?;
    Ok(Answer::see("/preferences"))
}

/// `POST /preferences/reset`: back to the defaults.
pub fn reset_preferences(session: &Session) -> Result<Answer> {
    reset(session)?;
    say(session, Level::Info, "Your preferences are as they were at first.")?;
    Ok(Answer::see("/preferences"))
}
