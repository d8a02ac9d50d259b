//! Django's format: what `django.contrib.sessions` of Django 5.2 reads and writes, so that a Rust service and a Django project share
//! their sessions, and a site can be moved one view at a time with nobody signed in again.
//!
//! | what | where |
//! | --- | --- |
//! | rows of `django_session`, session files | [`AnyStore::with_django_format`](crate::AnyStore::with_django_format), on a store that keeps Django's tables or files |
//! | `signed_cookies` | [`SignedCookies`], a [`Sealer`](crate::Sealer) |
//! | who is signed in | [`Auth`] |
//!
//! # What is where
//!
//! Django's columns are the key, the signed text and the deadline. Everything else stands in the text: `_session_expiry` and
//! `_auth_user_id` as Django has them, and under `_s_…`, which Django carries along, what it has no name for (when the session
//! began, its absolute deadline, when somebody signed in).
//!
//! # What is otherwise
//!
//! A text whose signature fits no key is an error ([`Error::Undecodable`]), and it is left as it is: Django
//! takes it for an empty session and writes over it (D107), so that a wrong `SECRET_KEY` in one service signs everybody out. Django
//! itself writes whole sessions over each other (D48): against its writers nobody can promise a merge.

mod auth;
mod cookies;
mod dict;
mod file;
mod signing;

use bytes::Bytes;
use sha2::{Digest, Sha256};

pub use auth::{Auth, Standing};
pub use cookies::SignedCookies;
pub use file::FileExpiry;

use crate::clock::Time;
use crate::details::Details;
use crate::entries::Entries;
use crate::error::{Error, Result};
use crate::id::random_nonce;
use crate::journal::Content;
use crate::keys::SecretKeys;
use crate::record::{Record, Version};

use signing::Signer;

/// The salt of rows and files (D101).
const ROWS: &str = "django.contrib.sessions.SessionStore";

/// Between records and the texts of Django's rows and files.
#[derive(Clone, Debug)]
pub(crate) struct Django {
    signer: Signer,
}

impl Django {
    pub(crate) fn new(keys: &SecretKeys) -> Self {
        Self { signer: Signer::new(keys, ROWS) }
    }

    pub(crate) fn read(&self, record: &mut Record, most: usize) -> Result<Content> {
        let text = std::str::from_utf8(&record.data);
        let text = text.map_err(|_| Error::Undecodable("no text, so not Django's".to_owned()))?;
        if text.is_empty() {
            // The placeholder of a file that is being made (D88).
            return Ok(Content::default());
        }
        let (json, signed_at) = self.signer.loads(text, most)?;
        dict::take_apart(Entries::from_json(&json.into())?, signed_at, record)
    }

    pub(crate) fn write(&self, record: &mut Record, most: usize) -> Result<()> {
        let mut entries = dict::put_together(record)?;
        // Makes every text another one, so that a writer knows its own.
        dict::set(&mut entries, dict::NONCE, &format!("{:x}", random_nonce()?))?;
        let text = self.signer.dumps(&entries.to_json(), record.last_active, most)?;
        record.version = version_of(text.as_bytes());
        record.data = text.into();
        Ok(())
    }
}

/// A record as a store of Django's tables or files has it: a text and a deadline. Its version is told from the text, and has no place
/// in an order; its dates, its account and whatever else a session has stand in the text, which only core reads.
///
/// ```
/// use session_core::{Time, django};
///
/// let record = django::record_of("e30:1r31eq:V0zhXyqaeSiXnlEQJVh5I3Tjp7U3uQESH5gHoaFBmW8", Time::MAX);
/// assert_eq!(record.version, django::record_of(record.data.clone(), Time::MAX).version);
/// ```
pub fn record_of(text: impl Into<Bytes>, expires_at: Time) -> Record {
    let (data, unknown) = (text.into(), Time::from_millis(0));
    Record {
        version: version_of(&data),
        created_at: unknown,
        last_active: unknown,
        expires_at,
        account: None,
        secret: None,
        details: Details::new(unknown),
        data,
    }
}

fn version_of(text: &[u8]) -> Version {
    let hash = Sha256::digest(text);
    let nonce = hash.first_chunk().copied().map(u64::from_be_bytes).unwrap_or_default();
    Version { seq: Version::UNORDERED, nonce }
}
