//! The application's values: raw JSON text under each key, parsed when asked for.

use std::fmt;

use bytes::Bytes;
use bytestring::ByteString;
use serde::de::{DeserializeOwned, DeserializeSeed, MapAccess, Visitor};
use serde::{Deserializer, Serialize};
use serde_json::value::RawValue;

use crate::error::{Error, Result};
use crate::key::is_reserved;

/// A value as JSON text. Cheap to clone: it shares the text.
#[derive(Clone, PartialEq, Eq)]
pub struct RawJson(ByteString);

impl RawJson {
    pub(crate) fn of<T: Serialize + ?Sized>(key: &str, value: &T) -> Result<Self> {
        match serde_json::to_string(value) {
            Ok(text) => Ok(Self(text.into())),
            Err(error) => Err(Error::Unserializable { key: key.to_owned(), reason: error.to_string() }),
        }
    }

    pub(crate) fn parse<T: DeserializeOwned>(&self, key: &str) -> Result<T> {
        // What serde says of a mismatch may quote the value, which is nobody's business in a log.
        serde_json::from_str(&self.0)
            .map_err(|_| Error::WrongType { key: key.to_owned(), expected: std::any::type_name::<T>() })
    }

    /// The JSON text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The value as this type; `None` where it is of another.
    pub fn get<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_str(&self.0).ok()
    }
}

impl fmt::Debug for RawJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawJson({} bytes)", self.0.len())
    }
}

/// A key of a session. Cheap to clone: it shares the text.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Name(ByteString);

impl std::ops::Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<T: Into<ByteString>> From<T> for Name {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// All values of a session, in the order of their keys, with the size of their JSON object kept along.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Entries {
    sorted: Vec<(Name, RawJson)>,
    size: usize,
}

/// What an entry needs besides its key and value: two quotes, a colon, a comma.
const ENTRY_OVERHEAD: usize = 4;

impl Entries {
    /// Splits a JSON object at its top level; keys and values stay as they are, and share the text.
    pub(crate) fn from_json(text: &Bytes) -> Result<Self> {
        let undecodable = |why: String| Error::Undecodable(why);
        let text = ByteString::try_from(text.clone()).map_err(|_| undecodable("no UTF-8".to_owned()))?;
        let mut json = serde_json::Deserializer::from_str(&text);
        let entries = json.deserialize_map(Split(&text)).and_then(|entries| json.end().map(|()| entries));
        entries.map_err(|error| undecodable(no_object(&error)))
    }

    pub(crate) fn to_json(&self) -> Vec<u8> {
        // Two braces, one comma fewer than entries: the text needs no other room later.
        let mut out = Vec::with_capacity((self.size + 1).max(2));
        out.push(b'{');
        for (key, value) in &self.sorted {
            if out.len() > 1 {
                out.push(b',');
            }
            write_key(key, &mut out);
            out.push(b':');
            out.extend_from_slice(value.0.as_bytes());
        }
        out.push(b'}');
        out
    }

    pub(crate) fn get(&self, key: &str) -> Option<&RawJson> {
        self.place(key).ok().map(|place| &self.sorted[place].1)
    }

    pub(crate) fn insert(&mut self, key: impl Into<Name>, value: RawJson) {
        let key = key.into();
        self.size += value.0.len();
        match self.place(&key) {
            Ok(place) => {
                self.size -= self.sorted[place].1.0.len();
                self.sorted[place].1 = value;
            }
            Err(place) => {
                self.size += key.len() + ENTRY_OVERHEAD;
                self.sorted.insert(place, (key, value));
            }
        }
    }

    /// Adds an entry behind the others. Where its key is not behind theirs, [`sort`](Self::sort) comes next.
    fn push(&mut self, key: Name, value: RawJson) {
        self.size += key.len() + ENTRY_OVERHEAD + value.0.len();
        self.sorted.push((key, value));
    }

    /// All at once: keys that come in the worst order would move each other once for each. Of several values of a key the last counts.
    fn sort(&mut self) {
        // Equal ones stay in the order in which they came.
        self.sorted.sort_by(|(a, _), (b, _)| (**a).cmp(b));
        let size = &mut self.size;
        self.sorted.dedup_by(|later, earlier| {
            let is_same = *later.0 == *earlier.0;
            if is_same {
                std::mem::swap(&mut later.1, &mut earlier.1);
                *size -= later.0.len() + ENTRY_OVERHEAD + later.1.0.len();
            }
            is_same
        });
    }

