//! What an application may set. The defaults are Django's, but for `Secure`, which is on.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use crate::backend::Backend;
use crate::clock::{Clock, SystemClock};
#[cfg(feature = "encrypt")]
use crate::codec::Encryption;
use crate::codec::{Codec, Native};
use crate::entries::Entries;
use crate::error::{Error, SettingsError};
use crate::event::{Event, Events};
use crate::id::TokenFormat;
#[cfg(feature = "encrypt")]
use crate::keys::SecretKeys;
use crate::store::SessionStore;

/// How sessions behave: the cookie, the deadlines, the limits.
///
/// Made in code, or read from any configuration file that serde reads. Durations are whole seconds there:
///
/// ```
/// use session_core::Settings;
/// use std::time::Duration;
///
/// let in_code = Settings::default().with_cookie_name("shop").with_idle_timeout(Some(Duration::from_secs(1800)));
/// let from_file: Settings = serde_json::from_str(r#"{"cookie_name": "shop", "idle_timeout": 1800}"#).unwrap();
/// assert_eq!(format!("{in_code:?}"), format!("{from_file:?}"));
/// ```
///
/// A name that does not exist is an error, not ignored. Whether the values fit together is judged when they are used
/// ([`Sessions::new`](crate::Sessions::new)).
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    pub(crate) cookie_name: String,
    #[serde(with = "seconds")]
    pub(crate) cookie_age: Duration,
    pub(crate) cookie_domain: Option<String>,
    pub(crate) cookie_path: String,
    pub(crate) cookie_secure: bool,
    pub(crate) cookie_http_only: bool,
    pub(crate) cookie_same_site: SameSite,
    pub(crate) cookie_partitioned: bool,
    pub(crate) expire_at_browser_close: bool,
    pub(crate) save_every_request: bool,
    #[serde(with = "optional_seconds")]
    pub(crate) idle_timeout: Option<Duration>,
    #[serde(with = "optional_seconds")]
    pub(crate) absolute_timeout: Option<Duration>,
    #[serde(with = "optional_seconds")]
    pub(crate) renew_every: Option<Duration>,
    pub(crate) max_sessions: Option<NonZeroU32>,
    pub(crate) on_session_limit: OnSessionLimit,
    pub(crate) on_conflict: OnConflict,
    pub(crate) max_bytes: usize,
    pub(crate) max_keys: usize,
    #[serde(with = "optional_seconds")]
    pub(crate) store_timeout: Option<Duration>,
    pub(crate) max_waiting: usize,
    pub(crate) on_outage: OnOutage,
    #[serde(skip)]
    pub(crate) events: Events,
    #[serde(skip)]
    native: Native,
    #[serde(skip, default = "system_clock")]
    pub(crate) clock: Arc<dyn Clock>,
}

/// The cookie's `SameSite` attribute: on which requests from other sites the browser sends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(clippy::exhaustive_enums, reason = "the three values of RFC 6265bis")]
pub enum SameSite {
    /// Only when the user follows a link here. The default.
    #[default]
    Lax,
    /// Never: a user who follows a link from elsewhere arrives signed out.
    Strict,
    /// Always. Needs `Secure`.
    None,
}

/// What a save does when another request has saved the session in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum OnConflict {
    /// Applies this request's changes to the newer session: nobody's change is lost.
    #[default]
    Merge,
    /// Fails with [`Error::Conflict`](crate::Error::Conflict), and nothing is changed.
    Reject,
}

/// What a login does when the account has as many sessions as it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OnSessionLimit {
    /// Ends those that were longest without use.
    #[default]
    EndOldest,
    /// Is refused, with [`Error::SessionLimit`](crate::Error::SessionLimit): somebody must sign out elsewhere first.
    Refuse,
}

/// What a request gets whose session cannot be loaded because the store cannot be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum OnOutage {
    /// The error, which is answered with 503. A visitor is never shown a page as somebody that they are not.
    #[default]
    Fail,
    /// An empty session that nobody is signed in to. It can be read; what would change, create or end it fails, with 503. The cookie
    /// stays, so that the visitor is who they were when the store is back. For sites most of whose pages need no session.
    Anonymous,
}

