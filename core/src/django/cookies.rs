//! Sessions of Django's `signed_cookies` backend.

use std::time::Duration;

use crate::backend::Sealer;
use crate::clock::Time;
use crate::details::Details;
use crate::entries::Entries;
use crate::error::Result;
use crate::keys::SecretKeys;
use crate::record::{Record, Version};

use super::dict;
use super::file::expires_at;
use super::signing::Signer;

/// The salt of cookies (D101).
pub(super) const SALT: &str = "django.contrib.sessions.backends.signed_cookies";

/// A cookie that is 4096 bytes long holds no more than this when it is inflated, unless it is a bomb; and none is written that does.
const MOST: usize = 1 << 20;

/// Sessions in cookies as Django's `signed_cookies` writes them: readable by whoever has the cookie, and good until they expire,
/// since nothing on the server knows of them.
///
/// ```
/// use session_core::django::SignedCookies;
/// use session_core::{AnySealer, SecretKeys, Sessions, Settings};
/// use std::time::Duration;
///
/// let age = Duration::from_secs(14 * 24 * 3600); // SESSION_COOKIE_AGE
/// let cookies = SignedCookies::new(&SecretKeys::new("the project's SECRET_KEY"), age);
/// let sessions = Sessions::new(AnySealer::new(cookies), Settings::default().with_cookie_age(age))?;
/// # Ok::<(), session_core::SettingsError>(())
/// ```
#[derive(Clone, Debug)]
pub struct SignedCookies {
    signer: Signer,
    cookie_age: Duration,
}

impl SignedCookies {
    /// With the project's `SECRET_KEY` and `SECRET_KEY_FALLBACKS`, and its `SESSION_COOKIE_AGE`.
    pub fn new(keys: &SecretKeys, cookie_age: Duration) -> Self {
        Self { signer: Signer::new(keys, SALT), cookie_age }
    }
}

impl Sealer for SignedCookies {
    fn seal(&self, record: &Record, now: Time) -> Result<String> {
        self.signer.dumps(&dict::put_together(record)?.to_json(), now, MOST)
    }

    /// Its end is counted from its signature: by its own expiry, where Django would always take the settings' age (D94).
    fn open(&self, token: &[u8], now: Time) -> Option<Record> {
        let (json, signed_at) = self.signer.loads(std::str::from_utf8(token).ok()?, MOST).ok()?;
        let mut record = Record {
            version: Version { seq: 1, nonce: 0 },
            created_at: signed_at,
            last_active: signed_at,
            expires_at: signed_at,
            account: None,
            secret: None,
            details: Details::new(signed_at),
            data: json.into(),
        };
        let content =
            dict::take_apart(Entries::from_json(&record.data).ok()?, signed_at, &mut record).ok()?;
        record.data = content.entries.to_json().into();
        record.expires_at = expires_at(&content, signed_at, self.cookie_age);
        record.is_live(now).then_some(record)
    }
}