    /// The key as it is here, or a new one: so that a change to what is there needs no copy of its key.
    pub(crate) fn name(&self, key: &str) -> Name {
        self.place(key).map_or_else(|_| key.into(), |place| self.sorted[place].0.clone())
    }

    pub(crate) fn remove(&mut self, key: &str) -> Option<RawJson> {
        let (key, value) = self.sorted.remove(self.place(key).ok()?);
        self.size -= key.len() + ENTRY_OVERHEAD + value.0.len();
        Some(value)
    }

    /// The application's entries, in the order of their keys. Not those of the session itself.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &RawJson)> {
        self.sorted.iter().map(|(key, value)| (&**key, value)).filter(|(key, _)| !is_reserved(key))
    }

    /// A key of the session's own, if there is one.
    pub(crate) fn reserved(&self) -> Option<&str> {
        self.sorted.iter().map(|(key, _)| &**key).find(|key| is_reserved(key))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }

    /// How many keys, with the session's own.
    pub(crate) fn len(&self) -> usize {
        self.sorted.len()
    }

    /// The bytes that it has as JSON, within a few.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// Where the key is, or would be. Those that are read from a store come in order, so the end is looked at first.
    fn place(&self, key: &str) -> std::result::Result<usize, usize> {
        match self.sorted.last() {
            Some((last, _)) if &**last < key => Err(self.sorted.len()),
            _ => self.sorted.binary_search_by(|(there, _)| (**there).cmp(key)),
        }
    }
}

/// A key as a JSON string. Most need nothing escaped.
fn write_key(key: &str, out: &mut Vec<u8>) {
    if key.bytes().all(|c| c >= b' ' && c != b'"' && c != b'\\') {
        out.push(b'"');
        out.extend_from_slice(key.as_bytes());
        out.push(b'"');
    } else {
        // A string into a growing buffer: there is nothing that could fail.
        let _ = serde_json::to_writer(out, key);
    }
}

/// Splits the object in this text.
struct Split<'t>(&'t ByteString);

impl<'t> Visitor<'t> for Split<'t> {
    type Value = Entries;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'t>>(self, mut map: M) -> std::result::Result<Entries, M::Error> {
        let mut entries = Entries::default();
        let mut in_order = true;
        while let Some(key) = map.next_key_seed(KeyOf(self.0))? {
            let value: &RawValue = map.next_value()?;
            in_order &= entries.sorted.last().is_none_or(|(last, _)| **last < *key);
            entries.push(key, RawJson(self.0.slice_ref(value.get())));
        }
        if !in_order {
            entries.sort();
        }
        Ok(entries)
    }
}

/// Reads a key in this text.
struct KeyOf<'t>(&'t ByteString);

impl<'t> DeserializeSeed<'t> for KeyOf<'t> {
    type Value = Name;

    fn deserialize<D: Deserializer<'t>>(self, json: D) -> std::result::Result<Name, D::Error> {
        json.deserialize_str(self)
    }
}

impl<'t> Visitor<'t> for KeyOf<'t> {
    type Value = Name;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, key: &'t str) -> std::result::Result<Name, E> {
        Ok(Name(self.0.slice_ref(key)))
    }

    /// A key in which something was escaped.
    fn visit_str<E>(self, key: &str) -> std::result::Result<Name, E> {
        Ok(key.into())
    }
}

/// Where the text is wrong, without quoting it.
fn no_object(error: &serde_json::Error) -> String {
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

    /// Python writes keys in the order in which they were set.
    #[test]
    fn keys_in_any_order_are_read_and_the_last_value_counts() {
        let e = entries(r#"{"b":1,"a":2,"c":3,"a":4,"b":55,"a":6}"#);
        assert_eq!(e.to_json(), br#"{"a":6,"b":55,"c":3}"#);
        assert_eq!(e, entries(r#"{"a":6,"b":55,"c":3}"#), "and so is the size");
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
