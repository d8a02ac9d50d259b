//! Where an account is signed in.

use askama::Template;
use session_core::patterns::Level;
use session_core::{Error, Result, Session, SessionInfo};

use super::answer::Answer;
use super::frame::{Frame, render, say};
use crate::shop::preferences::Chosen;
use crate::shop::{browser, sign_in};

#[derive(Template)]
#[template(path = "devices.html")]
struct Devices {
    frame: Frame,
    /// `None` where the store cannot tell.
    devices: Option<Vec<Device>>,
}

struct Device {
    handle: String,
    browser: String,
    created: String,
    last_active: String,
    expires: String,
    current: bool,
}

impl Device {
    fn new(info: &SessionInfo, preferences: &Chosen) -> Self {
        let date = |at: session_core::Time| preferences.date(at.to_datetime());
        Self {
            handle: info.handle.to_string(),
            browser: browser::name(sign_in::browser(info)),
            created: date(info.created),
            last_active: date(info.last_active),
            expires: date(info.expires),
            current: info.current,
        }
    }
}

/// `GET /devices`: the sessions of this account.
pub async fn devices(session: &Session) -> Result<String> {
    let infos = match sign_in::devices(session).await {
        Ok(infos) => Some(infos),
        Err(Error::Unsupported(_)) => None,
        Err(error) => return Err(error),
    };
    let frame = Frame::of(session, "/devices")?;
    let device = |info: &SessionInfo| Device::new(info, &frame.preferences);
    let devices = infos.map(|infos| infos.iter().map(device).collect());
    Ok(render(&Devices { frame, devices }))
}

/// `POST /devices/revoke/{handle}`: ends a session of this account. Another account's is as if it were not there.
pub async fn revoke(session: &Session, handle: &str) -> Result<Answer> {
    if sign_in::revoke(session, handle).await? {
        // Its own session: that was signing out, and leaves nothing to keep a message in.
        if session.account().is_some() {
            say(session, Level::Success, "That device is signed out.")?;
        }
    } else {
        say(session, Level::Warning, "That device is not signed in any more.")?;
    }
    Ok(Answer::see("/devices"))
}

/// `POST /devices/revoke-others`: ends all other sessions of this account.
pub async fn revoke_others(session: &Session) -> Result<Answer> {
    let text = match session.revoke_others().await? {
        0 => "No other device is signed in.".to_owned(),
        1 => "One other device is signed out.".to_owned(),
        n => format!("{n} other devices are signed out."),
    };
    say(session, Level::Success, text)?;
    Ok(Answer::see("/devices"))
}
