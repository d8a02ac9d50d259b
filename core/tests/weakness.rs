//! What is weak in production is found, and nothing else.

use session_core::django::SignedCookies;
use session_core::store::{Capabilities, SessionStore};
use session_core::testing::Probe;
use session_core::{AnySealer, AssuranceLevel, SameSite, SecretKeys, Sessions, Settings, Weakness};
use session_memory::MemoryStore;

/// C4 to C7.
#[test]
fn each_weak_setting_is_found() {
    let plain = Settings::default;
    let settings = [
        (plain(), None),
        (plain().with_host_prefix(), None),
        (plain().with_cookie_secure(false), Some(Weakness::NotSecure)),
        (plain().with_cookie_http_only(false), Some(Weakness::NotHttpOnly)),
        (plain().with_cookie_same_site(SameSite::None), Some(Weakness::NotSameSite)),
        (plain().with_cookie_domain(Some("example.org".to_owned())), Some(Weakness::SharedWithSubdomains)),
        (plain().with_store_timeout(None), Some(Weakness::NoStoreTimeout)),
    ];
    for (settings, weakness) in settings {
        assert_eq!(settings.check(), Vec::from_iter(weakness), "{settings:?}");
    }
}

#[test]
fn a_store_that_forgets_is_found() {
    let memory = Sessions::new(MemoryStore::new(), Settings::default()).unwrap();
    assert_eq!(memory.check(), [Weakness::NotDurable, Weakness::NotShared]);
    assert_eq!(Probe::new(MemoryStore::new()).capabilities(), Capabilities::in_process());
}

#[test]
fn a_limit_that_limits_nothing_is_found() {
    let limited = Settings::default().with_max_sessions(3.try_into().ok());
    let keys = SecretKeys::new("k");
    let sealer = AnySealer::new(SignedCookies::new(&keys, limited.cookie_age()));
    let limited = limited.with_assurance_level(AssuranceLevel::Aal1);
    assert_eq!(Sessions::new(sealer, limited).unwrap().check(), [Weakness::NoSessionLimit]);
}

/// T25: what bounds a stolen cookie is its end.
#[test]
fn a_cookie_without_an_end_is_found() {
    let sealer =
        || AnySealer::new(SignedCookies::new(&SecretKeys::new("k"), Settings::default().cookie_age()));
    let endless = Sessions::new(sealer(), Settings::default()).unwrap();
    assert_eq!(endless.check(), [Weakness::EndlessCookie]);
    let bounded = Settings::default().with_assurance_level(AssuranceLevel::Aal1);
    assert_eq!(Sessions::new(sealer(), bounded).unwrap().check(), []);
}

#[test]
fn a_secret_that_is_none_is_found() {
    const GOOD: &str = "vH4#q0Zr!mT8wLx2@bN6yKc9$eJ1uRf5";
    let weak = |secret: &str| SecretKeys::new(secret).check();
    assert_eq!(weak(GOOD), []);
    assert_eq!(weak(&GOOD[1..]), [Weakness::ShortSecret]);
    assert_eq!(weak(&"ab".repeat(20)), [Weakness::GuessableSecret]);
    assert_eq!(weak(&format!("django-insecure-{GOOD}")), [Weakness::GuessableSecret]);
    assert_eq!(weak(&format!("CHANGEME{GOOD}")), [Weakness::GuessableSecret]);
    let behind = SecretKeys::new(GOOD).with_fallback("old");
    assert_eq!(behind.check(), [Weakness::ShortSecret, Weakness::GuessableSecret], "an old one still opens");
    assert!(!Weakness::ShortSecret.to_string().is_empty());
}
