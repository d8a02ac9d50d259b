//! The lifecycle around a request, without HTTP: what it costs, what it does to the cookie, what it says in headers.

#![expect(clippy::unwrap_used, reason = "a test fails where it is")]

use std::time::Duration;

use session_core::testing::{Probe, Verb, Visitor, When};
use session_core::{
    AssuranceLevel, Error, Expiry, Finished, ManualClock, SessionHeaders, Sessions, Settings,
};
use session_memory::MemoryStore;

const MINUTE: Duration = Duration::from_secs(60);

struct Site {
    probe: Probe,
    sessions: Sessions,
    clock: ManualClock,
}

fn site(settings: Settings) -> Site {
    let (probe, clock) = (Probe::new(MemoryStore::new()), ManualClock::default());
    let sessions = Sessions::new(probe.clone(), settings.with_clock(clock.clone())).unwrap();
    Site { probe, sessions, clock }
}

async fn visitor(site: &Site) -> Visitor {
    let mut visitor = Visitor::new(&site.sessions);
    visitor.visit(200, async |s| s.insert("n", 0)).await.unwrap();
    site.probe.reset();
    visitor
}

async fn respond(site: &Site, cookie: &[u8], status: u16) -> Finished {
    let pending = site.sessions.begin([cookie]);
    pending.open().await.unwrap();
    site.sessions.finish(pending, status).await
}

/// peers.md section 2: no request makes more trips than it must.
#[tokio::test]
async fn each_request_makes_the_fewest_calls() {
    let site = site(Settings::default());
    let untouched = site.sessions.begin([]);
    assert_eq!(site.sessions.finish(untouched, 200).await.headers.set_cookie(), None);
    assert_eq!(site.probe.calls(), 0, "untouched, without a cookie");

    let mut v = Visitor::new(&site.sessions);
    v.visit(200, async |s| s.insert("n", 0)).await.unwrap();
    assert_eq!(site.probe.calls(), 1, "new session");
    let expect = async |calls: u64, what: &str| {
        assert_eq!(site.probe.calls(), calls, "{what}");
        site.probe.reset();
    };
    site.probe.reset();

    assert_eq!(v.begin().finish(200).await.headers, SessionHeaders::default());
    expect(0, "untouched, with a cookie").await;
    v.visit(200, async |s| s.get::<u32>("n")).await.unwrap();
    expect(1, "read").await;
    v.visit(200, async |s| s.update("n", |n: &mut u32| *n += 1)).await.unwrap();
    expect(2, "read and write").await;
    v.visit(200, async |s| s.login("ada").await).await.unwrap();
    expect(2, "login").await;
    v.clone().visit(200, async |s| s.login("ada").await).await.unwrap();
    expect(2, "login again").await;
    let mut first = Visitor::new(&site.sessions);
    first.visit(200, async |s| s.login("bob").await).await.unwrap();
    expect(1, "first login").await;
    first.visit(200, async |s| s.logout().await).await.unwrap();
    expect(2, "logout").await;
    first.visit(200, async |s| s.login("bob").await).await.unwrap();
    site.probe.reset();
    let lazy = first.begin();
    lazy.pending().flush().await.unwrap();
    first.receive(&lazy.finish(200).await);
    expect(1, "logout, lazily").await;
    assert_eq!(first.cookie(), None);
    first.visit(200, async |s| s.get::<u32>("n")).await.unwrap();
    expect(0, "anonymous").await;
    let mut malformed = Visitor::with_cookie(&site.sessions, "not-a-token");
    malformed.visit(200, async |s| s.get::<u32>("n")).await.unwrap();
    expect(0, "malformed cookie").await;
}

/// T37: one save however often and wherever it was changed; and none more after an explicit one.
#[tokio::test]
async fn a_request_saves_once() {
    let site = site(Settings::default());
    let mut v = visitor(&site).await;
    v.visit(200, async |s| {
        s.insert("a", 1)?;
        s.remove("n");
        s.rotate()?;
        s.insert("b", 1)
    })
    .await
    .unwrap();
    assert_eq!(site.probe.calls_of(Verb::Replace), 1);
    site.probe.reset();
    v.visit(200, async |s| {
        s.insert("c", 1)?;
        s.save().await
    })
    .await
    .unwrap();
    assert_eq!(site.probe.calls_of(Verb::Replace), 1);
}

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

