//! When a session ends.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Time;
use crate::settings::Settings;

/// A session's own expiry, in place of the settings' (Django's `set_expiry`). It lasts: later requests keep it, until it is
/// set again, or taken back with `set_expiry(None)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Expiry {
    /// This long after the last activity (the last write; with an idle timeout, the last use). Zero means
    /// [`Expiry::BrowserClose`], as in Django (D32).
    Inactivity(Duration),
    /// At this moment, whatever happens until then. A moment that has passed ends the session at the end of the request.
    At(Time),
    /// When the browser is closed: the cookie has no `Max-Age`. The server forgets the session after the settings' age.
    BrowserClose,
}

/// The dates of a record that decide when it ends, and the settings that made them: one place that both the cookie's
/// `Max-Age` and the record's deadline are computed from, so that they never disagree.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadlines<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) own: Option<Expiry>,
    pub(crate) absolute_at: Option<Time>,
}

impl Deadlines<'_> {
    /// How long a session lasts without activity.
    pub(crate) fn window(&self) -> Duration {
        match self.own {
            Some(Expiry::Inactivity(age)) if !age.is_zero() => age,
            _ => self.settings.idle_timeout.unwrap_or(self.settings.cookie_age),
        }
    }

    /// The deadline of a session that is active now.
    pub(crate) fn expires_at(&self, now: Time) -> Time {
        let at = match self.own {
            Some(Expiry::At(at)) => at,
            _ => now + self.window(),
        };
        self.absolute_at.map_or(at, |absolute| at.min(absolute))
    }

    /// Whether the cookie goes with the browser.
    pub(crate) fn at_browser_close(&self) -> bool {
        match self.own {
            None => self.settings.expire_at_browser_close,
            Some(Expiry::BrowserClose) => true,
            Some(Expiry::Inactivity(age)) => age.is_zero(),
            Some(Expiry::At(_)) => false,
        }
    }

    /// Whether a use that changed nothing must be recorded: only where use counts as activity, and where the deadline moves by
    /// a tenth of the window, so that reading stays reading.
    pub(crate) fn touch_due(&self, expires_at: Time, now: Time) -> bool {
        let moves_to = self.expires_at(now);
        let moves_by = moves_to.since(expires_at).max(expires_at.since(moves_to));
        self.settings.idle_timeout.is_some() && !moves_by.is_zero() && moves_by >= self.window() / 10
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time::from_millis(1_000_000);
    const MINUTE: Duration = Duration::from_secs(60);

    fn with(settings: &Settings, own: Option<Expiry>) -> Deadlines<'_> {
        Deadlines { settings, own, absolute_at: None }
    }

    #[test]
    fn the_settings_age_is_the_default_and_an_override_goes_before_it() {
        let settings = Settings::default().with_cookie_age(10 * MINUTE);
        assert_eq!(with(&settings, None).expires_at(NOW), NOW + 10 * MINUTE);
        assert_eq!(with(&settings, Some(Expiry::Inactivity(MINUTE))).expires_at(NOW), NOW + MINUTE);
        assert_eq!(with(&settings, Some(Expiry::At(NOW + MINUTE))).expires_at(NOW), NOW + MINUTE);
        assert_eq!(with(&settings, Some(Expiry::BrowserClose)).expires_at(NOW), NOW + 10 * MINUTE);
    }

    /// D32, D38: zero seconds is "until the browser closes", and an override decides alone.
    #[test]
    fn browser_close_is_the_settings_or_the_override() {
        let closes = Settings::default().with_expire_at_browser_close(true);
        assert!(with(&closes, None).at_browser_close());
        assert!(!with(&closes, Some(Expiry::Inactivity(MINUTE))).at_browser_close());
        assert!(with(&Settings::default(), Some(Expiry::Inactivity(Duration::ZERO))).at_browser_close());
    }

    /// C17: no override outlives the absolute timeout.
    #[test]
    fn the_absolute_timeout_caps_every_deadline() {
        let settings = Settings::default();
        let own = Some(Expiry::At(NOW + 50 * MINUTE));
        let capped = Deadlines { settings: &settings, own, absolute_at: Some(NOW + MINUTE) };
        assert_eq!(capped.expires_at(NOW), NOW + MINUTE);
    }

    #[test]
    fn a_touch_is_due_once_per_tenth_of_the_idle_timeout() {
        let settings = Settings::default().with_idle_timeout(Some(10 * MINUTE));
        let deadlines = with(&settings, None);
        let deadline = NOW + 10 * MINUTE;
        assert!(!deadlines.touch_due(deadline, NOW + Duration::from_secs(59)));
        assert!(deadlines.touch_due(deadline, NOW + MINUTE));
        assert!(deadlines.touch_due(deadline + 60 * MINUTE, NOW), "the settings were shortened meanwhile");
        let capped = Deadlines { absolute_at: Some(deadline), ..deadlines };
        assert!(!capped.touch_due(deadline, NOW + 5 * MINUTE), "it cannot move");
        let writes_only = Settings::default();
        assert!(!with(&writes_only, None).touch_due(deadline, NOW + 60 * MINUTE), "as Django");
    }
}