/// How sure an application is of who has signed in: the authenticator assurance levels of NIST SP 800-63B-4, for the limits that it sets
/// to a login (C18). How to sign in at a level is the application's affair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the three levels of NIST SP 800-63B")]
pub enum AssuranceLevel {
    /// One factor: at most 30 days.
    Aal1,
    /// Two factors: at most 24 hours, and one hour without use.
    Aal2,
    /// Two factors, one of them hardware that cannot be phished: at most 12 hours, and 15 minutes without use.
    Aal3,
}

impl AssuranceLevel {
    /// Overall, and without use.
    fn limits(self) -> (Duration, Option<Duration>) {
        const HOUR: Duration = Duration::from_secs(3600);
        match self {
            Self::Aal1 => (30 * 24 * HOUR, None),
            Self::Aal2 => (24 * HOUR, Some(HOUR)),
            Self::Aal3 => (12 * HOUR, Some(HOUR / 4)),
        }
    }
}

const MIXED_FORMATS: &str =
    "a store of Django's tables or files goes with `AnyStore::with_django_format`, and no other store does";

impl Default for Settings {
    fn default() -> Self {
        Self {
            cookie_name: "sessionid".to_owned(),
            cookie_age: Duration::from_secs(14 * 24 * 3600),
            cookie_domain: None,
            cookie_path: "/".to_owned(),
            cookie_secure: true,
            cookie_http_only: true,
            cookie_same_site: SameSite::Lax,
            cookie_partitioned: false,
            expire_at_browser_close: false,
            save_every_request: false,
            idle_timeout: None,
            absolute_timeout: None,
            renew_every: None,
            max_sessions: None,
            on_session_limit: OnSessionLimit::EndOldest,
            on_conflict: OnConflict::Merge,
            max_bytes: 4 << 20,
            max_keys: 10_000,
            store_timeout: Some(Duration::from_secs(10)),
            max_waiting: 10_000,
            on_outage: OnOutage::Fail,
            events: Events::default(),
            native: Native::default(),
            clock: system_clock(),
        }
    }
}

impl Settings {
    /// The name of the cookie.
    pub fn cookie_name(&self) -> &str {
        &self.cookie_name
    }

    /// How long a session lasts after its last write, where neither it nor an idle timeout says otherwise.
    pub fn cookie_age(&self) -> Duration {
        self.cookie_age
    }

    /// The cookie's name; `sessionid` if not set. Two sessions of one application need two names.
    #[must_use = "settings are values: use what this returns"]
    pub fn with_cookie_name(mut self, name: impl Into<String>) -> Self {
        self.cookie_name = name.into();
        self
    }

    /// Prefixes the cookie's name with `__Host-`: the browser then refuses it from a subdomain, over plain HTTP, or with a
    /// `Domain` (ASVS 3.3.1). Sets `Secure`, path `/` and no domain, without which that prefix is refused.
    #[must_use = "settings are values: use what this returns"]
    pub fn with_host_prefix(mut self) -> Self {
        if !self.cookie_name.starts_with("__Host-") {
            self.cookie_name.insert_str(0, "__Host-");
        }
        self.with_cookie_secure(true).with_cookie_path("/").with_cookie_domain(None)
    }

    /// How long a session lasts after its last write, and the cookie's `Max-Age`; 14 days if not set.
    #[must_use = "settings are values: use what this returns"]
    pub fn with_cookie_age(mut self, age: Duration) -> Self {
        self.cookie_age = age;
        self
    }

    /// The cookie's `Domain`. Without it (the default) only the host itself gets the cookie; with it every subdomain too.
    #[must_use = "settings are values: use what this returns"]
    pub fn with_cookie_domain(mut self, domain: Option<String>) -> Self {
        self.cookie_domain = domain;
        self
    }

    /// The cookie's `Path`; `/` if not set.
    #[must_use = "settings are values: use what this returns"]
    pub fn with_cookie_path(mut self, path: impl Into<String>) -> Self {
        self.cookie_path = path.into();
        self
    }

