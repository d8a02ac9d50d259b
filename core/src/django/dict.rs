//! Django's dictionary: where each part of a session stands in it.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::clock::Time;
use crate::entries::{Entries, RawJson};
use crate::error::{Error, Result};
use crate::expiry::Expiry;
use crate::journal::Content;
use crate::record::Record;

const EXPIRY: &str = "_session_expiry";
pub(super) const USER_ID: &str = "_auth_user_id";
pub(super) const USER_BACKEND: &str = "_auth_user_backend";
pub(super) const USER_HASH: &str = "_auth_user_hash";
const CREATED: &str = "_s_created";
const ROTATED: &str = "_s_rotated";
const ABSOLUTE: &str = "_s_absolute";
const AUTHENTICATED: &str = "_s_authenticated";
const META: &str = "_s_meta";
pub(super) const NONCE: &str = "_s_nonce";

/// From the dictionary to a session's content; the record gets what stands in the dictionary for want of a column.
pub(super) fn take_apart(mut entries: Entries, signed_at: Time, record: &mut Record) -> Result<Content> {
    let expiry = entries.remove(EXPIRY).map(|value| parse_expiry(&value)).transpose()?.flatten();
    let account =
        entries.get(USER_ID).map(|value| value.get::<String>().unwrap_or_else(|| value.as_str().to_owned()));
    let created_at = take(&mut entries, CREATED)?.unwrap_or(signed_at);
    let details = &mut record.details;
    details.rotated_at = take(&mut entries, ROTATED)?.unwrap_or(created_at);
    details.absolute_at = take(&mut entries, ABSOLUTE)?;
    details.authenticated_at = take(&mut entries, AUTHENTICATED)?;
    details.meta = take(&mut entries, META)?.unwrap_or_default();
    details.expiry = expiry;
    entries.remove(NONCE);
    record.created_at = created_at;
    record.last_active = signed_at;
    record.account.clone_from(&account);
    Ok(Content {
        entries,
        account,
        authenticated_at: record.details.authenticated_at,
        absolute_at: record.details.absolute_at,
        expiry,
        meta: record.details.meta.clone(),
    })
}

/// The dictionary for a record whose data is the application's entries as JSON.
pub(super) fn put_together(record: &Record) -> Result<Entries> {
    let mut entries = Entries::from_json(&record.data)?;
    match &record.account {
        Some(account) => set(&mut entries, USER_ID, account)?,
        None => [USER_ID, USER_BACKEND, USER_HASH].iter().for_each(|key| drop(entries.remove(key))),
    }
    match record.details.expiry {
        Some(Expiry::BrowserClose) => set(&mut entries, EXPIRY, &0)?,
        Some(Expiry::Inactivity(age)) => set(&mut entries, EXPIRY, &whole_seconds(age))?,
        Some(Expiry::At(at)) => set(&mut entries, EXPIRY, &isoformat(at))?,
        None => {}
    }
    let details = &record.details;
    set(&mut entries, CREATED, &record.created_at)?;
    if details.rotated_at != record.created_at {
        set(&mut entries, ROTATED, &details.rotated_at)?;
    }
    if let Some(at) = details.absolute_at {
        set(&mut entries, ABSOLUTE, &at)?;
    }
    if let Some(at) = details.authenticated_at {
        set(&mut entries, AUTHENTICATED, &at)?;
    }
    if !details.meta.is_empty() {
        set(&mut entries, META, &details.meta)?;
    }
    Ok(entries)
}

/// Rounded up, for zero is "until the browser closes" (D32).
fn whole_seconds(age: Duration) -> u64 {
    age.as_secs().saturating_add(u64::from(age.subsec_nanos() > 0))
}

pub(super) fn set<T: Serialize>(entries: &mut Entries, key: &str, value: &T) -> Result<()> {
    entries.insert(key, RawJson::of(key, value)?);
    Ok(())
}

