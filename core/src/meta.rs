//! What the application noted about a session for a list of devices.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// What the application noted about a session, by name. Most sessions have none, so none costs nothing, and a clone is cheap.
///
/// ```
/// let meta = session_core::Meta::from([("device".to_owned(), "phone".to_owned())]);
/// assert_eq!(meta.get("device").map(String::as_str), Some("phone"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "BTreeMap<String, String>", into = "BTreeMap<String, String>")]
pub struct Meta(Option<Arc<BTreeMap<String, String>>>);

static NOTHING: BTreeMap<String, String> = BTreeMap::new();

impl Meta {
    pub(crate) fn insert(&mut self, name: String, value: String) {
        Arc::make_mut(self.0.get_or_insert_default()).insert(name, value);
    }

    pub(crate) fn remove(&mut self, name: &str) {
        if let Some(notes) = &mut self.0 {
            Arc::make_mut(notes).remove(name);
        }
        self.0.take_if(|notes| notes.is_empty());
    }
}

impl Deref for Meta {
    type Target = BTreeMap<String, String>;

    fn deref(&self) -> &Self::Target {
        self.0.as_deref().unwrap_or(&NOTHING)
    }
}

impl From<BTreeMap<String, String>> for Meta {
    fn from(notes: BTreeMap<String, String>) -> Self {
        Self((!notes.is_empty()).then(|| Arc::new(notes)))
    }
}

impl<const N: usize> From<[(String, String); N]> for Meta {
    fn from(notes: [(String, String); N]) -> Self {
        BTreeMap::from(notes).into()
    }
}

impl From<Meta> for BTreeMap<String, String> {
    fn from(meta: Meta) -> Self {
        meta.0.map(Arc::unwrap_or_clone).unwrap_or_default()
    }
}
