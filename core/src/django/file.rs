//! When a session in one of Django's files ends.

use std::time::Duration;

use crate::clock::Time;
use crate::entries::Entries;
use crate::error::Result;
use crate::expiry::Expiry;
use crate::journal::Content;
use crate::keys::SecretKeys;
use crate::record::Record;
use crate::settings::Settings;

use super::signing::Signer;
use super::{ROWS, dict, record_of};

/// Reads the deadline of a session in a file, which has none of its own: a date that stands in it, or its age, counted from the
/// file's modification time (D90). Django itself never ends a session whose own expiry is a number of seconds; here it ends.
#[derive(Clone, Debug)]
pub struct FileExpiry {
    signer: Signer,
    cookie_age: Duration,
    most: usize,
}

impl FileExpiry {
    /// With the project's `SECRET_KEY` and fallbacks, and the `SESSION_COOKIE_AGE` of these settings.
    pub fn new(keys: &SecretKeys, settings: &Settings) -> Self {
        Self { signer: Signer::new(keys, ROWS), cookie_age: settings.cookie_age, most: settings.max_bytes }
    }

    /// The record in a file with this text, which was modified then.
    ///
    /// # Errors
    ///
    /// [`Undecodable`](crate::Error::Undecodable) where the signature fits no key: such a file is another project's, or damaged.
    pub fn record(&self, text: impl Into<bytes::Bytes>, modified: Time) -> Result<Record> {
        let mut record = record_of(text, modified + self.cookie_age);
        let content = self.content(&record.data)?;
        record.expires_at = expires_at(&content, modified, self.cookie_age);
        Ok(record)
    }

    /// When the file of a record must have been modified, so that it ends at its deadline for Django as well.
    ///
    /// # Errors
    ///
    /// As [`record`](Self::record).
    pub fn modified(&self, record: &Record) -> Result<Time> {
        let age = match self.content(&record.data)?.expiry {
            Some(Expiry::Inactivity(age)) => age,
            _ => self.cookie_age,
        };
        Ok(record.expires_at - age)
    }

    fn content(&self, text: &[u8]) -> Result<Content> {
        if text.is_empty() {
            // The placeholder of a session that Django is about to write (D88).
            return Ok(Content::default());
        }
        let text = std::str::from_utf8(text).unwrap_or_default();
        let (json, signed_at) = self.signer.loads(text, self.most)?;
        let mut unused = record_of(Vec::new(), signed_at);
        dict::take_apart(Entries::from_json(&json.into())?, signed_at, &mut unused)
    }
}

/// The deadline of a session that was active last at this time.
pub(super) fn expires_at(content: &Content, active: Time, cookie_age: Duration) -> Time {
    let at = match content.expiry {
        Some(Expiry::At(at)) => at,
        Some(Expiry::Inactivity(age)) => active + age,
        _ => active + cookie_age,
    };
    content.absolute_at.map_or(at, |absolute| at.min(absolute))
}