fn take<T: DeserializeOwned>(entries: &mut Entries, key: &str) -> Result<Option<T>> {
    let Some(value) = entries.remove(key) else { return Ok(None) };
    value
        .parse(key)
        .map(Some)
        .map_err(|_| Error::Undecodable(format!("in Django's format: a damaged `{key}`")))
}

/// Seconds, or a date (D30). Zero is "until the browser closes" (D32); what lies in the past has ended the session.
fn parse_expiry(value: &RawJson) -> Result<Option<Expiry>> {
    let damaged = || Error::Undecodable(format!("in Django's format: a damaged `{EXPIRY}`"));
    if let Some(seconds) = value.get::<f64>() {
        return Ok(Some(match seconds {
            0.0 => Expiry::BrowserClose,
            more if more > 0.0 => {
                Expiry::Inactivity(Duration::try_from_secs_f64(more).unwrap_or(Duration::MAX))
            }
            _ => Expiry::At(Time::from_millis(0)),
        }));
    }
    match value.get::<Option<String>>().ok_or_else(damaged)? {
        Some(text) => parse_date(&text).map(|at| Some(Expiry::At(at))).ok_or_else(damaged),
        None => Ok(None),
    }
}

/// `datetime.isoformat()`; one without a time zone is taken for UTC, which is what a project with `USE_TZ` writes.
fn parse_date(text: &str) -> Option<Time> {
    let aware = OffsetDateTime::parse(text, &Rfc3339);
    let date = aware.or_else(|_| OffsetDateTime::parse(&format!("{text}Z"), &Rfc3339));
    date.ok().map(Time::from)
}

/// As `datetime.isoformat()` writes it: six digits behind the second or none, and an offset in figures.
fn isoformat(at: Time) -> String {
    let date = at.to_datetime();
    let micros =
        if date.millisecond() == 0 { String::new() } else { format!(".{:03}000", date.millisecond()) };
    let (day, time) = (date.date(), date.time());
    format!("{day}T{:02}:{:02}:{:02}{micros}+00:00", time.hour(), time.minute(), time.second())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expiry(json: &str) -> Result<Option<Expiry>> {
        parse_expiry(&RawJson::of("", &serde_json::from_str::<serde_json::Value>(json).unwrap())?)
    }

    /// D30 to D33.
    #[test]
    fn every_form_of_an_expiry_is_read() {
        assert_eq!(expiry("300").unwrap(), Some(Expiry::Inactivity(Duration::from_secs(300))));
        assert_eq!(expiry("1.5").unwrap(), Some(Expiry::Inactivity(Duration::from_millis(1500))));
        assert_eq!(expiry("0").unwrap(), Some(Expiry::BrowserClose));
        assert_eq!(expiry("-5").unwrap(), Some(Expiry::At(Time::from_millis(0))));
        assert_eq!(expiry("null").unwrap(), None);
        let at = Some(Expiry::At(Time::from_millis(1_700_000_000_123)));
        assert_eq!(expiry("\"2023-11-14T22:13:20.123000+00:00\"").unwrap(), at);
        assert_eq!(expiry("\"2023-11-14T22:13:20.123\"").unwrap(), at);
        assert_eq!(expiry("\"2023-11-15T00:13:20.123456+02:00\"").unwrap(), at);
        for bad in ["\"tomorrow\"", "[]", "{}", "true"] {
            assert!(matches!(expiry(bad), Err(Error::Undecodable(_))), "{bad}");
        }
    }

    /// Half a second was written as zero, and so lasted as long as the browser.
    #[test]
    fn no_age_is_written_as_none() {
        let ages = [Duration::ZERO, Duration::from_nanos(1), Duration::from_millis(1500), Duration::MAX];
        assert_eq!(ages.map(whole_seconds), [0, 1, 2, u64::MAX]);
    }

    #[test]
    fn dates_are_written_as_python_writes_them() {
        assert_eq!(isoformat(Time::from_millis(1_700_000_000_000)), "2023-11-14T22:13:20+00:00");
        assert_eq!(isoformat(Time::from_millis(1_700_000_000_007)), "2023-11-14T22:13:20.007000+00:00");
    }
}
