//! Deadlines as Django writes them.

use session_core::Time;
use time::PrimitiveDateTime;
use time::format_description::StaticFormatDescription;
use time::macros::format_description;

const SECONDS: StaticFormatDescription = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");
const PARTS: StaticFormatDescription =
    format_description!("[year]-[month]-[day] [hour]:[minute]:[second].[subsecond]");

/// In UTC, with six digits behind the second or none: what SQLite keeps is text, and must compare with Django's.
pub(super) fn to_text(at: Time) -> String {
    let date = at.to_datetime();
    let whole = date.format(SECONDS).unwrap_or_default();
    match date.millisecond() {
        0 => whole,
        millis => format!("{whole}.{millis:03}000"),
    }
}

/// A date in UTC with any number of digits behind the second, of which milliseconds are kept.
pub(super) fn from_text(text: &str) -> Result<Time, time::error::Parse> {
    let date = PrimitiveDateTime::parse(text, PARTS).or_else(|_| PrimitiveDateTime::parse(text, SECONDS))?;
    Ok(Time::from(date.assume_utc()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_django_s() {
        for (millis, text) in [
            (1_700_000_000_000, "2023-11-14 22:13:20"),
            (1_700_000_000_007, "2023-11-14 22:13:20.007000"),
            (-62_135_596_800_000, "0001-01-01 00:00:00"),
            (253_402_300_799_999, "9999-12-31 23:59:59.999000"),
        ] {
            assert_eq!(to_text(Time::from_millis(millis)), text);
            assert_eq!(from_text(text).unwrap(), Time::from_millis(millis));
        }
        assert_eq!(from_text("2023-11-14 22:13:20.1239").unwrap(), Time::from_millis(1_700_000_000_123));
        for bad in ["", "2023-11-14", "infinity", "2023-11-14 25:00:00", "2023-11-14 22:13:20+02"] {
            assert!(from_text(bad).is_err(), "{bad}");
        }
    }

    /// SQLite compares them as texts.
    #[test]
    fn texts_are_in_the_order_of_their_dates() {
        let times = [-5, 0, 7, 999, 1000, 1001, 60_000, 86_400_000, 1_700_000_000_000, 1_700_000_000_500];
        assert!(times.map(|millis| to_text(Time::from_millis(millis))).is_sorted());
    }
}
