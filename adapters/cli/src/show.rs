//! `session show`: what is in a session, without what opens it or anything else.

use serde::Serialize;
use serde_json::{Map, Value};
use session_core::{Clock as _, Expiry, StoredSession, SystemClock, Time};

use crate::args::{Format, StoreArgs};
use crate::error::{Done, Failure};
use crate::human;
use crate::list::Row;
use crate::output::{Output, pairs};
use crate::store::Store;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Its handle, as `session list` shows it; the value of its cookie will do
    #[arg(value_name = "HANDLE")]
    handle: String,
}

/// A session, for programs.
#[derive(Debug, Serialize)]
struct Shown {
    #[serde(flatten)]
    row: Row,
    /// However busy it is.
    absolute_end: Option<String>,
    authenticated: Option<String>,
    /// Its own, in place of the settings'.
    expiry: Option<String>,
    /// Why its values cannot be read.
    fault: Option<String>,
    meta: Map<String, Value>,
    data: Value,
}

pub(crate) async fn run(args: &Args, store: &StoreArgs, output: &Output) -> Result<Done, Failure> {
    let opened = store.open().await?;
    let (_, session) = opened.find(&args.handle).await?;
    let shown = Shown::of(&opened, &session);
    output.say(&shown, || shown.text(&session))?;
    if session.fault().is_some() && store.format == Format::Native {
        output.note("  is SESSION_ENCRYPTION_KEY the application's secret, with older ones in SESSION_ENCRYPTION_KEY_FALLBACKS?");
    }
    Ok(Done::All)
}

impl Shown {
    fn of(store: &Store, session: &StoredSession) -> Self {
        let meta = session.meta().iter();
        let meta = Value::Object(meta.map(|(name, value)| (name.clone(), value.clone().into())).collect());
        Self {
            row: Row::of(store, session),
            absolute_end: session.absolute_end().map(|at| at.to_string()),
            authenticated: session.authenticated().map(|at| at.to_string()),
            expiry: session.expiry().map(described),
            fault: session.fault().map(ToString::to_string),
            meta: match masked(meta) {
                Value::Object(meta) => meta,
                _ => Map::new(),
            },
            data: masked(serde_json::from_str(&session.to_json()).unwrap_or_default()),
        }
    }

    fn text(&self, session: &StoredSession) -> String {
        let now = SystemClock.now();
        let date = |at: Time| format!("{}  ({})", seconds_of(at), human::relative(at, now));
        let optional = |name: &'static str, value: Option<String>| value.map(|value| (name, value));
        let meta = self
            .meta
            .iter()
            .map(|(name, value)| ("noted", format!("{} = {}", human::text(name), shown(value))));
        let facts = [
            Some(("handle", self.row.handle.clone())),
            Some(("account", session.account().map_or_else(|| "-".to_owned(), human::text))),
            Some(("created", date(session.created()))),
            Some(("last active", date(session.last_active()))),
            Some(("expires", date(session.expires()))),
            optional("ends at last", session.absolute_end().map(date)),
            optional("signed in", session.authenticated().map(date)),
            optional("own expiry", self.expiry.clone()),
            Some(("size", human::size(session.size() as u64))),
            optional("unreadable", self.fault.clone()),
        ];
        let facts = pairs(facts.into_iter().flatten().chain(meta));
        let data = serde_json::to_string_pretty(&self.data).unwrap_or_default();
        // JSON escapes control characters but for the new ones of Unicode.
        let data: Vec<_> = data.lines().map(human::text).collect();
        if session.fault().is_some() { facts } else { format!("{facts}\n{}", data.join("\n")) }
    }
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), human::text)
}

fn described(expiry: Expiry) -> String {
    match expiry {
        Expiry::Inactivity(age) => format!("{} without use", human::duration(age)),
        Expiry::At(at) => format!("at {at}"),
        Expiry::BrowserClose => "when the browser is closed".to_owned(),
        other => format!("{other:?}"),
    }
}

/// Without the milliseconds.
fn seconds_of(at: Time) -> String {
    let millis = at.as_millis();
    Time::from_millis(millis - millis.rem_euclid(1000)).to_string()
}

const HIDDEN: &str = "(hidden)";

/// Words of a name that say that the value is nobody's business.
const SECRETS: [&str; 13] = [
    "token",
    "csrftoken",
    "csrf",
    "secret",
    "password",
    "passwd",
    "pwd",
    "hash",
    "key",
    "apikey",
    "otp",
    "credential",
    "authorization",
];

/// The value without what its names call secret.
fn masked(value: Value) -> Value {
    match value {
        Value::Object(entries) => {
            let masked = entries.into_iter().map(|(name, value)| {
                let value = if is_secret(&name) { HIDDEN.into() } else { masked(value) };
                (name, value)
            });
            Value::Object(masked.collect())
        }
        Value::Array(values) => Value::Array(values.into_iter().map(masked).collect()),
        other => other,
    }
}

/// Whether one of its words says so: of `_auth_user_hash`, `csrfToken`, `api-keys`.
fn is_secret(name: &str) -> bool {
    let mut words = vec![String::new()];
    let mut was_small = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || was_small && c.is_uppercase() {
            words.push(String::new());
        }
        was_small = c.is_lowercase();
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            word.extend(c.to_lowercase());
        }
    }
    words
        .iter()
        .any(|word| SECRETS.iter().any(|secret| word == secret || word.strip_suffix('s') == Some(secret)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_name_calls_secret_is_hidden_at_any_depth() {
        for name in ["_auth_user_hash", "csrfToken", "api-keys", "PASSWORD", "oauth.token", "Key"] {
            assert!(is_secret(name), "{name}");
        }
        for name in ["monkey", "user_id", "theme", "keyboard", "hashtag", ""] {
            assert!(!is_secret(name), "{name}");
        }
        let shown = masked(json!({ "user": [{ "name": "ada", "totp_secret": { "base32": "x" } }] }));
        assert_eq!(shown, json!({ "user": [{ "name": "ada", "totp_secret": "(hidden)" }] }));
    }
}
