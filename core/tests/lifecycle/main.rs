//! The lifecycle around a request, without HTTP: what it costs, what it does to the cookie, what it says in headers.

#![expect(clippy::unwrap_used, reason = "a test fails where it is")]

use std::time::Duration;

use session_core::testing::{Probe, Verb, Visitor, When};
use session_core::{
    AssuranceLevel, Error, Expiry, Finished, ManualClock, SessionHeaders, Sessions, Settings,
};
use session_memory::MemoryStore;

mod cookies;
mod expiry;
mod renewal;

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

/// A request that ends without a response brings no cookie, and what it leaves behind stores nothing that nobody can open.
#[tokio::test]
async fn a_request_without_a_response_detaches_its_session() {
    let site = site(Settings::default());
    let slot = site.sessions.slot(|| []);
    let session = slot.begin([]).open().await.unwrap();
    drop(slot);
    session.insert("n", 1).unwrap();
    assert!(matches!(session.save().await, Err(Error::Detached)));
    assert!(matches!(session.login("ada").await, Err(Error::Detached)));
}

/// So does one whose client is gone while its session is saved.
#[tokio::test]
async fn a_response_that_nobody_waits_for_detaches_its_session() {
    let site = site(Settings::default());
    let visit = Visitor::new(&site.sessions).begin();
    let session = visit.session().await.unwrap();
    session.insert("n", 1).unwrap();
    let pause = site.probe.pause(Verb::Insert, When::Before);
    tokio::select! {
        biased;
        _ = visit.finish(200) => unreachable!("it stands still"),
        () = pause.reached() => {}
    }
    assert!(matches!(session.save().await, Err(Error::Detached)));
}

/// A handler answers while a task that it has started still saves: the response brings the token under which that is stored.
#[tokio::test]
async fn a_save_that_is_under_way_has_its_cookie_in_the_response() {
    let site = site(Settings::default());
    for verb in [Verb::Insert, Verb::Replace] {
        let mut v = if verb == Verb::Replace { visitor(&site).await } else { Visitor::new(&site.sessions) };
        let visit = v.begin();
        let session = visit.session().await.unwrap();
        session.insert("n", 7).unwrap();
        session.login("ada").await.unwrap();
        let pause = site.probe.pause(verb, When::Before);
        let saving = tokio::spawn(async move { session.save().await });
        pause.reached().await;
        let finishing = tokio::spawn(visit.finish(200));
        tokio::task::yield_now().await;
        pause.resume();
        saving.await.unwrap().unwrap();
        let finished = finishing.await.unwrap();
        let cookie = finished.headers.set_cookie().and_then(|set| set.split(';').next()).unwrap();
        v = Visitor::with_cookie(&site.sessions, cookie.trim_start_matches("sessionid="));
        assert_eq!(v.visit(200, async |s| s.get::<u32>("n")).await.unwrap(), Some(7), "{verb:?}");
    }
}

/// The other way round: a task that saves while the response is made comes too late for a new cookie, and stores nothing under one.
#[tokio::test]
async fn a_save_that_comes_after_the_cookie_is_told_so() {
    let site = site(Settings::default().with_save_every_request(true));
    let mut v = visitor(&site).await;
    let visit = v.begin();
    let session = visit.session().await.unwrap();
    let pause = site.probe.pause(Verb::Touch, When::Before);
    let finishing = tokio::spawn(visit.finish(200));
    pause.reached().await;
    session.rotate().unwrap();
    let saving = tokio::spawn(async move { session.save().await });
    tokio::task::yield_now().await;
    pause.resume();
    v.receive(&finishing.await.unwrap());
    assert!(matches!(saving.await.unwrap(), Err(Error::Detached)));
    assert_eq!(v.visit(200, async |s| s.get::<u32>("n")).await.unwrap(), Some(0), "the cookie opens it");
}

/// Of many writers of one session in one process each needs one trip, because it starts from what the one before it wrote; also where
/// each of the process's workers has sessions of its own over one backend, as actix-web's may.
#[tokio::test]
async fn a_hot_session_costs_one_trip_a_writer() {
    let site = site(Settings::default());
    let mut v = Visitor::new(&site.sessions);
    v.visit(200, async |s| s.insert("n", 0)).await.unwrap();
    let settings = site.sessions.settings();
    let worker = Sessions::new(site.sessions.backend().clone(), settings.clone()).unwrap();
    let there = Visitor::with_cookie(&worker, v.cookie().unwrap());
    let visits: Vec<_> = (0..64).map(|i| if i % 2 == 0 { v.begin() } else { there.begin() }).collect();
    for visit in &visits {
        visit.session().await.unwrap().update("n", |n: &mut u32| *n += 1).unwrap();
    }
    site.probe.reset();
    let first = site.probe.pause(Verb::Replace, When::Before);
    let mut tasks: Vec<_> = visits.into_iter().map(|visit| tokio::spawn(visit.finish(200))).collect();
    first.reached().await;
    first.resume();
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
