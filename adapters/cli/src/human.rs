//! Numbers, times and texts as people read them.

use std::time::Duration;

use indicatif::{DecimalBytes, HumanCount};
use session_core::Time;

/// `in 13 days`, `2 hours ago`.
pub(crate) fn relative(at: Time, now: Time) -> String {
    match (at == Time::MAX, at > now) {
        (true, _) => "never".to_owned(),
        (_, true) => format!("in {}", duration(at.since(now))),
        _ => format!("{} ago", duration(now.since(at))),
    }
}

/// In the unit in which it is two at least, rounded: `13 days`, `90 seconds`.
pub(crate) fn duration(duration: Duration) -> String {
    const UNITS: [(u64, &str); 4] = [(365 * 86400, "year"), (86400, "day"), (3600, "hour"), (60, "minute")];
    let seconds = duration.as_secs();
    let unit = UNITS.into_iter().find(|(unit, _)| seconds.saturating_add(unit / 2) / unit >= 2);
    let (unit, name) = unit.unwrap_or((1, "second"));
    let count = seconds.saturating_add(unit / 2) / unit;
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {name}{plural}")
}

/// `1.2 s`, of something that was waited for.
pub(crate) fn took(duration: Duration) -> String {
    match duration.as_secs() {
        0 => format!("{:.1} ms", duration.as_secs_f64() * 1000.0),
        1..120 => format!("{:.1} s", duration.as_secs_f64()),
        _ => self::duration(duration),
    }
}

/// `1,234`.
pub(crate) fn count(count: u64) -> String {
    HumanCount(count).to_string()
}

/// `1 session`, `1,234 sessions`.
pub(crate) fn sessions(count: u64) -> String {
    format!("{} session{}", self::count(count), if count == 1 { "" } else { "s" })
}

/// `1.23 kB`.
pub(crate) fn size(bytes: u64) -> String {
    DecimalBytes(bytes).to_string()
}

/// A text that others wrote. What would move the cursor, colour the screen or turn the direction of writing is shown, not done.
pub(crate) fn text(text: &str) -> String {
    let is_harmless = |c: char| {
        !c.is_control()
            && !matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars()
        .map(|c| if is_harmless(c) { c.to_string() } else { c.escape_default().to_string() })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_rounded_to_its_unit() {
        for (seconds, says) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (89, "89 seconds"),
            (90, "2 minutes"),
            (5 * 3600 + 60, "5 hours"),
            (14 * 86400 - 1, "14 days"),
            (400 * 86400, "400 days"),
            (800 * 86400, "2 years"),
        ] {
            assert_eq!(duration(Duration::from_secs(seconds)), says);
        }
    }

    #[test]
    fn a_time_is_told_from_now() {
        let now = Time::from_millis(1_700_000_000_000);
        assert_eq!(relative(now + Duration::from_secs(13 * 86400), now), "in 13 days");
        assert_eq!(relative(now - Duration::from_secs(7200), now), "2 hours ago");
        assert_eq!(relative(Time::MAX, now), "never");
    }

    /// What is in a session was written by a stranger, and is read on an administrator's terminal.
    #[test]
    fn a_text_does_nothing_to_the_terminal() {
        assert_eq!(text("Zoë \u{1b}[2J\r\n\u{202e}x"), "Zoë \\u{1b}[2J\\r\\n\\u{202e}x");
    }
}