/// D56, D57: a response of 500 and above saves nothing, and says nothing of a cookie, but that it depends on one.
#[tokio::test]
async fn a_failed_response_saves_nothing() {
    let site = site(Settings::default());
    let mut v = visitor(&site).await;
    for status in [500, 503, 599] {
        let visit = v.begin();
        visit.session().await.unwrap().insert("n", 9).unwrap();
        let finished = visit.finish(status).await;
        assert_eq!((finished.headers.set_cookie(), finished.headers.vary()), (None, true));
    }
    v.visit(404, async |s| s.update("n", |n: &mut u32| *n += 1)).await.unwrap();
    assert_eq!(v.visit(200, async |s| s.get::<u32>("n")).await.unwrap(), Some(1), "404 is no failure");
}

/// tower-sessions 3: a request that failed has renewed nothing, and its session is there under the cookie from before.
#[tokio::test]
async fn a_failed_request_rotates_nothing() {
    let site = site(Settings::default());
    let mut v = visitor(&site).await;
    let before = v.cookie().map(str::to_owned);
    v.visit(500, async |s| s.rotate()).await.unwrap();
    v.visit(503, async |s| s.login("ada").await).await.unwrap();
    assert_eq!((v.cookie().map(str::to_owned), site.probe.calls_of(Verb::Replace)), (before, 0));
    let seen = v.visit(200, async |s| Ok((s.get::<u32>("n")?, s.account()))).await.unwrap();
    assert_eq!(seen, (Some(0), None));
}

/// The old secret opens nothing any more, so a browser that was not told the new one would be signed out by an outage.
#[tokio::test]
async fn a_new_secret_arrives_where_a_later_save_fails() {
    let site = site(Settings::default());
    let mut visitor = visitor(&site).await;
    let saved = visitor.visit(200, async |s| {
        s.rotate()?;
        s.save().await?;
        for _ in 0..2 {
            site.probe.fail_next(Verb::Replace, When::Before);
        }
        s.insert("n", 2)
    });
    assert_eq!(saved.await.unwrap_err().status(), 503);
    assert_eq!(visitor.visit(200, async |s| s.get("n")).await.unwrap(), Some(0));
}

/// actix-session 2: no lock is held while the application's function runs.
#[tokio::test]
async fn a_change_may_use_the_session_that_it_changes() {
    let site = site(Settings::default());
    let mut v = visitor(&site).await;
    let before = v.visit(200, async |s| {
        let same = s.clone();
        s.update("n", move |n: &mut u32| {
            *n += 1;
            same.insert("seen", *n).unwrap();
            same.get::<u32>("n").unwrap()
        })
    });
    assert_eq!(before.await.unwrap(), Some(0), "what it makes is not there before it ends");
    let stored = v.visit(200, async |s| Ok((s.get::<u32>("n")?, s.get::<u32>("seen")?))).await.unwrap();
    assert_eq!(stored, (Some(1), Some(1)));
}

/// T16: a logout holds whatever the response says.
#[tokio::test]
async fn a_flush_holds_at_every_status() {
    let site = site(Settings::default());
    for status in [200, 302, 404, 500] {
        let mut v = visitor(&site).await;
        let old = v.clone();
        v.visit(status, async |s| {
            s.flush().await?;
            s.insert("message", "good bye")
        })
        .await
        .unwrap();
        assert_eq!(old.clone().visit(200, async |s| s.get::<u32>("n")).await.unwrap(), None);
        assert_eq!(
            v.cookie().is_none(),
            status == 500,
            "the message begins another session, unless the request failed"
        );
        assert_ne!(v.cookie(), old.cookie());
    }
}

