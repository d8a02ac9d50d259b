//! What the application is told.

#![expect(clippy::unwrap_used, reason = "a test fails where it is")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use session_core::testing::{Probe, Verb, Visitor, When};
use session_core::{Event, Expiry, ManualClock, SecretKeys, Sessions, Settings, Sweeper};
use session_memory::MemoryStore;

struct Site {
    probe: Probe,
    sessions: Sessions,
    clock: ManualClock,
    told: Arc<Mutex<Vec<String>>>,
}

fn site(settings: Settings) -> Site {
    let (probe, clock, told) = (Probe::new(MemoryStore::new()), ManualClock::default(), Arc::default());
    let hears: Arc<Mutex<Vec<String>>> = Arc::clone(&told);
    let settings = settings.with_clock(clock.clone()).with_event_handler(move |event| {
        hears.lock().unwrap().push(event.name().to_owned());
        // What a log would show.
        hears.lock().unwrap().push(format!("{event:?}"));
    });
    let sessions = Sessions::new(probe.clone(), settings).unwrap();
    Site { probe, sessions, clock, told }
}

impl Site {
    /// What was told since the last time.
    fn told(&self) -> Vec<String> {
        let told = std::mem::take(&mut *self.told.lock().unwrap());
        told.into_iter().step_by(2).collect()
    }
}

/// C31, C32: what begins, ends, is renewed or refused can be logged and counted.
#[tokio::test]
async fn each_thing_that_happens_is_told_once() {
    let site = site(Settings::default());
    let mut v = Visitor::new(&site.sessions);
    v.visit(200, async |s| s.insert("n", 0)).await.unwrap();
    assert_eq!(site.told(), ["created"]);
    v.visit(200, async |s| s.get::<u32>("n")).await.unwrap();
    assert_eq!(site.told(), ["loaded"]);
    v.visit(200, async |s| s.insert("n", 1)).await.unwrap();
    assert_eq!(site.told(), ["loaded", "saved"]);
    let old = v.clone();
    v.visit(200, async |s| s.login("ada").await).await.unwrap();
    assert_eq!(site.told(), ["loaded", "rotated", "signed_in"]);
    old.clone().visit(200, async |s| s.get::<u32>("n")).await.unwrap();
    assert_eq!(site.told(), [""; 0], "one that was on its way is nothing to be told");
    site.clock.advance(Duration::from_secs(31));
    old.clone().visit(200, async |s| s.get::<u32>("n")).await.unwrap();
    assert_eq!(site.told(), ["reuse_after_rotation"]);

    let mut guess = v.cookie().unwrap().to_owned();
    guess.replace_range(25.., &"a".repeat(25));
    for cookie in [guess, "malformed".to_owned()] {
        Visitor::with_cookie(&site.sessions, cookie).visit(200, async |s| Ok(s.keys())).await.unwrap();
        assert_eq!(site.told(), ["unknown_token"]);
    }
    v.visit(500, async |s| s.insert("n", 2)).await.unwrap();
    assert_eq!(site.told(), ["loaded", "dropped"]);

    let slow = v.begin();
    slow.session().await.unwrap().insert("slow", 1).unwrap();
    v.visit(200, async |s| s.insert("fast", 1)).await.unwrap();
    let _ = slow.finish(200).await;
    assert_eq!(site.told(), ["loaded", "loaded", "saved", "conflict", "saved"]);

    let late = v.begin();
    late.session().await.unwrap().insert("late", 1).unwrap();
    let gone = v.clone();
    v.visit(200, async |s| s.flush().await).await.unwrap();
    let _ = late.finish(200).await;
    assert_eq!(site.told(), ["loaded", "loaded", "flushed", "interrupted"]);
    gone.clone().visit(200, async |s| s.get::<u32>("n")).await.unwrap();
    assert_eq!(site.told(), ["missed"]);

    let mut v = Visitor::new(&site.sessions);
    v.visit(200, async |s| s.login("ada").await).await.unwrap();
    let mut other = Visitor::new(&site.sessions);
    other.visit(200, async |s| s.login("ada").await).await.unwrap();
    other.visit(200, async |s| s.revoke_others().await).await.unwrap();
    assert_eq!(site.told(), ["created", "signed_in", "created", "signed_in", "loaded", "revoked"]);
    site.probe.fail_next(Verb::Load, When::Before);
    other.visit(200, async |s| s.get::<u32>("n")).await.unwrap_err();
    assert_eq!(site.told(), ["store_failed"]);
    let past = Expiry::At(session_core::Time::from_millis(0));
    other.visit(200, async |s| s.set_expiry(past)).await.unwrap();
    assert_eq!(site.told(), ["loaded", "expired"]);
}

