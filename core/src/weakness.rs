//! What is weak in production.

use std::collections::HashSet;
use std::fmt;

use crate::backend::Backend;
use crate::keys::SecretKeys;
use crate::sessions::Sessions;
use crate::settings::{SameSite, Settings};
use crate::store::SessionStore as _;

/// Something that is all right while an application is being written, and weak where it serves: what [`Sessions::check`] finds, as Django's
/// `check --deploy` does. Its `Display` says what to do.
///
/// ```
/// use session_core::{Settings, Weakness};
///
/// assert_eq!(Settings::default().check(), []);
/// let settings = Settings::default().with_cookie_secure(false);
/// assert_eq!(settings.check(), [Weakness::NotSecure]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Weakness {
    /// The cookie goes over plain HTTP as well, where everybody on the way reads it (C4; Django's W012).
    NotSecure,
    /// Scripts in the page read the cookie (C5; Django's W015).
    NotHttpOnly,
    /// Requests that other sites make bring the cookie (C6).
    NotSameSite,
    /// Every subdomain gets the cookie, and can set it (C7).
    SharedWithSubdomains,
    /// A request waits for its store as long as that likes.
    NoStoreTimeout,
    /// The store's sessions end with the process.
    NotDurable,
    /// Each process has sessions of its own.
    NotShared,
    /// `max_sessions` is set, and the store does not know which sessions an account has: nothing is limited.
    NoSessionLimit,
    /// A session in a cookie cannot be ended on the server, and nothing else bounds how long a stolen one is good (T25).
    EndlessCookie,
    /// A secret of fewer than 32 bytes.
    ShortSecret,
    /// A secret that is in many people's code, or almost no secret: Django's `django-insecure-…`, a placeholder, a few characters again
    /// and again (Django's W009).
    GuessableSecret,
}

impl fmt::Display for Weakness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotSecure => "the cookie is sent over plain HTTP too: leave `cookie_secure` on, and serve HTTPS",
            Self::NotHttpOnly => "scripts can read the cookie: leave `cookie_http_only` on",
            Self::NotSameSite => {
                "requests from other sites bring the cookie: use `SameSite::Lax`, or check each form's CSRF token"
            }
            Self::SharedWithSubdomains => {
                "every subdomain gets the cookie and can set it: leave `cookie_domain` out, or trust all of them"
            }
            Self::NoStoreTimeout => "a request waits for its store without end: set `store_timeout`",
            Self::NotDurable => "sessions end with the process: use a store that keeps them, such as `sqlite:` or `redis:`",
            Self::NotShared => "each process has sessions of its own: with more than one, use a store that they share",
            Self::NoSessionLimit => {
                "`max_sessions` limits nothing: this store does not know which sessions an account has"
            }
            Self::EndlessCookie => {
                "a session in a cookie cannot be ended on the server: bound it with `absolute_timeout`"
            }
            Self::ShortSecret => "a secret key is short: draw 32 bytes at random",
            Self::GuessableSecret => "a secret key can be guessed: draw 32 bytes at random, and keep them out of the code",
        })
    }
}

impl Settings {
    /// What of the settings is weak in production; nothing of the default ones.
    pub fn check(&self) -> Vec<Weakness> {
        found([
            (!self.cookie_secure, Weakness::NotSecure),
            (!self.cookie_http_only, Weakness::NotHttpOnly),
            (self.cookie_same_site == SameSite::None, Weakness::NotSameSite),
            (self.cookie_domain.is_some(), Weakness::SharedWithSubdomains),
            (self.store_timeout.is_none(), Weakness::NoStoreTimeout),
        ])
    }
}

impl Sessions {
    /// What is weak in production, of the settings and of where the sessions live. For a log when the application starts: each is meant
    /// sometimes. Secrets are checked by themselves, with [`SecretKeys::check`].
    pub fn check(&self) -> Vec<Weakness> {
        let mut all = self.settings().check();
        let unlimited = self.settings().max_sessions.is_some() && self.account_store().is_err();
        all.extend(unlimited.then_some(Weakness::NoSessionLimit));
        all.extend(match self.backend() {
            Backend::Server(store) => {
                let can = store.capabilities();
                found([(!can.durable, Weakness::NotDurable), (!can.shared, Weakness::NotShared)])
            }
            Backend::Client(_) => {
                found([(self.settings().absolute_timeout.is_none(), Weakness::EndlessCookie)])
            }
        });
        all
    }
}

impl SecretKeys {
    /// What is weak of the secrets.
    ///
    /// ```
    /// use session_core::{SecretKeys, Weakness};
    ///
    /// let weak = SecretKeys::new("django-insecure-changeme").check();
    /// assert_eq!(weak, [Weakness::ShortSecret, Weakness::GuessableSecret]);
    /// ```
    pub fn check(&self) -> Vec<Weakness> {
        const SHORTEST: usize = 32;
        found([
            (self.iter().any(|secret| secret.len() < SHORTEST), Weakness::ShortSecret),
            (self.iter().any(is_guessable), Weakness::GuessableSecret),
        ])
    }
}

fn is_guessable(secret: &[u8]) -> bool {
    const FEW: usize = 8;
    const PLACEHOLDERS: [&str; 8] =
        ["insecure", "change", "development", "example", "password", "placeholder", "secret", "your"];
    let text = String::from_utf8_lossy(secret).to_lowercase();
    let distinct = secret.iter().collect::<HashSet<_>>().len();
    distinct < FEW || PLACEHOLDERS.iter().any(|word| text.contains(word))
}

fn found<const N: usize>(checks: [(bool, Weakness); N]) -> Vec<Weakness> {
    checks.into_iter().filter_map(|(is, weakness)| is.then_some(weakness)).collect()
}