    /// Whether the cookie is sent over HTTPS alone. On if not set; switch it off for local work over plain HTTP only.
    #[must_use = "settings are values: use what this returns"]
    pub fn with_cookie_secure(mut self, secure: bool) -> Self {
        self.cookie_secure = secure;
        self
    }

    /// Whether scripts in the page are kept from the cookie. On if not set.
    #[must_use = "settings are values: use what this returns"]
    pub fn with_cookie_http_only(mut self, http_only: bool) -> Self {
        self.cookie_http_only = http_only;
        self
    }

    /// The cookie's `SameSite`; `Lax` if not set.
    #[must_use = "settings are values: use what this returns"]
    pub fn with_cookie_same_site(mut self, same_site: SameSite) -> Self {
        self.cookie_same_site = same_site;
        self
    }

    /// The cookie's `Partitioned` (CHIPS): an embedded site gets another session under each site that embeds it.
    #[must_use = "settings are values: use what this returns"]
    pub fn with_cookie_partitioned(mut self, partitioned: bool) -> Self {
        self.cookie_partitioned = partitioned;
        self
    }

    /// Whether the cookie goes when the browser is closed, where a session does not say otherwise. Off if not set.
    #[must_use = "settings are values: use what this returns"]
    pub fn with_expire_at_browser_close(mut self, close: bool) -> Self {
        self.expire_at_browser_close = close;
        self
    }

    /// Whether every request with a live session renews its deadline, on routes that do not use it too. Costs a load and a
    /// touch each. Off if not set. It creates no session.
    #[must_use = "settings are values: use what this returns"]
    pub fn with_save_every_request(mut self, every: bool) -> Self {
        self.save_every_request = every;
        self
    }

