//! Many sessions over a store: those of an account, and those that a cleanup or a sweeper ends.

use std::time::Duration;

use super::sessions::{Stage, read};
use super::{Visitor, run_cases};
use crate::any_store::AnyStore;
use crate::clock::{Clock as _, ManualClock, Time};
use crate::error::Error;
use crate::session::Session;
use crate::settings::{OnSessionLimit, Settings};
use crate::store::SessionStore;
use crate::sweeper::Sweeper;

/// Runs every case, each on a store of its own.
///
/// # Panics
///
/// Where the store does not hold the contract.
pub async fn conformance<S: SessionStore>(make: &impl AsyncFn() -> S) {
    run_cases!(make;
        logout_on_one_device_leaves_the_others,
        the_oldest_session_over_the_limit_ends,
        a_login_over_the_limit_is_refused,
        of_logins_at_once_as_many_stay_as_may,
        what_a_cleanup_ends_is_ended,
        a_cleanup_ends_by_every_clock,
        sweepers_take_turns,
    );
}

async fn logout_on_one_device_leaves_the_others(store: AnyStore) {
    let stage = Stage::new(store);
    if !stage.accounts() {
        return;
    }
    let mut devices = Vec::new();
    for i in 0..4 {
        let mut device = Visitor::new(&stage.sessions);
        let login = async |s: Session| {
            s.set_meta("device", Some(i.to_string()))?;
            s.login("ada").await
        };
        device.visit(200, login).await.expect("a login");
        devices.push(device);
    }
    let mut stranger = Visitor::new(&stage.sessions);
    stranger.visit(200, async |s| s.login("eve").await).await.expect("a login");

    let list = devices[0].visit(200, async |s| s.sessions().await).await.expect("a list");
    assert_eq!(list.len(), 4);
    assert_eq!(
        list.iter().filter(|info| info.current).map(|info| &info.meta["device"]).collect::<Vec<_>>(),
        ["0"]
    );
    let third = list.iter().find(|info| info.meta["device"] == "3").expect("it is listed").handle;
    let stolen = stranger.visit(200, async |s| s.revoke(&third).await).await.expect("an answer");
    assert!(!stolen, "nobody ends another account's session");
    assert!(devices[0].visit(200, async |s| s.revoke(&third).await).await.expect("a revocation"));
    assert_eq!(devices[0].visit(200, async |s| s.revoke_others().await).await.expect("a revocation"), 2);
    for (i, device) in devices.iter().enumerate() {
        let account = device.clone().visit(200, async |s| Ok(s.account())).await.expect("a read");
        assert_eq!(account.is_some(), i == 0);
    }
    assert_eq!(stage.sessions.revoke_account("ada").await.expect("a revocation"), 1);
    assert_eq!(stage.stored().await, 1, "the stranger's");
}

/// C27.
async fn the_oldest_session_over_the_limit_ends(store: AnyStore) {
    let limit = 2.try_into().ok();
    let stage = Stage::with(store, Settings::default().with_max_sessions(limit));
    if !stage.accounts() {
        return;
    }
    let mut devices = Vec::new();
    for _ in 0..3 {
        let mut device = Visitor::new(&stage.sessions);
        device.visit(200, async |s| s.login("ada").await).await.expect("a login");
        stage.clock.advance(Duration::from_secs(1));
        devices.push(device);
    }
    let mut live = Vec::new();
    for device in &devices {
        let account = device.clone().visit(200, async |s| Ok(s.account())).await.expect("a read");
        live.push(account.is_some());
    }
    assert_eq!(live, [false, true, true]);
}

/// C27: where the application says so; the visitor stays who they were.
async fn a_login_over_the_limit_is_refused(store: AnyStore) {
    let settings = Settings::default().with_max_sessions(2.try_into().ok());
    let stage = Stage::with(store, settings.with_on_session_limit(OnSessionLimit::Refuse));
    if !stage.accounts() {
        return;
    }
    let mut devices = vec![Visitor::new(&stage.sessions); 3];
    for device in &mut devices {
        device.visit(200, async |s| s.insert("n", 7)).await.expect("a cart");
    }
    for device in &mut devices[..2] {
        device.visit(200, async |s| s.login("ada").await).await.expect("a login");
    }
    let refused = devices[2].visit(200, async |s| s.login("ada").await).await;
    assert!(matches!(refused, Err(Error::SessionLimit { limit: 2 })), "{refused:?}");
    assert_eq!(read(&devices[2]).await, Some(7), "the cart is there");
    devices[0].visit(200, async |s| s.flush().await).await.expect("a logout");
    devices[2].visit(200, async |s| s.login("ada").await).await.expect("there is room now");
    assert_eq!(stage.sessions.sessions_of("ada").await.expect("a list").len(), 2);
}

