//! The application's values: raw JSON text under each key, parsed when asked for.

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::error::{Error, Result};
use crate::key::is_reserved;

/// A value as JSON text. Cheap to clone: it shares the text.
#[derive(Clone, PartialEq, Eq)]
pub struct RawJson(Bytes);

impl RawJson {
    pub(crate) fn of<T: Serialize + ?Sized>(key: &str, value: &T) -> Result<Self> {
        match serde_json::to_vec(value) {
            Ok(text) => Ok(Self(text.into())),
            Err(error) => Err(Error::Unserializable { key: key.to_owned(), reason: error.to_string() }),
        }
    }

    pub(crate) fn parse<T: DeserializeOwned>(&self, key: &str) -> Result<T> {
        // What serde says of a mismatch may quote the value, which is nobody's business in a log.
        serde_json::from_slice(&self.0)
            .map_err(|_| Error::WrongType { key: key.to_owned(), expected: std::any::type_name::<T>() })
    }

    /// The JSON text.
    pub fn as_str(&self) -> &str {
        // It came from a JSON writer or parser, which know only UTF-8.
        std::str::from_utf8(&self.0).unwrap_or("null")
    }

    /// The value as this type; `None` where it is of another.
    pub fn get<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.0).ok()
    }
}

impl fmt::Debug for RawJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawJson({} bytes)", self.0.len())
    }
}

/// All values of a session, by key, with the size of their JSON object kept along.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Entries {
    map: BTreeMap<Box<str>, RawJson>,
    size: usize,
}

/// What an entry needs besides its key and value: two quotes, a colon, a comma.
const ENTRY_OVERHEAD: usize = 4;

impl Entries {
    /// Splits a JSON object at its top level; the values stay as they are, and share the text.
    pub(crate) fn from_json(text: &Bytes) -> Result<Self> {
        let parsed: BTreeMap<Box<str>, &RawValue> =
            serde_json::from_slice(text).map_err(|error| Error::Undecodable(undecodable(&error)))?;
        let mut entries = Self::default();
        for (key, value) in parsed {
            entries.insert(key, RawJson(text.slice_ref(value.get().as_bytes())));
        }
        Ok(entries)
    }

    pub(crate) fn to_json(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.size + 2);
        out.push(b'{');
        for (key, value) in &self.map {
            if out.len() > 1 {
                out.push(b',');
            }
            // A string into a growing buffer: there is nothing that could fail.
            let _ = serde_json::to_writer(&mut out, &**key);
            out.push(b':');
            out.extend_from_slice(&value.0);
        }
        out.push(b'}');
        out
    }

    pub(crate) fn get(&self, key: &str) -> Option<&RawJson> {
        self.map.get(key)
    }

    pub(crate) fn insert(&mut self, key: impl Into<Box<str>>, value: RawJson) {
        let key = key.into();
        let (key_size, value_size) = (key.len() + ENTRY_OVERHEAD, value.0.len());
        self.size += value_size;
        match self.map.insert(key, value) {
            Some(old) => self.size -= old.0.len(),
            None => self.size += key_size,
        }
    }

    pub(crate) fn remove(&mut self, key: &str) -> Option<RawJson> {
        let value = self.map.remove(key)?;
        self.size -= key.len() + ENTRY_OVERHEAD + value.0.len();
        Some(value)
    }

    /// The application's entries, in the order of their keys. Not those of the session itself.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &RawJson)> {
        self.map.iter().map(|(key, value)| (&**key, value)).filter(|(key, _)| !is_reserved(key))
    }

    /// A key of the session's own, if there is one.
    pub(crate) fn reserved(&self) -> Option<&str> {
        self.map.keys().map(|key| &**key).find(|key| is_reserved(key))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    /// How many keys, with the session's own.
    pub(crate) fn len(&self) -> usize {
        self.map.len()
    }

    /// The bytes that it has as JSON, within a few.
    pub(crate) fn size(&self) -> usize {
        self.size
    }
}

/// Where the text is wrong, without quoting it.
fn undecodable(error: &serde_json::Error) -> String {
    format!("no JSON object (line {}, column {})", error.line(), error.column())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(json: &str) -> Entries {
        Entries::from_json(&Bytes::copy_from_slice(json.as_bytes())).unwrap()
    }

    /// T27: no key or value can forge another entry.
    #[test]
    fn every_key_and_value_is_read_back() {
        let mut written = Entries::default();
        let texts =
            ["", "a|b!c", "nul\0", "quote\"", "back\\slash", "new\nline", "\u{1F600}", "\u{2028}", ":,{}[]"];
        for text in texts {
            written.insert(text, RawJson::of(text, text).unwrap());
        }
        let read = entries(std::str::from_utf8(&written.to_json()).unwrap());
        assert_eq!(read, written);
        assert_eq!(read.len(), texts.len());
        for text in texts {
            assert_eq!(read.get(text).unwrap().get::<String>().as_deref(), Some(text));
        }
    }

    #[test]
    fn the_size_follows_every_change() {
        let mut e = entries(r#"{"a":1,"bb":"xyz"}"#);
        let whole = e.size();
        assert_eq!(whole + 1, e.to_json().len(), "one comma fewer, two braces");
        e.insert("a", RawJson::of("a", &12345).unwrap());
        assert_eq!(e.size(), whole + 4);
        e.remove("a");
        e.remove("bb");
        e.remove("never there");
        assert_eq!(e.size(), 0);
    }

    /// T29: a value nested a hundred thousand deep neither overflows the stack nor is parsed before it is asked for.
    #[test]
    fn a_depth_bomb_is_a_value_of_the_wrong_type() {
        let bomb = format!("{{\"a\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
        let e = entries(&bomb);
        assert!(matches!(e.get("a").unwrap().parse::<serde_json::Value>("a"), Err(Error::WrongType { .. })));
    }

    #[test]
    fn what_is_no_object_is_undecodable_and_not_quoted() {
        for text in ["", "[]", "1", "{\"secret\"", "{\"a\":tru}", "\u{0}"] {
            let error = Entries::from_json(&Bytes::copy_from_slice(text.as_bytes())).unwrap_err();
            assert!(!error.to_string().contains("secret"), "{error}");
        }
        assert!(Entries::from_json(&Bytes::from_static(b"{\"a\":\"\xff\"}")).is_err());
    }
}
