//! Expiries and dates, as JSON.

use std::time::Duration;

use serde_json::Value;
use session_core::{Expiry, Time};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::arguments::Arguments;
use super::{BAD_ARGUMENT, Failure};

/// At most one of `seconds`, `in`, `at` and `browser_close`.
pub(super) fn parse(args: Arguments<'_>, now: Time) -> Result<Option<Expiry>, Failure> {
    let mut given = ["seconds", "in", "at", "browser_close"]
        .into_iter()
        .filter_map(|name| args.optional(name).map(|value| (name, value)));
    let Some((name, value)) = given.next() else { return Ok(None) };
    if given.next().is_some() {
        return Err(BAD_ARGUMENT);
    }
    let expiry = match name {
        "seconds" => match signed_seconds(value) {
            Some((Sign::Positive, age)) => Some(Expiry::Inactivity(age)),
            _ => None,
        },
        "in" => signed_seconds(value).map(|(sign, by)| match sign {
            Sign::Positive => Expiry::At(now + by),
            Sign::Negative => Expiry::At(now - by),
        }),
        "at" => value
            .as_str()
            .and_then(|at| OffsetDateTime::parse(at, &Rfc3339).ok())
            .map(|at| Expiry::At(at.into())),
        _ => (*value == Value::Bool(true)).then_some(Expiry::BrowserClose),
    };
    expiry.map(Some).ok_or(BAD_ARGUMENT)
}

enum Sign {
    Positive,
    Negative,
}

/// A number of seconds, whole or not; `None` where it is none, or longer than any calendar.
fn signed_seconds(value: &Value) -> Option<(Sign, Duration)> {
    if let Some(seconds) = value.as_i64() {
        let sign = if seconds < 0 { Sign::Negative } else { Sign::Positive };
        return Some((sign, Duration::from_secs(seconds.unsigned_abs())));
    }
    let seconds = value.as_f64()?;
    let sign = if seconds < 0.0 { Sign::Negative } else { Sign::Positive };
    Some((sign, Duration::try_from_secs_f64(seconds.abs()).ok()?))
}

/// The date in UTC.
pub(super) fn rfc3339(at: Time) -> String {
    at.to_string()
}