/// T2, T3, D60: flushing nothing makes nothing.
#[tokio::test]
async fn flushing_an_anonymous_session_makes_nothing() {
    let site = site(Settings::default());
    let pending = site.sessions.begin([]);
    for _ in 0..2 {
        pending.open().await.unwrap().flush().await.unwrap();
    }
    let finished = site.sessions.finish(pending, 200).await;
    assert_eq!((finished.headers.set_cookie(), finished.headers.vary()), (None, true));
    assert_eq!(site.probe.calls(), 0);
}

/// T1, D61: looking for sessions that do not exist creates none, also where every request touches its session.
#[tokio::test]
async fn ten_thousand_random_cookies_create_nothing() {
    for every in [false, true] {
        let site = site(Settings::default().with_save_every_request(every));
        for i in 0..10_000_u64 {
            let forged = format!("sessionid={:a>25}{:b>25}", i, i.wrapping_mul(0x9E37_79B9_7F4A_7C15));
            let finished = respond(&site, forged.as_bytes(), 200).await;
            assert!(
                finished.headers.set_cookie().unwrap().starts_with("sessionid=;"),
                "a dead cookie is removed"
            );
        }
        assert_eq!((site.probe.calls_of(Verb::Insert), site.probe.calls_of(Verb::Load)), (0, 10_000));
    }
}

/// T33, T5, C12: what no browser sends is an empty session, and does not reach the store.
#[tokio::test]
async fn malformed_cookies_are_no_session() {
    let site = site(Settings::default());
    let big = [b"sessionid=".as_slice(), vec![b'a'; 64 * 1024].as_slice()].concat();
    let many = "sessionid=x; ".repeat(5_000);
    let headers: [&[u8]; 9] = [
        b"sessionid=",
        b"sessionid=\"\"",
        b"sessionid[]=a; sessionid",
        b"sessionid=../../../etc/passwd",
        b"sessionid=%2e%2e%2f",
        b"\xff\xfe=\x80; sessionid=\xff\xff\xff",
        b"sessionid=a\0b; ; ;;=;",
        &big,
        many.as_bytes(),
    ];
    for header in headers {
        let pending = site.sessions.begin([header]);
        let session = pending.open().await.unwrap();
        assert_eq!(session.get::<u32>("n").unwrap(), None);
        assert!(site.sessions.finish(pending, 200).await.error.is_none());
    }
    assert_eq!(site.probe.calls(), 0);
}

/// D65, T26: a browser that has the name twice (another path, another domain) is not locked out, and no number of cookies makes
/// more than three loads.
#[tokio::test]
async fn at_most_three_cookies_of_the_name_are_tried() {
    let site = site(Settings::default());
    let v = visitor(&site).await;
    let live = format!("sessionid={}", v.cookie().unwrap());
    let dead = |c: char| format!("sessionid={}", c.to_string().repeat(50));
    for (header, found) in [
        (format!("{}; theme=dark; {live}", dead('a')), true),
        (format!("{}; {}; {live}", dead('a'), dead('b')), true),
        (format!("{}; {}; {}; {live}", dead('a'), dead('b'), dead('c')), false),
    ] {
        site.probe.reset();
        let pending = site.sessions.begin([header.as_bytes()]);
        assert_eq!(pending.open().await.unwrap().get::<u32>("n").unwrap().is_some(), found, "{header}");
        assert!(site.probe.calls() <= 3);
    }
    // HTTP/2 may send each cookie in a header of its own.
    let pending = site.sessions.begin([b"theme=dark".as_slice(), live.as_bytes()]);
    assert_eq!(pending.open().await.unwrap().get::<u32>("n").unwrap(), Some(0));
}

