//! Sessions of Django's `signed_cookies`.

use session_core::django::SignedCookies;
use session_core::{AnySealer, Sealer as _, Sessions};

use crate::django::{bombs, keys, text};
use crate::visits::{NOW, settings, use_session, wait};

/// What is inflated at most.
const MOST: usize = 1 << 20;

const SALT: &str = "django.contrib.sessions.backends.signed_cookies";

pub(crate) fn run(input: &[u8]) {
    let sealer = AnySealer::new(SignedCookies::new(&keys(), settings().cookie_age()));
    let cookie = text(SALT, input);
    let Some(record) = sealer.open(&cookie, NOW) else { return };
    assert!(record.data.len() <= MOST && record.expires_at > NOW);
    let sessions = Sessions::new(sealer, settings()).expect("the default settings");
    wait(use_session(&sessions, std::str::from_utf8(&cookie).expect("it was read as text")));
}

pub(crate) fn hostile() -> Vec<Vec<u8>> {
    bombs(MOST)
}
