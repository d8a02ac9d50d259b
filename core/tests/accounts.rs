//! How many sessions an account may have, and how fresh a login must be.

#![expect(clippy::unwrap_used, reason = "a test fails where it is")]

use std::time::Duration;

use futures_util::future::join_all;
use session_core::testing::Visitor;
use session_core::{Error, ManualClock, OnSessionLimit, Sessions, Settings};
use session_memory::MemoryStore;

const MINUTE: Duration = Duration::from_secs(60);

fn sessions(settings: Settings) -> (Sessions, ManualClock) {
    let clock = ManualClock::default();
    (Sessions::new(MemoryStore::new(), settings.with_clock(clock.clone())).unwrap(), clock)
}

fn limited() -> Settings {
    Settings::default().with_max_sessions(3.try_into().ok()).with_on_session_limit(OnSessionLimit::Refuse)
}

async fn sign_in(visitor: &mut Visitor) -> session_core::Result<()> {
    visitor.visit(200, async |s| s.login("ada").await).await
}

/// C27.
#[tokio::test]
async fn a_login_over_the_limit_can_be_refused() {
    let (sessions, _) = sessions(limited());
    let mut devices = vec![Visitor::new(&sessions); 4];
    for device in &mut devices[..3] {
        sign_in(device).await.unwrap();
    }
    let error = sign_in(&mut devices[3]).await.unwrap_err();
    assert!(matches!(error, Error::SessionLimit { limit: 3 }), "{error}");
    assert_eq!((error.status(), error.code()), (403, "session_limit"));
    assert_eq!(devices[3].cookie(), None);
    sign_in(&mut devices[0]).await.expect("signed in already, so it is not one more");
    devices[1].visit(200, async |s| s.flush().await).await.unwrap();
    sign_in(&mut devices[3]).await.expect("there is room");
    assert_eq!(sessions.sessions_of("ada").await.unwrap().len(), 3);
}

/// All ask before any has been stored, so that each is let in; still there are never too many.
#[tokio::test]
async fn logins_at_the_same_moment_do_not_pass_the_limit() {
    let (sessions, _) = sessions(limited());
    let visits: Vec<_> = (0..8).map(|_| Visitor::new(&sessions).begin()).collect();
    for visit in &visits {
        visit.session().await.unwrap().login("ada").await.unwrap();
    }
    let finished = join_all(visits.into_iter().map(|visit| visit.finish(200))).await;
    let let_in = finished.iter().filter(|finished| finished.error.is_none()).count();
    let refused =
        finished.iter().filter(|finished| matches!(finished.error, Some(Error::SessionLimit { .. })));
    assert_eq!(let_in + refused.count(), 8);
    assert!(let_in <= 3);
    assert_eq!(sessions.sessions_of("ada").await.unwrap().len(), let_in);
}

/// C20: what changes credentials asks for a login that was a moment ago.
#[tokio::test]
async fn a_page_can_ask_for_a_recent_login() {
    let (sessions, clock) = sessions(Settings::default());
    let mut v = Visitor::new(&sessions);
    v.visit(200, async |s| s.insert("n", 1)).await.unwrap();
    let error = v.visit(200, async |s| s.require_recent_login(MINUTE)).await.unwrap_err();
    assert!(matches!(error, Error::NotAuthenticated) && error.status() == 401, "{error}");
    sign_in(&mut v).await.unwrap();
    clock.advance(MINUTE);
    v.visit(200, async |s| s.require_recent_login(MINUTE)).await.unwrap();
    clock.advance(Duration::from_millis(1));
    let error = v.visit(200, async |s| s.require_recent_login(MINUTE)).await.unwrap_err();
    assert!(matches!(error, Error::AuthenticationTooOld) && error.status() == 401, "{error}");
    sign_in(&mut v).await.unwrap();
    v.visit(200, async |s| s.require_recent_login(MINUTE)).await.expect("the same account again");
}