/// What is no answer to a visit with changes: a renewal, a logout that reads nothing, a sweep, and what cannot be read.
#[tokio::test]
async fn the_rest_is_told_too() {
    let hour = Duration::from_secs(3600);
    let site = site(Settings::default().with_renew_every(Some(hour)));
    let mut v = Visitor::new(&site.sessions);
    v.visit(200, async |s| s.insert("n", 0)).await.unwrap();
    site.clock.advance(2 * hour);
    v.visit(200, async |s| s.get::<u32>("n")).await.unwrap();
    assert_eq!(site.told(), ["created", "loaded", "rotated"]);
    let keys = SecretKeys::new("a secret of thirty-two bytes, or of more");
    let encrypts = site.sessions.settings().clone().with_encryption(&keys).unwrap();
    let other = site.sessions.with_settings(encrypts).unwrap();
    let mut reader = Visitor::with_cookie(&other, v.cookie().unwrap());
    reader.visit(200, async |s| s.get::<u32>("n")).await.unwrap_err();
    assert_eq!(site.told(), ["unreadable"]);
    let visit = v.begin();
    visit.pending().flush().await.unwrap();
    _ = visit.finish(200).await;
    assert_eq!(site.told(), ["flushed"]);
    site.sessions.revoke_account("nobody").await.unwrap();
    assert_eq!(site.told(), [""; 0], "nothing was ended");
    v.visit(200, async |s| s.insert("n", 0)).await.unwrap();
    site.clock.advance(30 * 24 * hour);
    Sweeper::new(&site.sessions).sweep().await.unwrap();
    assert_eq!(site.told(), ["missed", "created", "purged"]);
}

/// A request that panics or is cancelled never finishes.
#[tokio::test]
async fn what_is_never_saved_is_told() {
    let site = site(Settings::default());
    let visit = Visitor::new(&site.sessions).begin();
    visit.session().await.unwrap().insert("n", 0).unwrap();
    drop(visit);
    assert_eq!(site.told(), ["dropped"]);
    let mut v = Visitor::new(&site.sessions);
    v.visit(200, async |s| s.insert("n", 0)).await.unwrap();
    let visit = v.begin();
    let session = visit.session().await.unwrap();
    let _ = visit.finish(200).await;
    session.insert("after", 1).unwrap();
    drop(session);
    assert_eq!(site.told(), ["created", "loaded", "dropped"], "changed after its response, and not saved");
}

/// C31: an event may go into a log as it is.
#[tokio::test]
async fn no_event_shows_a_token_a_value_or_an_account() {
    let site = site(Settings::default());
    let mut v = Visitor::new(&site.sessions);
    v.visit(200, async |s| s.insert("name", "a-value-of-hers")).await.unwrap();
    v.visit(200, async |s| s.login("ada@example.org").await).await.unwrap();
    site.probe.fail_next(Verb::Load, When::Before);
    v.visit(200, async |s| s.get::<u32>("n")).await.unwrap_err();
    v.visit(500, async |s| s.insert("name", "a-value-of-hers")).await.unwrap();
    let told = site.told.lock().unwrap().join("\n");
    assert!(told.contains("StoreFailed"));
    let (selector, secret) = v.cookie().unwrap().split_at(25);
    for secret in [selector, secret, "a-value-of-hers", "ada@example.org"] {
        assert!(!told.contains(secret), "{told}");
    }
}

/// T17: an end holds whatever hears of it.
#[tokio::test]
async fn a_handler_that_panics_keeps_no_session() {
    let settings = Settings::default().with_event_handler(|event| {
        assert!(matches!(event, Event::Created { .. }), "this is a test");
    });
    let probe = Probe::new(MemoryStore::new());
    let sessions = Sessions::new(probe.clone(), settings).unwrap();
    let mut v = Visitor::new(&sessions);
    for lazily in [false, true] {
        v.visit(200, async |s| s.insert("n", 0)).await.unwrap();
        let old = v.clone();
        if lazily {
            let visit = v.begin();
            visit.pending().flush().await.unwrap();
            v.receive(&visit.finish(200).await);
        } else {
            v.visit(200, async |s| s.flush().await).await.unwrap();
        }
        assert_eq!(v.cookie(), None);
        assert_eq!(old.clone().visit(200, async |s| s.get::<u32>("n")).await.unwrap(), None);
    }
    v.visit(200, async |s| s.login("ada").await).await.unwrap();
    assert_eq!(sessions.revoke_account("ada").await.unwrap(), 1);
    assert_eq!(v.visit(200, async |s| Ok(s.account())).await.unwrap(), None);
}

#[tokio::test]
async fn a_handler_that_panics_breaks_no_request() {
    let settings = Settings::default().with_event_handler(|event| {
        assert!(!matches!(event, Event::Saved { .. } | Event::Loaded { .. }), "this is a test");
    });
    let sessions = Sessions::new(MemoryStore::new(), settings).unwrap();
    let mut v = Visitor::new(&sessions);
    v.visit(200, async |s| s.insert("n", 0)).await.unwrap();
    v.visit(200, async |s| s.update("n", |n: &mut u32| *n += 1)).await.unwrap();
    assert_eq!(v.visit(200, async |s| s.get("n")).await.unwrap(), Some(1));
}
