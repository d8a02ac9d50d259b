//! Whole sessions that live in their cookie, of each kind.

#![expect(clippy::unwrap_used, reason = "a test fails where what it is made of fails")]

use std::time::Duration;

use session_cookie::{EncryptedCookie, SignedCookie};
use session_core::testing::Visitor;
use session_core::{Backend, Error, ManualClock, Sessions, Settings};

const SECRET: &str = "32 bytes or more, drawn at random";
const AGE: Duration = Duration::from_secs(600);

fn both(settings: &Settings) -> [Sessions; 2] {
    let name = "sessionid";
    let backends: [Backend; 2] = [
        SignedCookie::new(name, [SECRET]).unwrap().into(),
        EncryptedCookie::new(name, [SECRET]).unwrap().into(),
    ];
    backends.map(|backend| Sessions::new(backend, settings.clone()).unwrap())
}

fn settings() -> (Settings, ManualClock) {
    let clock = ManualClock::default();
    (Settings::default().with_cookie_age(AGE).with_clock(clock.clone()), clock)
}

async fn number(visitor: &mut Visitor) -> Option<u32> {
    visitor.visit(200, async |s| s.get("n")).await.unwrap()
}

#[tokio::test]
async fn the_cookie_is_the_session() {
    for sessions in both(&settings().0) {
        let mut visitor = Visitor::new(&sessions);
        visitor.visit(200, async |s| s.insert("n", 1)).await.unwrap();
        let before = visitor.clone();
        visitor.visit(200, async |s| s.update("n", |n: &mut u32| *n += 1)).await.unwrap();
        assert_eq!(number(&mut visitor).await, Some(2));
        assert_eq!(visitor.visit(200, async |s| Ok(s.session_key())).await.unwrap(), None);
        visitor.visit(500, async |s| s.insert("n", 9)).await.unwrap();
        assert_eq!(number(&mut visitor).await, Some(2), "a failed request saves nothing");
        // As the documentation says: nobody can take back what was true.
        assert_eq!(number(&mut before.clone()).await, Some(1));
    }
}

#[tokio::test]
async fn its_deadline_is_inside() {
    let (settings, clock) = settings();
    for sessions in both(&settings) {
        let mut visitor = Visitor::new(&sessions);
        visitor.visit(200, async |s| s.insert("n", 1)).await.unwrap();
        let kept = visitor.clone();
        clock.advance(AGE / 2);
        visitor.visit(200, async |s| s.insert("n", 2)).await.unwrap();
        clock.advance(AGE / 2);
        assert_eq!(number(&mut kept.clone()).await, None, "T25");
        assert_eq!(number(&mut visitor).await, Some(2), "a write moved it");
        clock.advance(AGE);
        assert_eq!(number(&mut visitor).await, None);
        assert_eq!(visitor.cookie(), None, "the browser forgets it");
    }
}

#[tokio::test]
async fn a_logout_clears_the_cookie() {
    for sessions in both(&settings().0) {
        let mut visitor = Visitor::new(&sessions);
        visitor.visit(200, async |s| s.login("ada").await).await.unwrap();
        assert_eq!(visitor.visit(200, async |s| Ok(s.account())).await.unwrap().as_deref(), Some("ada"));
        let lazy = visitor.clone();
        visitor.visit(200, async |s| s.logout().await).await.unwrap();
        assert_eq!(visitor.cookie(), None);
        let visit = lazy.begin();
        visit.pending().flush().await.unwrap();
        let mut lazy = lazy.clone();
        lazy.receive(&visit.finish(200).await);
        assert_eq!(lazy.cookie(), None, "also one that loads nothing");
    }
}

#[tokio::test]
async fn a_rotation_writes_the_cookie_and_keeps_the_data() {
    let (settings, clock) = settings();
    for sessions in both(&settings) {
        let mut visitor = Visitor::new(&sessions);
        visitor.visit(200, async |s| s.insert("n", 1)).await.unwrap();
        let before = visitor.cookie().unwrap().to_owned();
        clock.advance(Duration::from_secs(1));
        visitor.visit(200, async |s| s.rotate()).await.unwrap();
        assert_ne!(visitor.cookie(), Some(&*before));
        assert_eq!(number(&mut visitor).await, Some(1));
    }
}

/// C8: what a browser would drop in silence is an error when it is written, and the session is as it was.
#[tokio::test]
async fn what_no_cookie_holds_is_an_error() {
    // Of what compresses to nothing much more fits in.
    let mut state = 1_u64;
    let dense: String = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        char::from(b'a' + state.to_le_bytes()[7] % 26)
    })
    .take(6_000)
    .collect();
    for sessions in both(&settings().0) {
        let mut visitor = Visitor::new(&sessions);
        visitor.visit(200, async |s| s.insert("n", 1)).await.unwrap();
        let before = visitor.cookie().map(str::to_owned);
        let error = visitor.visit(200, async |s| s.insert("text", &*dense)).await.unwrap_err();
        assert!(matches!(error, Error::TooLarge { limit: 4096, .. }), "{error}");
        assert_eq!(visitor.cookie().map(str::to_owned), before);
        visitor.visit(200, async |s| s.insert("text", "x".repeat(20_000))).await.unwrap();
        assert!(visitor.cookie().unwrap().len() < 1_000);
        let error = visitor.visit(200, async |s| s.insert("text", "x".repeat(70_000))).await.unwrap_err();
        assert!(matches!(error, Error::TooLarge { .. }), "{error}");
        let length =
            visitor.visit(200, async |s| Ok(s.get::<String>("text")?.map(|t| t.len()))).await.unwrap();
        assert_eq!(length, Some(20_000));
    }
}

#[tokio::test]
async fn what_a_cookie_cannot_do_is_an_error() {
    for sessions in both(&settings().0) {
        assert!(matches!(sessions.sessions_of("ada").await, Err(Error::Unsupported(_))));
        assert!(matches!(sessions.revoke_account("ada").await, Err(Error::Unsupported(_))));
        let visit = Visitor::new(&sessions).begin();
        let session = visit.session().await.unwrap();
        let _ = visit.finish(200).await;
        session.insert("n", 1).unwrap();
        assert!(matches!(session.save().await, Err(Error::Detached)), "the cookie has left");
    }
}

/// T33: what was never sealed is a visitor without a session, whose cookie goes.
#[tokio::test]
async fn a_forged_cookie_is_no_session_and_no_error() {
    for sessions in both(&settings().0) {
        for value in ["", "a", "eyJuIjoxfQ", "../../etc/passwd", "é", &"A".repeat(4096), &"A".repeat(50_000)]
        {
            let mut visitor = Visitor::with_cookie(&sessions, value);
            assert_eq!(number(&mut visitor).await, None, "{value:?}");
        }
    }
}