/// C27: whatever the order in which they come to the store.
async fn of_logins_at_once_as_many_stay_as_may(store: AnyStore) {
    for limit in [1, 3] {
        let settings = Settings::default().with_max_sessions(limit.try_into().ok());
        let stage = Stage::with(store.clone(), settings);
        if !stage.accounts() {
            return;
        }
        let account = format!("limit {limit}");
        let logins = (0..8).map(|_| {
            let (mut device, account) = (Visitor::new(&stage.sessions), account.clone());
            tokio::spawn(async move { device.visit(200, async |s| s.login(account).await).await })
        });
        for login in logins.collect::<Vec<_>>() {
            login.await.expect("it ends").expect("a login");
        }
        let live = stage.sessions.sessions_of(&account).await.expect("a list").len();
        assert_eq!(live, usize::try_from(limit).expect("small"));
    }
}

/// C25: at once, wherever it is read.
async fn what_a_cleanup_ends_is_ended(store: AnyStore) {
    let stage = Stage::new(store);
    let mut visitors = Vec::new();
    for n in 0..3 {
        let mut visitor = Visitor::new(&stage.sessions);
        visitor.visit(200, async |s| s.insert("n", n)).await.expect("a session");
        assert_eq!(read(&visitor).await, Some(n));
        visitors.push(visitor);
    }
    let cleanup = stage.sessions.cleanup().matching(|session| session.get::<u32>("n") == Some(1));
    let done = cleanup.run().await.expect("a cleanup");
    assert_eq!((done.matched, done.removed), (1, 1));
    let mut left = Vec::new();
    for visitor in &visitors {
        left.push(read(visitor).await);
    }
    assert_eq!(left, [Some(0), None, Some(2)]);
}

/// Whoever cleans up has a clock of their own.
async fn a_cleanup_ends_by_every_clock(store: AnyStore) {
    let stage = Stage::new(store);
    let here = stage.clock.now();
    let minute = Duration::from_secs(60);
    for there in [here + minute, Time::from_millis(here.as_millis() - 60_000)] {
        let mut visitor = Visitor::new(&stage.sessions);
        visitor.visit(200, async |s| s.insert("n", 1)).await.expect("a session");
        let settings = stage.sessions.settings().clone().with_clock(ManualClock::at(there));
        let elsewhere = stage.sessions.with_settings(settings).expect("settings that fit");
        let done = elsewhere.cleanup().older_than(Duration::ZERO).run().await.expect("a cleanup");
        assert_eq!(done.removed, 1);
        assert_eq!(read(&visitor).await, None, "ended at {there}, read at {here}");
    }
}

/// Two nodes that sweep again and again, until they are told to stop: what has expired goes, and nothing else does, nor stays.
async fn sweepers_take_turns(store: AnyStore) {
    let stage = Stage::with(store, Settings::default().with_cookie_age(Duration::from_secs(60)));
    for n in 0..5 {
        let mut visitor = Visitor::new(&stage.sessions);
        visitor.visit(200, async |s| s.insert("n", n)).await.expect("a session");
    }
    stage.clock.advance(Duration::from_secs(3600));
    let mut living = Visitor::new(&stage.sessions);
    living.visit(200, async |s| s.insert("n", 9)).await.expect("a session");
    let node = || {
        let batch = 2.try_into().expect("not zero");
        let sweeper = Sweeper::new(&stage.sessions).with_interval(Duration::from_millis(5)).with_batch(batch);
        let stop = tokio::time::sleep(Duration::from_millis(300));
        tokio::spawn(async move { sweeper.run(stop).await })
    };
    let nodes = [node(), node()];
    let mut removed = 0;
    for node in nodes {
        let swept = node.await.expect("it ends");
        assert_eq!(swept.failures, 0);
        removed += swept.removed;
    }
    assert!(removed <= 5, "each once: {removed}");
    assert_eq!(read(&living).await, Some(9));
    let left = stage.sessions.cleanup().dry_run().run().await.expect("a look").seen;
    assert_eq!(left, 1, "the living, and no lease");
    let again = Sweeper::new(&stage.sessions).sweep().await.expect("a sweep");
    assert_eq!(again.removed, 0, "nothing expired was left");
}