    /// Ends a session this long after its last use (OWASP's idle timeout), in place of the age after the last write. A use
    /// is recorded at most once per tenth of it.
    #[must_use = "settings are values: use what this returns"]
    pub fn with_idle_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// Ends a session this long after it was created, or after the last login in it, however busy it is.
    #[must_use = "settings are values: use what this returns"]
    pub fn with_absolute_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.absolute_timeout = timeout;
        self
    }

    /// No longer than a login of this level may last, by [NIST SP 800-63B-4](AssuranceLevel): timeouts that are not set, or are
    /// longer, become the level's. Shorter ones stay.
    ///
    /// ```
    /// # use session_core::{AssuranceLevel, Settings};
    /// let settings = Settings::default().with_assurance_level(AssuranceLevel::Aal2);
    /// ```
    #[must_use = "settings are values: use what this returns"]
    pub fn with_assurance_level(mut self, level: AssuranceLevel) -> Self {
        let (overall, inactive) = level.limits();
        let at_most = |set: Option<Duration>, limit| Some(set.map_or(limit, |set| set.min(limit)));
        self.absolute_timeout = at_most(self.absolute_timeout, overall);
        if let Some(inactive) = inactive {
            self.idle_timeout = at_most(self.idle_timeout, inactive);
        }
        self
    }

    /// Gives a session a new secret when the one it has is older than this (OWASP's renewal timeout).
    #[must_use = "settings are values: use what this returns"]
    pub fn with_renew_every(mut self, every: Option<Duration>) -> Self {
        self.renew_every = every;
        self
    }

    /// How many sessions an account may have at once; any number if not set. A login over it ends the one that was longest
    /// without use, unless [`with_on_session_limit`](Self::with_on_session_limit) says otherwise.
    #[must_use = "settings are values: use what this returns"]
    pub fn with_max_sessions(mut self, limit: Option<NonZeroU32>) -> Self {
        self.max_sessions = limit;
        self
    }

    /// What a login does when the account has as many sessions as it may; ends the oldest if not set.
    #[must_use = "settings are values: use what this returns"]
    pub fn with_on_session_limit(mut self, on_limit: OnSessionLimit) -> Self {
        self.on_session_limit = on_limit;
        self
    }

    /// What a save does when another request was faster; merges if not set.
    #[must_use = "settings are values: use what this returns"]
    pub fn with_on_conflict(mut self, on_conflict: OnConflict) -> Self {
        self.on_conflict = on_conflict;
        self
    }

    /// The size that a session's data may have, in bytes of JSON; 4 MiB if not set. What would pass it is refused when it is
    /// written, with [`Error::TooLarge`](crate::Error::TooLarge).
    #[must_use = "settings are values: use what this returns"]
    pub fn with_max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// How many keys a session may have; 10,000 if not set. One more is [`Error::TooManyKeys`](crate::Error::TooManyKeys).
    #[must_use = "settings are values: use what this returns"]
    pub fn with_max_keys(mut self, keys: usize) -> Self {
        self.max_keys = keys;
        self
    }

    /// How long a call to the store may take; 10 seconds if not set, and any time with `None`. After that it is
    /// [`Unavailable`](crate::store::StoreErrorKind::Unavailable): a request never hangs with its store. A save may take half of it
    /// more: a quarter to wait for other saves of the session, and a quarter to find out what became of a write that was not answered.
    /// Stores have shorter patience of their own where their engine lets them.
    #[must_use = "settings are values: use what this returns"]
    pub fn with_store_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.store_timeout = timeout;
        self
    }

    /// How many requests may wait for the store at once; 10,000 if not set. One more is refused at once, as
    /// [`Unavailable`](crate::store::StoreErrorKind::Unavailable): what a slow store cannot take does not pile up in this process.
    #[must_use = "settings are values: use what this returns"]
    pub fn with_max_waiting(mut self, requests: usize) -> Self {
        self.max_waiting = requests;
        self
    }

    /// What a request gets while the store cannot be reached; the error if not set.
    #[must_use = "settings are values: use what this returns"]
    pub fn with_on_outage(mut self, on_outage: OnOutage) -> Self {
        self.on_outage = on_outage;
        self
    }

    /// Is told what happens to sessions: see [`Event`](crate::Event). Called within requests, so it should be quick; where it panics,
    /// the request goes on.
    ///
    /// ```
    /// use session_core::{Event, Settings};
    ///
    /// let settings = Settings::default().with_event_handler(|event| match event {
    ///     Event::ReuseAfterRotation { handle } => eprintln!("an old cookie of {handle:?} was used"),
    ///     Event::StoreFailed { verb, error } => eprintln!("{}: {error}", verb.name()),
    ///     _ => {}
    /// });
    /// ```
    #[must_use = "settings are values: use what this returns"]
    pub fn with_event_handler(mut self, handler: impl Fn(&Event<'_>) + Send + Sync + 'static) -> Self {
        self.events = Events::to(handler);
        self
    }

    /// Writes data compressed where it is smaller then. Off if not set; what is compressed is read in any case.
    #[cfg(feature = "compress")]
    #[must_use = "settings are values: use what this returns"]
    pub fn with_compression(mut self, compress: bool) -> Self {
        self.native.compress = compress;
        self
    }

    /// Encrypts data before the store gets it, with XChaCha20-Poly1305 (C35). A secret has 32 bytes at least. Sessions that lie
    /// there unencrypted are [`Undecodable`](crate::Error::Undecodable) then.
    #[cfg(feature = "encrypt")]
    pub fn with_encryption(mut self, keys: &SecretKeys) -> Result<Self, SettingsError> {
        self.native.encryption = Some(Encryption::new(keys, false)?);
        Ok(self)
    }

    /// As [`with_encryption`](Self::with_encryption), but reads what is not encrypted: while a site begins to encrypt. Leave it
    /// as soon as the sessions from before have expired; until then, who can write to the store can plant a session.
    #[cfg(feature = "encrypt")]
    pub fn with_encryption_from_now_on(mut self, keys: &SecretKeys) -> Result<Self, SettingsError> {
        self.native.encryption = Some(Encryption::new(keys, true)?);
        Ok(self)
    }

    /// Whether a session with these values is allowed.
    pub(crate) fn check_limits(&self, entries: &Entries) -> Result<(), Error> {
        let (keys, size) = (entries.len(), entries.size());
        if keys > self.max_keys {
            return Err(Error::TooManyKeys { limit: self.max_keys });
        }
        if size > self.max_bytes {
            return Err(Error::TooLarge { size, limit: self.max_bytes });
        }
        Ok(())
    }

    /// The codec of these settings for a backend: a store holds what its format's codec writes, and no other.
    /// What is meant by a zero is none; and what it would do is no error that anybody sees.
    pub(crate) fn check_no_zero(&self) -> Result<(), SettingsError> {
        let is_zero = |limit: Option<Duration>| limit.is_some_and(|limit| limit.is_zero());
        let zeros = [
            ("idle_timeout", is_zero(self.idle_timeout)),
            ("absolute_timeout", is_zero(self.absolute_timeout)),
            ("store_timeout", is_zero(self.store_timeout)),
            ("max_waiting", self.max_waiting == 0),
        ];
        match zeros.into_iter().find(|(_, is_zero)| *is_zero) {
            Some((setting, _)) => Err(SettingsError::Zero { setting }),
            None => Ok(()),
        }
    }

    pub(crate) fn codec(&self, backend: &Backend) -> Result<Codec, SettingsError> {
        let native = Codec::Native(self.native.clone());
        let Backend::Server(store) = backend else { return Ok(native) };
        match (store.capabilities().tokens, &store.django) {
            (TokenFormat::Split, None) => Ok(native),
            #[cfg(feature = "django")]
            (TokenFormat::Plain, Some(django)) if self.native.is_plain() => Ok(Codec::Django(django.clone())),
            #[cfg(feature = "django")]
            (TokenFormat::Plain, Some(_)) => Err(SettingsError::Format(
                "Django's format is what Django reads: it is not encrypted, and compressed in its own way",
            )),
            #[cfg(feature = "django")]
            (TokenFormat::SplitFromPlain, Some(django)) => {
                Ok(Codec::FromDjango(django.clone(), self.native.clone()))
            }
            _ => Err(SettingsError::Format(MIXED_FORMATS)),
        }
    }

    /// Where the time comes from; the operating system if not set. Tests pass a [`ManualClock`](crate::ManualClock).
    #[must_use = "settings are values: use what this returns"]
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }
}

