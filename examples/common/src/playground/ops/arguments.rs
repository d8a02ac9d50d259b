//! The arguments of one operation.

use serde_json::{Map, Number, Value};

use super::{BAD_ARGUMENT, Failure};

/// The operation's object. What is missing or of another type is a `bad_argument`; what no operation knows is ignored.
#[derive(Clone, Copy)]
pub(super) struct Arguments<'a>(pub(super) &'a Map<String, Value>);

impl<'a> Arguments<'a> {
    pub(super) fn optional(self, name: &str) -> Option<&'a Value> {
        self.0.get(name)
    }

    pub(super) fn value(self, name: &str) -> Result<&'a Value, Failure> {
        self.optional(name).ok_or(BAD_ARGUMENT)
    }

    pub(super) fn text(self, name: &str) -> Result<&'a str, Failure> {
        self.value(name)?.as_str().ok_or(BAD_ARGUMENT)
    }

    /// A text that names somebody, so not an empty one.
    pub(super) fn name(self, name: &str) -> Result<&'a str, Failure> {
        Some(self.text(name)?).filter(|text| !text.is_empty()).ok_or(BAD_ARGUMENT)
    }

    pub(super) fn object(self, name: &str) -> Result<&'a Map<String, Value>, Failure> {
        self.value(name)?.as_object().ok_or(BAD_ARGUMENT)
    }

    pub(super) fn number_or(self, name: &str, default: u64) -> Result<Number, Failure> {
        match self.optional(name) {
            None => Ok(default.into()),
            Some(value) => value.as_number().cloned().ok_or(BAD_ARGUMENT),
        }
    }
}
