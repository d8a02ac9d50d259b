//! When a session ends by itself, and what its use changes of that.

use super::*;

/// C16: use counts, but is recorded at most once per tenth of the idle timeout.
#[tokio::test]
async fn a_touch_comes_once_per_tenth_of_the_idle_timeout() {
    let site = site(Settings::default().with_idle_timeout(Some(10 * MINUTE)));
    let mut v = visitor(&site).await;
    for second in 1..=600 {
        site.clock.advance(Duration::from_secs(1));
        assert_eq!(v.visit(200, async |s| s.get::<u32>("n")).await.unwrap(), Some(0), "second {second}");
    }
    assert_eq!(site.probe.calls_of(Verb::Touch), 10);
    site.clock.advance(9 * MINUTE);
    assert_eq!(v.visit(200, async |s| s.get::<u32>("n")).await.unwrap(), Some(0), "use keeps it alive");
    site.clock.advance(10 * MINUTE);
    assert_eq!(v.visit(200, async |s| s.get::<u32>("n")).await.unwrap(), None, "and idleness ends it");
}

/// D41: without an idle timeout reading is not activity.
#[tokio::test]
async fn by_default_only_writes_move_the_deadline() {
    let site = site(Settings::default().with_cookie_age(10 * MINUTE));
    let mut v = visitor(&site).await;
    site.clock.advance(9 * MINUTE);
    assert_eq!(v.visit(200, async |s| s.get::<u32>("n")).await.unwrap(), Some(0));
    site.clock.advance(MINUTE);
    assert_eq!(v.visit(200, async |s| s.get::<u32>("n")).await.unwrap(), None);
}

/// C17, C19: however busy it is; but a login begins anew.
#[tokio::test]
async fn the_absolute_timeout_ends_a_busy_session() {
    let site = site(Settings::default().with_absolute_timeout(Some(60 * MINUTE)));
    let mut v = visitor(&site).await;
    for _ in 0..59 {
        site.clock.advance(MINUTE);
        v.visit(200, async |s| s.update("n", |n: &mut u32| *n += 1)).await.unwrap();
    }
    v.visit(200, async |s| s.login("ada").await).await.unwrap();
    site.clock.advance(59 * MINUTE);
    assert!(v.visit(200, async |s| Ok(s.account())).await.unwrap().is_some());
    site.clock.advance(MINUTE);
    assert!(v.visit(200, async |s| Ok(s.account())).await.unwrap().is_none());
}

/// C18: a level's limits hold, and those that are shorter.
#[tokio::test]
async fn an_assurance_level_limits_a_login() {
    const HOUR: Duration = Duration::from_secs(3600);
    for (level, overall, idle) in [
        (AssuranceLevel::Aal1, 30 * 24 * HOUR, None),
        (AssuranceLevel::Aal2, 24 * HOUR, Some(HOUR)),
        (AssuranceLevel::Aal3, 12 * HOUR, Some(HOUR / 4)),
    ] {
        let site = site(Settings::default().with_cookie_age(90 * 24 * HOUR).with_assurance_level(level));
        let mut v = visitor(&site).await;
        let mut used = Duration::ZERO;
        let step = idle.unwrap_or(24 * HOUR).saturating_sub(Duration::from_secs(1));
        while used + step < overall {
            site.clock.advance(step);
            used += step;
            assert!(v.visit(200, async |s| s.get::<u32>("n")).await.unwrap().is_some(), "{level:?} {used:?}");
        }
        site.clock.advance(overall.saturating_sub(used));
        assert!(v.visit(200, async |s| s.get::<u32>("n")).await.unwrap().is_none(), "{level:?} at its end");
        if let Some(idle) = idle {
            let mut v = visitor(&site).await;
            site.clock.advance(idle);
            assert!(v.visit(200, async |s| s.get::<u32>("n")).await.unwrap().is_none(), "{level:?} unused");
        }
    }
    let shorter = Settings::default().with_idle_timeout(Some(MINUTE));
    let site = site(shorter.with_assurance_level(AssuranceLevel::Aal2));
    let mut v = visitor(&site).await;
    site.clock.advance(MINUTE);
    assert_eq!(v.visit(200, async |s| s.get::<u32>("n")).await.unwrap(), None);
}

/// T24, T36, C9, peers.md ts 5: the session's own expiry lasts, and cookie and record agree on it.
#[tokio::test]
async fn the_cookie_and_the_record_agree() {
    let site =
        site(Settings::default().with_cookie_age(10 * MINUTE).with_absolute_timeout(Some(15 * MINUTE)));
    let max_age = async |v: &Visitor, expiry: Option<Expiry>| {
        let visit = v.begin();
        let session = visit.session().await.unwrap();
        session.set_expiry(expiry).unwrap();
        session.mark_modified();
        let finished = visit.finish(200).await;
        let header = finished.headers.set_cookie().unwrap().to_owned();
        header.split("; ").find_map(|part| part.strip_prefix("Max-Age=")?.parse::<u64>().ok())
    };
    let mut v = visitor(&site).await;
    assert_eq!(max_age(&v, None).await, Some(600));
    assert_eq!(max_age(&v, Some(Expiry::Inactivity(5 * MINUTE))).await, Some(300));
    site.clock.advance(MINUTE);
    let visit = v.begin();
    visit.session().await.unwrap().insert("n", 1).unwrap();
    let finished = visit.finish(200).await;
    assert!(finished.headers.set_cookie().unwrap().contains("Max-Age=300;"), "it lasts: {finished:?}");
    assert_eq!(
        max_age(&v, Some(Expiry::Inactivity(60 * MINUTE))).await,
        Some(14 * 60),
        "the absolute timeout caps it"
    );
    assert_eq!(max_age(&v, Some(Expiry::BrowserClose)).await, None);
    assert_eq!(max_age(&v, Some(Expiry::Inactivity(Duration::ZERO))).await, None, "D32");
    assert_eq!(max_age(&v, None).await, Some(600));

    // D63: an end in the past ends the session; it is not stored with a Max-Age below zero.
    let past = session_core::Clock::now(&site.clock) - MINUTE;
    v.visit(200, async |s| s.set_expiry(Expiry::At(past))).await.unwrap();
    assert_eq!(v.cookie(), None);
    assert_eq!(site.probe.calls_of(Verb::Remove), 1);
    let mut new = Visitor::new(&site.sessions);
    new.visit(200, async |s| {
        s.insert("n", 1)?;
        s.set_expiry(Expiry::At(past))
    })
    .await
    .unwrap();
    assert_eq!(new.cookie(), None);
}

/// A login begins the absolute timeout anew, also where it comes while an earlier save is on its way.
#[tokio::test]
async fn a_login_during_a_save_has_its_own_absolute_timeout() {
    let site = site(Settings::default().with_absolute_timeout(Some(60 * MINUTE)));
    let mut v = visitor(&site).await;
    site.clock.advance(30 * MINUTE);
    let visit = v.begin();
    let session = visit.session().await.unwrap();
    session.insert("n", 1).unwrap();
    let pause = site.probe.pause(Verb::Replace, When::Before);
    let saving = tokio::spawn({
        let session = session.clone();
        async move { session.save().await }
    });
    pause.reached().await;
    session.login("ada").await.unwrap();
    pause.resume();
    saving.await.unwrap().unwrap();
    v.receive(&visit.finish(200).await);
    site.clock.advance(45 * MINUTE);
    assert_eq!(v.visit(200, async |s| Ok(s.account())).await.unwrap().as_deref(), Some("ada"));
}