fn system_clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock)
}

mod seconds {
    use std::fmt;
    use std::time::Duration;

    use serde::de::{Error, Visitor};
    use serde::{Deserialize, Deserializer};

    pub(super) struct Seconds(pub(super) Duration);

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        Seconds::deserialize(from).map(|Seconds(time)| time)
    }

    impl<'de> Deserialize<'de> for Seconds {
        fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            from.deserialize_u64(OfNumber)
        }
    }

    struct OfNumber;

    impl Visitor<'_> for OfNumber {
        type Value = Seconds;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a number of whole seconds")
        }

        fn visit_u64<E: Error>(self, seconds: u64) -> Result<Seconds, E> {
            Ok(Seconds(Duration::from_secs(seconds)))
        }

        fn visit_i64<E: Error>(self, seconds: i64) -> Result<Seconds, E> {
            let seconds = u64::try_from(seconds).map_err(|_| E::custom("a time is not negative"))?;
            self.visit_u64(seconds)
        }
    }
}

mod optional_seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer};

    use super::seconds::Seconds;

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
        Ok(Option::<Seconds>::deserialize(from)?.map(|Seconds(time)| time))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_whole_seconds() {
        let read = |value: &str| {
            let text = format!(r#"{{"idle_timeout": {value}, "cookie_age": 60}}"#);
            serde_json::from_str::<Settings>(&text).map(|settings| settings.idle_timeout)
        };
        assert_eq!(read("1800").unwrap(), Some(Duration::from_secs(1800)));
        assert_eq!(read("null").unwrap(), None);
        for wrong in [r#""30m""#, "-1", "0.5"] {
            let error = read(wrong).unwrap_err().to_string();
            assert!(error.contains("whole seconds") || error.contains("not negative"), "{wrong}: {error}");
        }
    }

    #[test]
    fn a_misspelt_setting_is_an_error() {
        let error = serde_json::from_str::<Settings>(r#"{"cookie_nam": "x"}"#).unwrap_err();
        assert!(error.to_string().contains("cookie_nam"));
    }
}
