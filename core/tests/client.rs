//! Sessions that live in their cookie: the lifecycle's other kind of backend. The sealer here keeps no secret; sealing is the
//! business of the crates that do.

#![expect(clippy::unwrap_used, reason = "a test fails where it is")]
#![expect(clippy::format_collect, reason = "a few bytes, once")]

use std::time::Duration;

use session_core::testing::Visitor;
use session_core::{
    AnySealer, Details, Error, Expiry, ManualClock, Record, Sealer, Sessions, Settings, Time, Version,
};

/// Writes data and deadlines as hexadecimal digits.
#[derive(Debug)]
struct Open;

impl Sealer for Open {
    fn seal(&self, record: &Record, _: Time) -> session_core::Result<String> {
        let details = record.details.encode();
        let head =
            format!("{};{};{};", record.created_at.as_millis(), record.expires_at.as_millis(), details.len());
        let bytes = [head.as_bytes(), &details, &record.data].concat();
        Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    fn open(&self, token: &[u8], now: Time) -> Option<Record> {
        let digits = std::str::from_utf8(token).ok()?;
        let pairs = digits.as_bytes().chunks(2);
        let bytes: Vec<u8> = pairs
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
            .collect::<Option<_>>()?;
        let mut parts = bytes.splitn(4, |byte| *byte == b';');
        let mut number = || std::str::from_utf8(parts.next()?).ok()?.parse::<i64>().ok();
        let (created_at, expires_at) = (Time::from_millis(number()?), Time::from_millis(number()?));
        let length = usize::try_from(number()?).ok()?;
        let (details, data) = parts.next()?.split_at_checked(length)?;
        let record = Record {
            version: Version { seq: 1, nonce: 0 },
            created_at,
            last_active: created_at,
            expires_at,
            account: None,
            secret: None,
            details: Details::decode(details).ok()?,
            data: data.to_vec().into(),
        };
        record.is_live(now).then_some(record)
    }
}

fn sessions(settings: Settings) -> (Sessions, ManualClock) {
    let clock = ManualClock::default();
    (Sessions::new(AnySealer::new(Open), settings.with_clock(clock.clone())).unwrap(), clock)
}

#[tokio::test]
async fn the_cookie_is_the_session() {
    let (sessions, clock) = sessions(Settings::default().with_cookie_age(Duration::from_secs(60)));
    let mut visitor = Visitor::new(&sessions);
    visitor.visit(200, async |s| s.insert("n", 1)).await.unwrap();
    let first = visitor.cookie().unwrap().to_owned();
    visitor.visit(200, async |s| s.update("n", |n: &mut u32| *n += 1)).await.unwrap();
    assert_ne!(visitor.cookie(), Some(&*first));
    let session_key = visitor.visit(200, async |s| Ok((s.session_key(), s.get::<u32>("n")?))).await.unwrap();
    assert_eq!(session_key, (None, Some(2)), "it has no key");
    visitor.visit(500, async |s| s.insert("n", 9)).await.unwrap();
    assert_eq!(visitor.visit(200, async |s| s.get::<u32>("n")).await.unwrap(), Some(2));
    clock.advance(Duration::from_secs(60));
    assert_eq!(
        visitor.visit(200, async |s| s.get::<u32>("n")).await.unwrap(),
        None,
        "its deadline is inside"
    );
    assert_eq!(visitor.cookie(), None);
}

#[tokio::test]
async fn ending_and_rotating_work_on_the_cookie() {
    let (sessions, _) = sessions(Settings::default());
    let mut visitor = Visitor::new(&sessions);
    visitor.visit(200, async |s| s.insert("n", 1)).await.unwrap();
    visitor.visit(200, async |s| s.rotate()).await.unwrap();
    assert_eq!(visitor.visit(200, async |s| s.get::<u32>("n")).await.unwrap(), Some(1));
    let visit = visitor.begin();
    visit.pending().flush().await.unwrap();
    visitor.receive(&visit.finish(200).await);
    assert_eq!(visitor.cookie(), None);
    let past = Time::from_millis(0);
    visitor.visit(200, async |s| s.insert("n", 1)).await.unwrap();
    visitor.visit(200, async |s| s.set_expiry(Expiry::At(past))).await.unwrap();
    assert_eq!(visitor.cookie(), None, "D63");
}

/// C8: what a browser would drop in silence is refused when it is written.
#[tokio::test]
async fn what_no_cookie_holds_is_an_error() {
    let (sessions, _) = sessions(Settings::default());
    let mut visitor = Visitor::new(&sessions);
    let error = visitor.visit(200, async |s| s.insert("n", "x".repeat(4096))).await.unwrap_err();
    assert!(matches!(error, Error::TooLarge { limit: 4096, .. }), "{error}");
    assert_eq!(visitor.cookie(), None);
}

#[tokio::test]
async fn what_a_cookie_cannot_do_is_an_error() {
    let (sessions, _) = sessions(Settings::default());
    assert!(matches!(sessions.sessions_of("ada").await, Err(Error::Unsupported(_))));
    assert!(matches!(sessions.revoke_account("ada").await, Err(Error::Unsupported(_))));
    let visit = Visitor::new(&sessions).begin();
    let session = visit.session().await.unwrap();
    let _ = visit.finish(200).await;
    session.insert("n", 1).unwrap();
    assert!(matches!(session.save().await, Err(Error::Detached)), "the cookie has left");
}
