//! Expired sessions leave the store; and live ones, where somebody says which.

#![expect(clippy::unwrap_used, reason = "a test fails where it is")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use session_core::store::{Filter, SessionStore};
use session_core::testing::{Probe, Verb, Visitor, When};
use session_core::{Clock as _, ManualClock, Sessions, Settings, Sweeper};
use session_memory::MemoryStore;

const HOUR: Duration = Duration::from_secs(3600);

struct Site {
    probe: Probe,
    sessions: Sessions,
    clock: ManualClock,
}

fn site() -> Site {
    let (probe, clock) = (Probe::new(MemoryStore::new()), ManualClock::default());
    let settings = Settings::default().with_clock(clock.clone()).with_cookie_age(HOUR);
    let sessions = Sessions::new(probe.clone(), settings).unwrap();
    Site { probe, sessions, clock }
}

impl Site {
    async fn fill(&self, count: usize) {
        for n in 0..count {
            let mut visitor = Visitor::new(&self.sessions);
            visitor
                .visit(200, async |s| {
                    s.insert("n", n)?;
                    s.login(if n % 2 == 0 { "even" } else { "odd" }).await
                })
                .await
                .unwrap();
        }
    }

    async fn live(&self) -> usize {
        let limit = 1000.try_into().unwrap();
        self.probe.page(Filter::All, None, limit, self.clock.now()).await.unwrap().records.len()
    }
}

#[tokio::test]
async fn a_sweep_removes_what_has_expired_in_batches() {
    let site = site();
    site.fill(25).await;
    site.clock.advance(2 * HOUR);
    site.fill(3).await;
    let progress = Arc::new(Mutex::new(Vec::new()));
    let hears = Arc::clone(&progress);
    let sweeper = Sweeper::new(&site.sessions)
        .with_batch(10.try_into().unwrap())
        .with_pause(Duration::ZERO)
        .with_progress(move |swept| hears.lock().unwrap().push(swept.removed));
    let swept = sweeper.sweep().await.unwrap();
    assert_eq!((swept.removed, swept.batches), (25, 3));
    assert_eq!(*progress.lock().unwrap(), [10, 20, 25]);
    assert_eq!(site.live().await, 3);
}

/// It goes on after errors, stops when it is told to, and says what it did.
#[tokio::test]
async fn a_sweeper_never_ends_at_an_error() {
    let site = site();
    site.fill(5).await;
    site.clock.advance(2 * HOUR);
    site.probe.fail_next(Verb::Purge, When::Before);
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let sweeper = Sweeper::new(&site.sessions).with_interval(Duration::from_millis(20));
    let running = tokio::spawn(async move { sweeper.run(async { drop(stopped.await) }).await });
    while site.probe.calls_of(Verb::Purge) < 4 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    stop.send(()).unwrap();
    let swept = running.await.unwrap();
    assert_eq!((swept.removed, swept.failures), (5, 1));
    assert_eq!(site.live().await, 0, "no lease stays behind");
}

