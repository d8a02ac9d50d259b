//! Which sessions are meant, by what is in them.

use std::str::FromStr;

use serde_json::Value;
use session_core::StoredSession;

/// `key=value`, of a session's values: as JSON where it is that, and as text.
#[derive(Clone, Debug)]
pub(crate) struct Condition {
    key: String,
    text: String,
    json: Option<Value>,
}

impl FromStr for Condition {
    type Err = &'static str;

    fn from_str(condition: &str) -> Result<Self, Self::Err> {
        let (key, text) = condition.split_once('=').ok_or("write it as key=value")?;
        Ok(Self { key: key.to_owned(), text: text.to_owned(), json: serde_json::from_str(text).ok() })
    }
}

impl Condition {
    pub(crate) fn fits(&self, session: &StoredSession) -> bool {
        let value = session.get::<Value>(self.key.as_str());
        value.is_some_and(|value| value == self.text.as_str() || self.json.as_ref() == Some(&value))
    }
}
