//! Two stores as one, while a site moves.

#![expect(clippy::unwrap_used, reason = "a test fails where it is")]

use std::num::NonZeroU32;
use std::time::Duration;

use session_core::store::{
    Capabilities, Cursor, Filter, Inserted, Page, Replaced, Select, SessionStore, StoreResult,
};
use session_core::testing::{Probe, Verb, Visitor, When, conformance};
use session_core::{
    AnyStore, Error, Expiry, ManualClock, MigratingStore, Record, RecordKey, Session, Sessions, Settings,
    Time,
};
use session_memory::MemoryStore;

/// A site on which every session was begun before the move.
#[derive(Clone, Debug)]
struct BegunBefore {
    old: AnyStore,
    both: MigratingStore,
}

impl BegunBefore {
    fn new() -> Self {
        let old = AnyStore::new(MemoryStore::new());
        Self { both: MigratingStore::new(old.clone(), MemoryStore::new()).unwrap(), old }
    }
}

impl SessionStore for BegunBefore {
    fn capabilities(&self) -> Capabilities {
        self.both.capabilities()
    }
    async fn insert(&self, key: &RecordKey, record: &Record, now: Time) -> StoreResult<Inserted> {
        self.old.insert(key, record, now).await
    }
    async fn load(&self, key: &RecordKey, now: Time) -> StoreResult<Option<Record>> {
        self.both.load(key, now).await
    }
    async fn replace(
        &self,
        key: &RecordKey,
        to: &RecordKey,
        record: &Record,
        was: &Record,
        now: Time,
    ) -> StoreResult<Replaced> {
        self.both.replace(key, to, record, was, now).await
    }
    async fn touch(&self, key: &RecordKey, until: Time, was: &Record, now: Time) -> StoreResult<bool> {
        self.both.touch(key, until, was, now).await
    }
    async fn remove(&self, what: Select<'_>, now: Time) -> StoreResult<u64> {
        self.both.remove(what, now).await
    }
    async fn page(
        &self,
        of: Filter<'_>,
        after: Option<Cursor>,
        limit: NonZeroU32,
        now: Time,
    ) -> StoreResult<Page> {
        self.both.page(of, after, limit, now).await
    }
    async fn purge(&self, now: Time, batch: NonZeroU32) -> StoreResult<u64> {
        self.both.purge(now, batch).await
    }
    async fn ping(&self) -> StoreResult<()> {
        self.both.ping().await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn new_sessions_conform() {
    conformance(async || MigratingStore::new(MemoryStore::new(), MemoryStore::new()).unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sessions_that_move_conform() {
    conformance(async || BegunBefore::new()).await;
}

struct Site {
    old: Probe,
    new: Probe,
    visitor: Visitor,
}

/// A visitor whose session is in the old store, as the site is after the change.
async fn site() -> Site {
    site_with(Settings::default()).await
}

async fn site_with(settings: Settings) -> Site {
    let (old, new) = (Probe::new(MemoryStore::new()), Probe::new(MemoryStore::new()));
    let before = Sessions::new(old.clone(), settings.clone()).unwrap();
    let mut visitor = Visitor::new(&before);
    visitor.visit(200, async |s| s.insert("n", 1)).await.unwrap();
    visitor.visit(200, async |s| s.login("ada").await).await.unwrap();
    let both = MigratingStore::new(old.clone(), new.clone()).unwrap();
    let after = Sessions::new(both, settings).unwrap();
    let visitor = Visitor::with_cookie(&after, visitor.cookie().unwrap());
    Site { old, new, visitor }
}

async fn stored(store: &Probe) -> usize {
    let now = session_core::Clock::now(&session_core::SystemClock);
    let page = store.page(Filter::All, None, 100.try_into().unwrap(), now).await.unwrap();
    // A tombstone opens nothing.
    page.records.iter().filter(|(_, record)| record.secret.is_some()).count()
}

#[tokio::test]
async fn a_session_moves_with_its_first_save_and_nobody_is_signed_out() {
    let mut site = site().await;
    let read = site.visitor.visit(200, async |s| Ok((s.get("n")?, s.account()))).await.unwrap();
    assert_eq!(read, (Some(1), Some("ada".to_owned())));
    assert_eq!((stored(&site.old).await, stored(&site.new).await), (1, 0), "reading moves nothing");
    let cookie = site.visitor.cookie().unwrap().to_owned();
    site.visitor.visit(200, async |s| s.update("n", |n: &mut u32| *n += 1)).await.unwrap();
    assert_eq!((stored(&site.old).await, stored(&site.new).await), (0, 1));
    assert_eq!(site.visitor.cookie(), Some(&*cookie), "the cookie is the same");
    let read = site.visitor.visit(200, async |s| Ok((s.get("n")?, s.account()))).await.unwrap();
    assert_eq!(read, (Some(2), Some("ada".to_owned())));
}

/// Whoever ends a session while another request is about to move it ends it for good: at each step of the move.
#[tokio::test]
async fn an_ended_session_does_not_come_back_by_moving() {
    for (verb, of_new) in
        [(Verb::Replace, true), (Verb::Load, false), (Verb::Insert, true), (Verb::Remove, false)]
    {
        for when in [When::Before, When::After] {
            let site = site().await;
            let slow = site.visitor.begin();
            slow.session().await.unwrap().insert("late", 1).unwrap();
            let pause = if of_new { &site.new } else { &site.old }.pause(verb, when);
            let writer = tokio::spawn(slow.finish(200));
            pause.reached().await;
            site.visitor.clone().visit(200, async |s| s.flush().await).await.unwrap();
            pause.resume();
            let finished = writer.await.unwrap();
            let step = format!("{verb:?} {when:?}");
            let done_before = verb == Verb::Remove && when == When::After;
            let is_told = matches!(finished.error, Some(Error::Interrupted));
            assert!(is_told != done_before, "{step}: {:?}", finished.error);
            let read = site.visitor.clone().visit(200, async |s| s.get::<u32>("n")).await.unwrap();
            assert_eq!(read, None, "{step}");
            assert_eq!(stored(&site.old).await, 0, "{step}");
        }
    }
}

/// A request has read the session in the old store. While it waits, another one moves the session, and it is ended where it is now.
#[tokio::test]
async fn an_ended_session_is_not_moved_a_second_time() {
    for all in [false, true] {
        let site = site().await;
        let slow = site.visitor.begin();
        slow.session().await.unwrap().insert("late", 1).unwrap();
        let pause = site.new.pause(Verb::Insert, When::Before);
        let writer = tokio::spawn(slow.finish(200));
        pause.reached().await;
        let elsewhere = Visitor::with_cookie(&sessions_of(&site), site.visitor.cookie().unwrap());
        elsewhere.clone().visit(200, async |s| s.insert("n", 2)).await.unwrap();
        if all {
            assert_eq!(sessions_of(&site).revoke_account("ada").await.unwrap(), 1);
        } else {
            elsewhere.clone().visit(200, async |s| s.flush().await).await.unwrap();
        }
        pause.resume();
        assert!(matches!(writer.await.unwrap().error, Some(Error::Interrupted)));
        let read = site.visitor.clone().visit(200, async |s| s.get::<u32>("n")).await.unwrap();
        assert_eq!((read, stored(&site.old).await, stored(&site.new).await), (None, 0, 0));
    }
}

/// The same by a cleanup, at a session that has not moved.
#[tokio::test]
async fn what_a_cleanup_has_ended_is_not_moved() {
    let site = site().await;
    let slow = site.visitor.begin();
    slow.session().await.unwrap().insert("late", 1).unwrap();
    let pause = site.new.pause(Verb::Insert, When::Before);
    let writer = tokio::spawn(slow.finish(200));
    pause.reached().await;
    let done = sessions_of(&site).cleanup().older_than(Duration::ZERO).run().await.unwrap();
    assert_eq!(done.removed, 1);
    pause.resume();
    assert!(matches!(writer.await.unwrap().error, Some(Error::Interrupted)));
    let read = site.visitor.clone().visit(200, async |s| s.get::<u32>("n")).await.unwrap();
    assert_eq!((read, stored(&site.old).await, stored(&site.new).await), (None, 0, 0));
}

/// So that the old store empties also where sessions are only read.
#[tokio::test]
async fn a_recorded_use_moves_it() {
    let (old, new) = (Probe::new(MemoryStore::new()), Probe::new(MemoryStore::new()));
    let settings = || Settings::default().with_save_every_request(true);
    let mut visitor = Visitor::new(&Sessions::new(old.clone(), settings()).unwrap());
    visitor.visit(200, async |s| s.insert("n", 1)).await.unwrap();
    let both = MigratingStore::new(old.clone(), new.clone()).unwrap();
    let after = Sessions::new(both, settings()).unwrap();
    let mut visitor = Visitor::with_cookie(&after, visitor.cookie().unwrap());
    assert_eq!(visitor.visit(200, async |s| s.get::<u32>("n")).await.unwrap(), Some(1));
    assert_eq!((stored(&old).await, stored(&new).await), (0, 1));
}

/// A logout that broke off holds when it is tried again.
#[tokio::test]
async fn a_logout_that_broke_off_is_finished_by_the_next() {
    let mut site = site().await;
    site.old.fail_next(Verb::Remove, When::Before);
    let again = site.visitor.clone();
    site.visitor.visit(200, async |s| s.flush().await).await.unwrap_err();
    again.clone().visit(200, async |s| s.flush().await).await.unwrap();
    assert_eq!((stored(&site.old).await, stored(&site.new).await), (0, 0));
}

/// A request that is cancelled while it moves a session leaves it in both stores. It ends where it is now, and is not found again where
/// it was.
#[tokio::test]
async fn a_move_that_broke_off_is_finished_by_the_next() {
    let clock = ManualClock::default();
    let Site { old, mut visitor, .. } = site_with(Settings::default().with_clock(clock.clone())).await;
    cancelled_at_its_move(&visitor, &old, |session| session.insert("n", 2).unwrap()).await;
    let minute = Duration::from_secs(60);
    visitor.visit(200, async |s| s.set_expiry(Some(Expiry::Inactivity(minute)))).await.unwrap();
    assert_eq!(visitor.visit(200, async |s| s.get("n")).await.unwrap(), Some(2));
    clock.advance(minute);
    assert_eq!(
        visitor.visit(200, async |s| s.get::<u32>("n")).await.unwrap(),
        None,
        "nor the one from before"
    );
    assert_eq!(stored(&old).await, 0);
}

/// The same where nobody comes until it has ended where it is now: with the deadline that it got as it moved.
#[tokio::test]
async fn a_move_that_broke_off_leaves_nothing_that_lasts_longer() {
    let clock = ManualClock::default();
    let settings = Settings::default().with_clock(clock.clone());
    let site = site_with(settings.clone()).await;
    let minute = Duration::from_secs(60);
    let shorten = |session: &Session| session.set_expiry(Some(Expiry::Inactivity(minute))).unwrap();
    cancelled_at_its_move(&site.visitor, &site.old, shorten).await;
    clock.advance(minute);
    // Also to a process that knows nothing of it.
    let elsewhere = MigratingStore::new(site.old.clone(), site.new.clone()).unwrap();
    let elsewhere = Sessions::new(elsewhere, settings).unwrap();
    for mut visitor in [Visitor::with_cookie(&elsewhere, site.visitor.cookie().unwrap()), site.visitor] {
        assert_eq!(visitor.visit(200, async |s| s.get::<u32>("n")).await.unwrap(), None);
    }
}

/// A request whose client goes away before the old store is told that the session has moved.
async fn cancelled_at_its_move(visitor: &Visitor, old: &Probe, change: impl FnOnce(&Session)) {
    let pause = old.pause(Verb::Remove, When::Before);
    let cancelled = visitor.begin();
    change(&cancelled.session().await.unwrap());
    let cancelled = tokio::spawn(cancelled.finish(200));
    pause.reached().await;
    cancelled.abort();
    assert!(cancelled.await.unwrap_err().is_cancelled());
    drop(pause);
}

/// Between a look into the one store and a look into the other a session may move.
#[tokio::test]
async fn a_session_that_moves_meanwhile_is_found_and_ended() {
    let site = site().await;
    let pause = site.new.pause(Verb::Load, When::After);
    let reads = |mut visitor: Visitor| async move { visitor.visit(200, async |s| s.get::<u32>("n")).await };
    let reader = tokio::spawn(reads(site.visitor.clone()));
    pause.reached().await;
    site.visitor.clone().visit(200, async |s| s.insert("n", 2)).await.unwrap();
    pause.resume();
    assert_eq!(reader.await.unwrap().unwrap(), Some(2));

    let site = self::site().await;
    let late = site.visitor.begin();
    let session = late.session().await.unwrap();
    let pause = site.new.pause(Verb::Load, When::After);
    let ender = tokio::spawn(async move { session.flush().await });
    pause.reached().await;
    site.visitor.clone().visit(200, async |s| s.insert("n", 2)).await.unwrap();
    pause.resume();
    ender.await.unwrap().unwrap();
    assert_eq!(reads(site.visitor.clone()).await.unwrap(), None);
    assert_eq!((stored(&site.old).await, stored(&site.new).await), (0, 0));
}

#[tokio::test]
async fn all_of_an_account_s_sessions_are_found_and_ended() {
    let mut site = site().await;
    let mut other = Visitor::new(&sessions_of(&site));
    other.visit(200, async |s| s.login("ada").await).await.unwrap();
    let count = other.visit(200, async |s| Ok(s.sessions().await?.len())).await.unwrap();
    assert_eq!(count, 2, "one in each store");
    assert_eq!(other.visit(200, async |s| s.revoke_others().await).await.unwrap(), 1);
    assert_eq!(site.visitor.visit(200, async |s| Ok(s.account())).await.unwrap(), None);
}

fn sessions_of(site: &Site) -> Sessions {
    let both = MigratingStore::new(site.old.clone(), site.new.clone()).unwrap();
    Sessions::new(both, Settings::default()).unwrap()
}