/// However long an outage is.
#[tokio::test]
async fn a_sweeper_outlives_an_outage_of_any_length() {
    let site = site();
    let fails = || site.probe.fail_next(Verb::Purge, When::Before);
    fails();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let sweeper = Sweeper::new(&site.sessions).with_interval(Duration::from_millis(1));
    let running = tokio::spawn(async move { sweeper.run(async { drop(stopped.await) }).await });
    for tried in 1..=80 {
        while site.probe.calls_of(Verb::Purge) < tried {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        fails();
    }
    stop.send(()).unwrap();
    assert!(running.await.unwrap().failures >= 40);
}

#[tokio::test]
async fn one_of_many_nodes_sweeps() {
    let site = site();
    let pause = site.probe.pause(Verb::Purge, When::Before);
    let (stop_first, first_stopped) = tokio::sync::oneshot::channel::<()>();
    let first = Sweeper::new(&site.sessions);
    let first = tokio::spawn(async move { first.run(async { drop(first_stopped.await) }).await });
    pause.reached().await;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let second = Sweeper::new(&site.sessions).with_interval(Duration::from_millis(10));
    let second = tokio::spawn(async move { second.run(async { drop(stopped.await) }).await });
    while site.probe.calls_of(Verb::Insert) < 4 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    stop.send(()).unwrap();
    let swept = second.await.unwrap();
    assert!(swept.skipped >= 3 && swept.batches == 0, "{swept:?}");
    pause.resume();
    stop_first.send(()).unwrap();
    first.await.unwrap();
}

/// No cookie opens the lease, which lies among the sessions.
#[tokio::test]
async fn the_lease_is_no_session() {
    let site = site();
    let pause = site.probe.pause(Verb::Purge, When::Before);
    let sweeper = Sweeper::new(&site.sessions);
    let running = tokio::spawn(async move { sweeper.run(std::future::pending()).await });
    pause.reached().await;
    let limit = 10.try_into().unwrap();
    let page = site.probe.page(Filter::All, None, limit, site.clock.now()).await.unwrap();
    let (key, _) = &page.records[0];
    let mut thief = Visitor::with_cookie(&site.sessions, format!("{key}{}", "0".repeat(25)));
    assert!(thief.visit(200, async |s| Ok(s.is_empty())).await.unwrap());
    assert_eq!(site.sessions.cleanup().run().await.unwrap().seen, 0);
    running.abort();
}

/// C23, C25: those of one user, or of all.
#[tokio::test]
async fn live_sessions_are_ended_by_age_by_account_and_by_what_is_in_them() {
    let site = site();
    site.fill(10).await;
    site.clock.advance(HOUR / 2);
    site.fill(10).await;
    let would = site.sessions.cleanup().older_than(HOUR / 4).dry_run().run().await.unwrap();
    assert_eq!((would.seen, would.matched, would.removed), (20, 10, 0));
    let of_three = site.sessions.cleanup().matching(|s| s.get::<u32>("n") == Some(3)).run().await.unwrap();
    assert_eq!((of_three.seen, of_three.removed), (20, 2));
    let odd = site.sessions.cleanup().of_account("odd").older_than(HOUR / 4).run().await.unwrap();
    assert_eq!((odd.seen, odd.removed), (8, 4), "found by the index");
    let old = site.sessions.cleanup().older_than(HOUR / 4).run().await.unwrap();
    assert_eq!((old.seen, old.removed, site.live().await), (14, 5, 9));
    assert_eq!(site.sessions.sessions_of("odd").await.unwrap().len(), 4);
}

/// A session that is used while it is looked at is judged by what it is then.
#[tokio::test]
async fn a_session_that_wakes_up_is_spared() {
    let site = site();
    let mut visitor = Visitor::new(&site.sessions);
    visitor.visit(200, async |s| s.insert("n", 1)).await.unwrap();
    site.clock.advance(HOUR / 2);
    let pause = site.probe.pause(Verb::Replace, When::Before);
    let sessions = site.sessions.clone();
    let cleaning = tokio::spawn(async move { sessions.cleanup().older_than(HOUR / 4).run().await });
    pause.reached().await;
    visitor.visit(200, async |s| s.insert("n", 2)).await.unwrap();
    pause.resume();
    let done = cleaning.await.unwrap().unwrap();
    assert_eq!((done.seen, done.removed), (1, 0));
    assert_eq!(visitor.visit(200, async |s| s.get("n")).await.unwrap(), Some(2));
}

/// As at Ctrl-C: what was begun is finished, and what is left is for the next time.
#[tokio::test]
async fn a_sweep_and_a_cleanup_stop_between_two_batches() {
    let site = site();
    site.fill(25).await;
    site.clock.advance(2 * HOUR);
    let sweeper = Sweeper::new(&site.sessions).with_batch(10.try_into().unwrap());
    let stopped = sweeper.sweep_until(async {}).await.unwrap();
    assert_eq!((stopped.removed, stopped.stopped), (10, true));
    let rest = sweeper.sweep_until(std::future::pending()).await.unwrap();
    assert_eq!((rest.removed, rest.stopped), (15, false));
    site.fill(600).await;
    let stopped = site.sessions.cleanup().run_until(async {}).await.unwrap();
    assert_eq!((stopped.seen, stopped.removed, stopped.stopped), (500, 500, true));
    let rest = site.sessions.cleanup().run().await.unwrap();
    assert_eq!((rest.seen, rest.removed, rest.stopped), (100, 100, false));
}