/// Invariant 7: what the table of a leaked database holds opens nothing, and neither does half a token.
#[tokio::test]
async fn a_selector_alone_opens_and_ends_nothing() {
    let site = site(Settings::default());
    let mut v = visitor(&site).await;
    let (selector, _) = v.cookie().unwrap().split_at(25);
    let forged = format!("{selector}{}", "a".repeat(25));
    let mut thief = Visitor::with_cookie(&site.sessions, &forged);
    assert_eq!(thief.visit(200, async |s| s.get::<u32>("n")).await.unwrap(), None);
    let lazy = Visitor::with_cookie(&site.sessions, &forged).begin();
    lazy.pending().flush().await.unwrap();
    let _ = lazy.finish(200).await;
    let mut writer = Visitor::with_cookie(&site.sessions, &forged);
    writer.visit(200, async |s| s.insert("n", 666)).await.unwrap();
    assert_ne!(&writer.cookie().unwrap()[..25], selector, "what it writes is another session");
    assert_eq!(v.visit(200, async |s| s.get::<u32>("n")).await.unwrap(), Some(0));
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

/// D12, D14, D43: what is created and what is not.
#[tokio::test]
async fn a_session_is_created_by_what_was_written_or_by_name_only() {
    let site = site(Settings::default());
    let creates = async |what: &str, f: fn(&session_core::Session)| {
        let pending = site.sessions.begin([]);
        f(&pending.open().await.unwrap());
        let set = site.sessions.finish(pending, 200).await.headers.set_cookie().is_some();
        (what.to_owned(), set)
    };
    for ((what, created), want) in [
        (creates("clear", session_core::Session::clear).await, false),
        (creates("mark_modified", session_core::Session::mark_modified).await, false),
        (creates("nothing to extend", |s| s.extend::<&str, u8>([]).unwrap()).await, false),
        (
            creates("insert and remove", |s| {
                s.insert("a", 1).unwrap();
                s.remove("a");
            })
            .await,
            false,
        ),
        (creates("set_expiry", |s| s.set_expiry(Expiry::BrowserClose).unwrap()).await, true),
        (creates("no expiry", |s| s.set_expiry(None).unwrap()).await, false),
        (creates("insert", |s| s.insert("a", 1).unwrap()).await, true),
        (creates("rotate", |s| s.rotate().unwrap()).await, true),
    ] {
        assert_eq!(created, want, "{what}");
    }
    let mut v = Visitor::new(&site.sessions);
    v.visit(200, async |s| s.save().await).await.unwrap();
    assert!(v.cookie().is_some(), "an explicit save creates");
    let saves = async |s: session_core::Session| {
        s.save().await?;
        Ok(s.is_modified())
    };
    assert!(
        Visitor::new(&site.sessions).visit(200, saves).await.unwrap(),
        "D43: a save that creates is a change"
    );
    assert!(!v.visit(200, saves).await.unwrap(), "D20: any other is none");
    let expiry = Expiry::Inactivity(MINUTE);
    let mut v = Visitor::new(&site.sessions);
    v.visit(200, async |s| s.set_expiry(expiry)).await.unwrap();
    let kept = v.visit(200, async |s| Ok((s.expiry(), s.is_empty()))).await.unwrap();
    assert_eq!(kept, (Some(expiry), false), "D30: what was set for later is there later");
}

/// D2, D12: also a write of nothing has looked.
#[tokio::test]
async fn a_response_varies_where_the_session_was_looked_at() {
    let site = site(Settings::default());
    let varies = async |f: fn(&session_core::Session)| {
        let pending = site.sessions.begin([]);
        f(&pending.open().await.unwrap());
        site.sessions.finish(pending, 500).await.headers.vary()
    };
    assert!(!varies(|_| ()).await);
    assert!(varies(|s| s.extend::<&str, u8>([]).unwrap()).await);
    assert!(varies(session_core::Session::clear).await);
    assert!(varies(|s| s.insert("a", 1).unwrap()).await);
}

/// T6: also a cookie that is set or removed for a handler that did not look comes with `Vary`.
#[tokio::test]
async fn a_refreshed_cookie_varies() {
    let site = site(Settings::default().with_save_every_request(true));
    let v = visitor(&site).await;
    let headers = v.begin().finish(200).await.headers;
    assert!(headers.set_cookie().is_some_and(|cookie| cookie.contains("Max-Age=1209600")), "{headers:?}");
    assert!(headers.vary());
    let unknown = Visitor::with_cookie(&site.sessions, "a".repeat(50));
    let headers = unknown.begin().finish(200).await.headers;
    assert!(headers.set_cookie().is_some_and(|cookie| cookie.starts_with("sessionid=;")), "{headers:?}");
    assert!(headers.vary());
}

/// `axum_session` 5: what is set under a `__Host-` name is found under it.
#[tokio::test]
async fn a_cookie_with_a_host_prefix_comes_back() {
    let site = site(Settings::default().with_host_prefix());
    let visit = Visitor::new(&site.sessions).begin();
    visit.session().await.unwrap().insert("n", 1).unwrap();
    let finished = visit.finish(200).await;
    let set = finished.headers.set_cookie().unwrap();
    assert!(
        set.starts_with("__Host-sessionid=") && set.contains("Secure") && !set.contains("Domain"),
        "{set}"
    );
    let pair = set.split(';').next().unwrap();
    let pending = site.sessions.begin([pair.as_bytes()]);
    assert_eq!(pending.open().await.unwrap().get::<u32>("n").unwrap(), Some(1));
}

/// A session that its response has left behind.
#[tokio::test]
async fn a_detached_session_saves_but_changes_no_cookie() {
    let site = site(Settings::default());
    let mut v = visitor(&site).await;
    let visit = v.begin();
    let session = visit.session().await.unwrap();
    let _ = visit.finish(101).await;
    session.update("n", |n: &mut u32| *n += 1).unwrap();
    session.save().await.unwrap();
    assert_eq!(v.visit(200, async |s| s.get::<u32>("n")).await.unwrap(), Some(1));
    assert!(matches!(session.rotate(), Err(Error::Detached)));
    assert!(matches!(session.login("ada").await, Err(Error::Detached)));
    session.flush().await.unwrap();
    assert_eq!(v.visit(200, async |s| s.get::<u32>("n")).await.unwrap(), None);
    session.insert("n", 1).unwrap();
    assert!(matches!(session.save().await, Err(Error::Detached)), "a new session would need a cookie");

    for asked in [false, true] {
        let untouched = site.sessions.slot(|| []);
        let lazy = asked.then(|| untouched.begin([]));
        assert_eq!(untouched.finish(200).await.headers, SessionHeaders::default());
        let late = lazy.unwrap_or_else(|| untouched.begin([])).open().await.unwrap();
        late.insert("n", 1).unwrap();
        assert!(matches!(late.save().await, Err(Error::Detached)));
    }
}

/// Of many writers of one session in one process each needs one trip, because it starts from what the one before it wrote.
#[tokio::test]
async fn a_hot_session_costs_one_trip_a_writer() {
    let site = site(Settings::default());
    let mut v = Visitor::new(&site.sessions);
    v.visit(200, async |s| s.insert("n", 0)).await.unwrap();
    let visits: Vec<_> = (0..64).map(|_| v.begin()).collect();
    for visit in &visits {
        visit.session().await.unwrap().update("n", |n: &mut u32| *n += 1).unwrap();
    }
    site.probe.reset();
    let first = site.probe.pause(Verb::Replace, When::Before);
    let mut tasks: Vec<_> = visits.into_iter().map(|visit| tokio::spawn(visit.finish(200))).collect();
    first.reached().await;
    first.resume().await;
    while let Some(task) = tasks.pop() {
        assert!(task.await.unwrap().error.is_none());
    }
    assert_eq!(site.probe.calls(), 64);
    assert_eq!(v.visit(200, async |s| s.get::<u32>("n")).await.unwrap(), Some(64));
}

/// A request that is cancelled while it saves has saved all or nothing, and one that goes on saves it later.
#[tokio::test]
async fn a_cancelled_save_loses_nothing() {
    let site = site(Settings::default());
    for when in [When::Before, When::After] {
        let mut v = visitor(&site).await;
        let visit = v.begin();
        let session = visit.session().await.unwrap();
        session.update("n", |n: &mut u32| *n += 1).unwrap();
        let pause = site.probe.pause(Verb::Replace, when);
        tokio::select! {
            biased;
            _ = session.save() => unreachable!("it stands still"),
            () = pause.reached() => {}
        }
        session.update("n", |n: &mut u32| *n += 10).unwrap();
        assert!(visit.finish(200).await.error.is_none());
        assert_eq!(v.visit(200, async |s| s.get::<u32>("n")).await.unwrap(), Some(11), "{when:?}");
    }
}
