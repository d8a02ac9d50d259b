//! A visitor's preferences over an application's defaults.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::key::Key;
use crate::session::Session;

const STORED: Key<Map<String, Value>> = Key::new("preferences");

/// A visitor's preferences: the application's defaults, and over them what the visitor has set.
///
/// The defaults are a JSON object, as deep as you like. They say which preferences there are and of which type each is. Only what
/// differs from them is stored, so a default that you change reaches everybody who never touched it.
///
/// ```
/// # use session_core::{Sessions, Settings};
/// # let session = Sessions::new(session_memory::MemoryStore::new(), Settings::default())?.create();
/// use serde_json::json;
/// use session_core::patterns::Preferences;
///
/// let preferences = Preferences::new(&session, json!({
///     "theme": "system",
///     "notifications": { "email": false, "push": true },
/// }));
/// preferences.set("notifications.email", true)?;
///
/// assert!(preferences.get::<bool>("notifications.email")?);
/// assert_eq!(preferences.get::<String>("theme")?, "system");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// They are kept under the session's key `preferences`. A key is written with dots, so a name in the defaults that has a dot
/// itself cannot be reached. A list is one value, not merged. What was stored under defaults that have changed since counts
/// only where it still fits.
#[derive(Clone, Debug)]
pub struct Preferences {
    session: Session,
    defaults: Value,
}

/// Why a preference could not be read or set. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PreferenceError {
    /// The defaults have no such key.
    #[error("there is no preference `{0}`: every preference has a default")]
    UnknownKey(String),
    /// The value is of another JSON type than the default.
    #[error("the preference `{key}` is a {expected}, and was to become a {found}")]
    WrongType {
        /// Which preference.
        key: String,
        /// The JSON type of its default: `null`, `boolean`, `number`, `string`, `array` or `object`.
        expected: &'static str,
        /// The JSON type of the value.
        found: &'static str,
    },
    /// The session could not be read or written; [`Error::WrongType`] where a preference is not of the Rust type that was asked
    /// for.
    #[error(transparent)]
    Session(#[from] Error),
}

impl Preferences {
    /// The preferences of this session over these defaults. What is no object has no keys.
    pub fn new(session: &Session, defaults: Value) -> Self {
        Self { session: session.clone(), defaults }
    }

    /// All preferences: the defaults, with what was set in their places.
    ///
    /// ```
    /// # use session_core::{Sessions, Settings};
    /// # let session = Sessions::new(session_memory::MemoryStore::new(), Settings::default())?.create();
    /// use serde_json::json;
    /// use session_core::patterns::Preferences;
    ///
    /// let preferences = Preferences::new(&session, json!({ "theme": "system", "items_per_page": 10 }));
    /// preferences.set("items_per_page", 25)?;
    /// assert_eq!(preferences.all()?, json!({ "theme": "system", "items_per_page": 25 }));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn all(&self) -> Result<Value, PreferenceError> {
        let stored = self.session.get(STORED)?.unwrap_or_default();
        Ok(merged(&self.defaults, Some(&Value::Object(stored))))
    }

    /// One preference, by its dotted key; a key of a group is the whole group.
    ///
    /// ```
    /// # use session_core::{Sessions, Settings};
    /// # let session = Sessions::new(session_memory::MemoryStore::new(), Settings::default())?.create();
    /// use serde_json::json;
    /// use session_core::patterns::{PreferenceError, Preferences};
    ///
    /// let preferences = Preferences::new(&session, json!({ "notifications": { "push": true } }));
    /// assert!(preferences.get::<bool>("notifications.push")?);
    ///
    /// let misspelt = preferences.get::<bool>("notifications.psuh");
    /// assert!(matches!(misspelt, Err(PreferenceError::UnknownKey(_))));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<T, PreferenceError> {
        let all = self.all()?;
        let value = find(&all, key).ok_or_else(|| PreferenceError::UnknownKey(key.to_owned()))?;
        T::deserialize(value).map_err(|_| {
            let expected = std::any::type_name::<T>();
            Error::WrongType { key: format!("{}.{key}", STORED.name()), expected }.into()
        })
    }

    /// Sets one preference. What is set to its default is no longer stored. For a key of a group, the value is an object, and
    /// what it does not name stays.
    ///
    /// ```
    /// # use session_core::{Sessions, Settings};
    /// # let session = Sessions::new(session_memory::MemoryStore::new(), Settings::default())?.create();
    /// use serde_json::json;
    /// use session_core::patterns::{PreferenceError, Preferences};
    ///
    /// let preferences = Preferences::new(&session, json!({ "items_per_page": 10 }));
    /// preferences.set("items_per_page", 25)?;
    ///
    /// let text = preferences.set("items_per_page", "many");
    /// assert!(matches!(text, Err(PreferenceError::WrongType { expected: "number", .. })));
    /// assert_eq!(preferences.get::<u32>("items_per_page")?, 25);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set(&self, key: &str, value: impl Serialize) -> Result<(), PreferenceError> {
        let value = to_json(key, value)?;
        let default = find(&self.defaults, key).ok_or_else(|| PreferenceError::UnknownKey(key.to_owned()))?;
        check(default, &value, key)?;
        let nested = key
            .rsplit('.')
            .fold(value, |inner, name| Value::Object(Map::from_iter([(name.to_owned(), inner)])));
        self.write(nested)
    }

    /// Sets several preferences, as an object of the shape of the defaults: all of them, or on an error none. What it does not
    /// name stays. For a form that is sent as a whole.
    ///
    /// ```
    /// # use session_core::{Sessions, Settings};
    /// # let session = Sessions::new(session_memory::MemoryStore::new(), Settings::default())?.create();
    /// use serde_json::json;
    /// use session_core::patterns::Preferences;
    ///
    /// let preferences = Preferences::new(&session, json!({ "theme": "system", "items_per_page": 10 }));
    /// assert!(preferences.set_all(json!({ "theme": "dark", "items_per_page": "many" })).is_err());
    /// assert_eq!(preferences.get::<String>("theme")?, "system", "not half of it");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_all(&self, values: impl Serialize) -> Result<(), PreferenceError> {
        let values = to_json("", values)?;
        check(&self.defaults, &values, "")?;
        self.write(values)
    }

    /// Takes back everything that was set.
    ///
    /// ```
    /// # use session_core::{Sessions, Settings};
    /// # let session = Sessions::new(session_memory::MemoryStore::new(), Settings::default())?.create();
    /// use serde_json::json;
    /// use session_core::patterns::Preferences;
    ///
    /// let preferences = Preferences::new(&session, json!({ "theme": "system" }));
    /// preferences.set("theme", "dark")?;
    /// preferences.reset();
    /// assert_eq!(preferences.get::<String>("theme")?, "system");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reset(&self) {
        self.session.remove(STORED.name());
    }

    /// Takes back one preference, or a group of them. Where nothing was set, nothing is changed.
    ///
    /// ```
    /// # use session_core::{Sessions, Settings};
    /// # let session = Sessions::new(session_memory::MemoryStore::new(), Settings::default())?.create();
    /// use serde_json::json;
    /// use session_core::patterns::Preferences;
    ///
    /// let preferences = Preferences::new(&session, json!({ "a": { "b": 1, "c": 2 } }));
    /// preferences.set("a", json!({ "b": 10, "c": 20 }))?;
    /// preferences.reset_key("a.b")?;
    /// assert_eq!(preferences.all()?, json!({ "a": { "b": 1, "c": 20 } }));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reset_key(&self, key: &str) -> Result<(), PreferenceError> {
        if find(&self.defaults, key).is_none() {
            return Err(PreferenceError::UnknownKey(key.to_owned()));
        }
        let stored = Value::Object(self.session.get(STORED)?.unwrap_or_default());
        if find(&stored, key).is_none() {
            return Ok(());
        }
        let path: Vec<String> = key.split('.').map(str::to_owned).collect();
        Ok(self.session.update(STORED, move |stored| prune(stored, &path))?)
    }

    /// Stores what differs from the defaults. The values have been checked against them.
    fn write(&self, values: Value) -> Result<(), PreferenceError> {
        let defaults = self.defaults.clone();
        Ok(self.session.update(STORED, move |stored| {
            if let (Value::Object(defaults), Value::Object(values)) = (&defaults, &values) {
                store_differences(stored, defaults, values);
            }
        })?)
    }
}

fn to_json(key: &str, value: impl Serialize) -> Result<Value> {
    serde_json::to_value(value)
        .map_err(|error| Error::Unserializable { key: key.to_owned(), reason: error.to_string() })
}

fn find<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    key.split('.').try_fold(value, |value, name| value.as_object()?.get(name))
}

/// Whether the value could stand where the default is: of the same type, and an object has no names that the default lacks.
fn check(default: &Value, value: &Value, key: &str) -> Result<(), PreferenceError> {
    if type_of(default) != type_of(value) {
        let (expected, found) = (type_of(default), type_of(value));
        return Err(PreferenceError::WrongType { key: key.to_owned(), expected, found });
    }
    if let (Value::Object(defaults), Value::Object(values)) = (default, value) {
        for (name, value) in values {
            let key = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
            match defaults.get(name) {
                Some(default) => check(default, value, &key)?,
                None => return Err(PreferenceError::UnknownKey(key)),
            }
        }
    }
    Ok(())
}

/// The default, or in its place what is stored, where that still fits.
fn merged(default: &Value, stored: Option<&Value>) -> Value {
    match (default, stored) {
        (Value::Object(defaults), Some(Value::Object(stored))) => {
            defaults.iter().map(|(name, default)| (name.clone(), merged(default, stored.get(name)))).collect()
        }
        (default, Some(stored)) if type_of(default) == type_of(stored) => stored.clone(),
        (default, _) => default.clone(),
    }
}

/// Writes each value that is no default, and removes each that is.
fn store_differences(
    stored: &mut Map<String, Value>,
    defaults: &Map<String, Value>,
    values: &Map<String, Value>,
) {
    for (name, value) in values {
        match (defaults.get(name), value) {
            (Some(Value::Object(defaults)), Value::Object(values)) => {
                let mut group = match stored.remove(name) {
                    Some(Value::Object(group)) => group,
                    _ => Map::new(),
                };
                store_differences(&mut group, defaults, values);
                if !group.is_empty() {
                    stored.insert(name.clone(), Value::Object(group));
                }
            }
            (Some(default), value) if default == value => {
                stored.remove(name);
            }
            (_, value) => {
                stored.insert(name.clone(), value.clone());
            }
        }
    }
}

/// Removes what is at the path, and the groups that become empty by it.
fn prune(stored: &mut Map<String, Value>, path: &[String]) {
    let Some((name, rest)) = path.split_first() else { return };
    if !rest.is_empty()
        && let Some(Value::Object(group)) = stored.get_mut(name)
    {
        prune(group, rest);
        if !group.is_empty() {
            return;
        }
    }
    stored.remove(name);
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
