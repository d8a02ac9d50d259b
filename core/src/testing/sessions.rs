//! Whole sessions over a store: what the lifecycle promises, with every race as a scripted interleaving.

use std::time::Duration;

use futures_util::future::join_all;
use proptest::test_runner::{Config, TestRunner};

use super::{Probe, Verb, Visitor, When, run_cases};
use crate::any_store::AnyStore;
use crate::clock::ManualClock;
use crate::error::{Error, Result};
use crate::id::{Token, TokenFormat};
use crate::key::Key;
use crate::session::Session;
use crate::sessions::Sessions;
use crate::settings::{OnConflict, Settings};
use crate::store::{Filter, SessionStore};

const N: Key<u32> = Key::new("n");

/// Every case of this module.
///
/// # Panics
///
/// Where a promise is broken.
pub async fn conformance<S: SessionStore>(make: &impl AsyncFn() -> S) {
    run_cases!(make;
        writers_of_different_keys_lose_nothing,
        increments_all_count,
        a_merge_keeps_both,
        rejecting_conflicts_changes_nothing,
        a_one_time_value_is_taken_once,
        a_slow_writer_does_not_bring_back_an_ended_session,
        a_slow_rotation_does_not_bring_back_an_ended_session,
        a_slow_touch_does_not_bring_back_an_ended_session,
        a_slow_merge_does_not_bring_back_an_ended_session,
        of_many_rotations_one_lives,
        a_request_on_its_way_during_a_rotation_is_anonymous,
        a_login_goes_on_where_its_session_has_gone,
        an_expired_session_is_gone_for_its_writer,
        unknown_tokens_are_never_adopted,
        looking_creates_nothing,
        nobody_finds_what_is_another_s,
        a_lost_answer_applies_nothing_twice,
        a_failed_write_is_tried_again,
        an_outage_is_not_a_missing_session,
        a_renewed_secret_arrives_or_is_renewed_again,
    );
}

/// A store that is watched, sessions over it, and the clock that they read.
pub(super) struct Stage {
    probe: Probe,
    pub(super) sessions: Sessions,
    pub(super) clock: ManualClock,
}

impl Stage {
    pub(super) fn new(store: AnyStore) -> Self {
        Self::with(store, Settings::default())
    }

    pub(super) fn with(store: AnyStore, settings: Settings) -> Self {
        let (probe, clock) = (Probe::new(store.clone()), ManualClock::default());
        let settings = settings.with_clock(clock.clone());
        let mut watched = AnyStore::new(probe.clone());
        watched.django = store.django;
        let sessions = Sessions::new(watched, settings).expect("settings that fit");
        Self { probe, sessions, clock }
    }

    fn split_tokens(&self) -> bool {
        self.probe.capabilities().tokens == TokenFormat::Split
    }

    pub(super) fn accounts(&self) -> bool {
        self.probe.capabilities().accounts
    }

    /// A visitor with a stored session in which `n` is 0.
    async fn visitor(&self) -> Visitor {
        let mut visitor = Visitor::new(&self.sessions);
        visitor.visit(200, async |session| session.insert(N, 0)).await.expect("a new session");
        visitor
    }

    pub(super) async fn stored(&self) -> usize {
        let now = crate::clock::Clock::now(&self.clock);
        super::store::listed(&AnyStore::new(self.probe.clone()), Filter::All, now).await.len()
    }
}

pub(super) async fn read(visitor: &Visitor) -> Option<u32> {
    visitor.clone().visit(200, async |session| session.get(N)).await.expect("a read")
}

async fn writers_of_different_keys_lose_nothing(store: AnyStore) {
    let stage = Stage::new(store);
    let visitor = stage.visitor().await;
    let visits: Vec<_> = (0..64).map(|_| visitor.begin()).collect();
    let sessions = join_all(visits.iter().map(super::Visit::session)).await;
    for (i, session) in sessions.into_iter().enumerate() {
        session.expect("live").insert(format!("key{i}").as_str(), i).expect("insert");
    }
    // All have loaded; now all save at once.
    let tasks: Vec<_> = visits.into_iter().map(|visit| tokio::spawn(visit.finish(200))).collect();
    for finished in join_all(tasks).await {
        assert!(finished.expect("a task ends").error.is_none());
    }
    let keys = visitor.clone().visit(200, async |session| Ok(session.keys())).await.expect("a read");
    assert_eq!(keys.len(), 65, "64 writers lose none of their keys");
}

async fn increments_all_count(store: AnyStore) {
    let stage = Stage::new(store);
    let visitor = stage.visitor().await;
    let visits: Vec<_> = (0..64).map(|_| visitor.begin()).collect();
    for session in join_all(visits.iter().map(super::Visit::session)).await {
        session.expect("live").update(N, |n| *n += 1).expect("update");
    }
    let tasks: Vec<_> = visits.into_iter().map(|visit| tokio::spawn(visit.finish(200))).collect();
    for finished in join_all(tasks).await {
        assert!(finished.expect("a task ends").error.is_none());
    }
    assert_eq!(read(&visitor).await, Some(64));
}

/// Every kind of change, on top of what another request has saved meanwhile.
async fn a_merge_keeps_both(store: AnyStore) {
    let stage = Stage::new(store);
    let mut visitor = Visitor::new(&stage.sessions);
    visitor
        .visit(200, async |s| s.extend([("n", 1), ("removed", 1), ("default", 1), ("theirs", 1)]))
        .await
        .expect("a new session");
    let slow = visitor.begin();
    let session = slow.session().await.expect("live");
    session.insert("ours", 1).expect("insert");
    session.update(N, |n| *n += 10).expect("update");
    assert!(session.remove("removed"));
    session.get_or_insert_with("fresh", || 2).expect("default");
    visitor
        .visit(200, async |s| {
            s.insert("theirs", 3)?;
            s.insert("fresh", 3)?;
            s.insert("removed", 3)?;
            s.update(N, |n| *n += 100)
        })
        .await
        .expect("the fast one");
    session.save().await.expect("a merge");
    assert_eq!(session.get(N).expect("a number"), Some(111), "the handler sees what was merged");
    assert!(slow.finish(200).await.error.is_none());
    let merged = visitor.visit(200, async |s| Ok(s.iter().collect::<Vec<_>>())).await.expect("a read");
    let merged: Vec<_> = merged.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let want = [("default", "1"), ("fresh", "3"), ("n", "111"), ("ours", "1"), ("theirs", "3")];
    assert_eq!(merged, want);

    let slow = visitor.begin();
    slow.session().await.expect("live").clear();
    visitor.visit(200, async |s| s.insert("late", 1)).await.expect("the fast one");
    assert!(slow.finish(200).await.error.is_none());
    let keys = visitor.visit(200, async |s| Ok(s.keys())).await.expect("a read");
    assert!(keys.is_empty(), "a clear clears what is there when it is saved: {keys:?}");
}

async fn rejecting_conflicts_changes_nothing(store: AnyStore) {
    let stage = Stage::with(store, Settings::default().with_on_conflict(OnConflict::Reject));
    let mut visitor = stage.visitor().await;
    let slow = visitor.begin();
    slow.session().await.expect("live").insert("slow", 1).expect("insert");
    visitor.visit(200, async |s| s.insert("fast", 1)).await.expect("the fast one");
    let finished = slow.finish(200).await;
    assert!(matches!(finished.error, Some(Error::Conflict)), "{finished:?}");
    let keys = visitor.visit(200, async |s| Ok(s.keys())).await.expect("a read");
    assert_eq!(keys, ["fast", "n"]);
}

async fn a_one_time_value_is_taken_once(store: AnyStore) {
    let stage = Stage::new(store);
    let mut visitor = stage.visitor().await;
    visitor.visit(200, async |s| s.insert("token", "abc")).await.expect("insert");
    let visits: Vec<_> = (0..8).map(|_| visitor.begin()).collect();
    let mut took = 0;
    for session in join_all(visits.iter().map(super::Visit::session)).await {
        let session = session.expect("live");
        assert_eq!(session.take_once::<String>("token").expect("a text").as_deref(), Some("abc"));
        took += u32::from(session.save().await.is_ok());
    }
    assert_eq!(took, 1, "of 8 takers one has it");
    for visit in visits {
        assert!(visit.finish(200).await.error.is_none(), "who was told so is not told again");
    }
}

/// T11, for `save`.
async fn a_slow_writer_does_not_bring_back_an_ended_session(store: AnyStore) {
    let stage = Stage::new(store);
    let mut visitor = stage.visitor().await;
    let slow = visitor.begin();
    let session = slow.session().await.expect("live");
    session.update(N, |n| *n += 1).expect("update");
    let pause = stage.probe.pause(Verb::Replace, When::Before);
    let writer = tokio::spawn(slow.finish(200));
    pause.reached().await;
    let late = visitor.clone();
    visitor.visit(200, async |s| s.flush().await).await.expect("a logout");
    pause.resume();
    let finished = writer.await.expect("a task ends");
    assert!(matches!(finished.error, Some(Error::Interrupted)), "{finished:?}");
    assert_eq!(finished.headers.set_cookie(), None, "and leaves the cookie alone");
    assert_eq!((stage.stored().await, read(&late).await), (0, None));
}

/// T11, for `rotate`.
async fn a_slow_rotation_does_not_bring_back_an_ended_session(store: AnyStore) {
    let stage = Stage::new(store);
    let mut visitor = stage.visitor().await;
    let slow = visitor.begin();
    slow.session().await.expect("live").rotate().expect("rotate");
    visitor.visit(200, async |s| s.flush().await).await.expect("a logout");
    let finished = slow.finish(200).await;
    assert!(matches!(finished.error, Some(Error::Interrupted)), "{finished:?}");
    assert_eq!(stage.stored().await, 0);
}

/// T11, for a touch: a request that only read meets no error, but it revives nothing, and sets no cookie.
async fn a_slow_touch_does_not_bring_back_an_ended_session(store: AnyStore) {
    let stage = Stage::with(store, Settings::default().with_save_every_request(true));
    let mut visitor = stage.visitor().await;
    let slow = visitor.begin();
    slow.session().await.expect("live");
    visitor.visit(200, async |s| s.flush().await).await.expect("a logout");
    let finished = slow.finish(200).await;
    assert!(finished.error.is_none() && finished.headers.set_cookie().is_none(), "{finished:?}");
    assert_eq!(stage.stored().await, 0);
}

/// T11, for a merge: it was ended between the conflict and the write on top of what the other one had saved.
async fn a_slow_merge_does_not_bring_back_an_ended_session(store: AnyStore) {
    let stage = Stage::new(store);
    let visitor = stage.visitor().await;
    let slow = visitor.begin();
    slow.session().await.expect("live").update(N, |n| *n += 1).expect("update");
    let elsewhere =
        stage.sessions.with_settings(stage.sessions.settings().clone()).expect("the same settings");
    let mut other = Visitor::with_cookie(&elsewhere, visitor.cookie().expect("a cookie"));
    other.visit(200, async |s| s.insert("other", 1)).await.expect("another process");
    let pause = stage.probe.pause(Verb::Replace, When::After);
    let writer = tokio::spawn(slow.finish(200));
    pause.reached().await;
    other.visit(200, async |s| s.flush().await).await.expect("a logout");
    pause.resume();
    let finished = writer.await.expect("a task ends");
    assert!(matches!(finished.error, Some(Error::Interrupted)), "{finished:?}");
    assert_eq!((stage.stored().await, read(&visitor).await), (0, None));
}

async fn of_many_rotations_one_lives(store: AnyStore) {
    let stage = Stage::new(store);
    let mut visitor = stage.visitor().await;
    let before = visitor.clone();
    let visits: Vec<_> = (0..8).map(|_| visitor.begin()).collect();
    for session in join_all(visits.iter().map(super::Visit::session)).await {
        session.expect("live").rotate().expect("rotate");
    }
    let tasks: Vec<_> = visits.into_iter().map(|visit| tokio::spawn(visit.finish(200))).collect();
    let mut winners = 0;
    for finished in join_all(tasks).await {
        let finished = finished.expect("a task ends");
        match &finished.error {
            None => {
                winners += 1;
                visitor.receive(&finished);
            }
            Some(error) => assert!(matches!(error, Error::Interrupted), "{error}"),
        }
    }
    assert_eq!((winners, stage.stored().await), (1, 1), "of 8 rotations one lives");
    assert_eq!(read(&visitor).await, Some(0), "with its data, under its new cookie");
    assert_eq!(read(&before).await, None, "and the old cookie opens nothing");
}

/// T21, T38, D62: what was on its way with the old secret is neither let in nor answered with a removal of the new cookie.
async fn a_request_on_its_way_during_a_rotation_is_anonymous(store: AnyStore) {
    let stage = Stage::new(store);
    if !stage.split_tokens() {
        return;
    }
    let mut visitor = stage.visitor().await;
    let old = visitor.clone();
    visitor.visit(200, async |s| s.rotate()).await.expect("a rotation");

    let reader = old.begin();
    assert_eq!(reader.session().await.expect("anonymous").get(N).expect("nothing"), None);
    let finished = reader.finish(200).await;
    assert_eq!(finished.headers.set_cookie(), None, "the new cookie is not removed");
    let writer = old.begin();
    writer.session().await.expect("anonymous").insert(N, 666).expect("insert");
    assert!(matches!(writer.finish(200).await.error, Some(Error::Interrupted)));

    stage.clock.advance(Duration::from_secs(31));
    let mut late = old.clone();
    late.visit(200, async |s| s.get(N)).await.expect("nothing");
    assert_eq!(late.cookie(), None, "after its grace it is an unknown cookie, and is removed");
    assert_eq!(read(&visitor).await, Some(0), "none of which harmed the session");
}

async fn a_login_goes_on_where_its_session_has_gone(store: AnyStore) {
    let stage = Stage::new(store);
    if !stage.accounts() {
        return;
    }
    let mut visitor = stage.visitor().await;
    let slow = visitor.begin();
    let session = slow.session().await.expect("live");
    session.login("ada").await.expect("login");
    session.insert("new", 1).expect("insert");
    visitor.visit(200, async |s| s.flush().await).await.expect("a logout in another tab");
    let finished = slow.finish(200).await;
    assert!(finished.error.is_none(), "{finished:?}");
    visitor.receive(&finished);
    let (account, keys) =
        visitor.visit(200, async |s| Ok((s.account(), s.keys()))).await.expect("the new session");
    assert_eq!(account.as_deref(), Some("ada"));
    assert_eq!(keys, ["new"], "with what the request wrote, and nothing old");
}

async fn an_expired_session_is_gone_for_its_writer(store: AnyStore) {
    let stage = Stage::with(store, Settings::default().with_cookie_age(Duration::from_secs(60)));
    let mut visitor = stage.visitor().await;
    let slow = visitor.begin();
    slow.session().await.expect("live").update(N, |n| *n += 1).expect("update");
    stage.clock.advance(Duration::from_secs(60));
    assert!(matches!(slow.finish(200).await.error, Some(Error::Interrupted)));
    assert_eq!(visitor.visit(200, async |s| s.get(N)).await.expect("nothing"), None);
    assert_eq!((visitor.cookie(), stage.stored().await), (None, 0));
}

/// What a handler may do, for sequences of it.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Get,
    Insert,
    Update,
    Remove,
    Clear,
    MarkModified,
    Rotate,
    Login,
    Flush,
    Save,
}

impl Deed {
    const ALL: [Deed; 10] = [
        Deed::Get,
        Deed::Insert,
        Deed::Update,
        Deed::Remove,
        Deed::Clear,
        Deed::MarkModified,
        Deed::Rotate,
        Deed::Login,
        Deed::Flush,
        Deed::Save,
    ];

    async fn carry_out(self, session: &Session) -> Result<()> {
        match self {
            Deed::Get => session.get(N).map(drop),
            Deed::Insert => session.insert(N, 1),
            Deed::Update => session.update(N, |n| *n += 1),
            Deed::Remove => {
                session.remove(N.name());
                Ok(())
            }
            Deed::Clear => {
                session.clear();
                Ok(())
            }
            Deed::MarkModified => {
                session.mark_modified();
                Ok(())
            }
            Deed::Rotate => session.rotate(),
            Deed::Login => session.login("ada").await,
            Deed::Flush => session.flush().await,
            Deed::Save => session.save().await,
        }
    }
}

/// T1, T22, D46, C11, peers.md ts 1 and 2: whatever is done in a request with a cookie that nobody was given, and in the next one, no
/// record gets its key and no answer repeats it. A sequence that breaks this is shrunk to its shortest.
async fn unknown_tokens_are_never_adopted(store: AnyStore) {
    let stage = Stage::with(store, Settings::default().with_save_every_request(true));
    let deeds = proptest::collection::vec(proptest::sample::select(&Deed::ALL[..]), 0..6);
    let config = Config { cases: 64, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&(deeds.clone(), deeds), |(first, second)| {
        let runtime = tokio::runtime::Handle::current();
        tokio::task::block_in_place(|| runtime.block_on(visit_with_forged_cookie(&stage, &first, &second)));
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

async fn visit_with_forged_cookie(stage: &Stage, first: &[Deed], second: &[Deed]) {
    let forged = Token::random(stage.probe.capabilities().tokens).expect("random bytes");
    let mut visitor = Visitor::with_cookie(&stage.sessions, forged.expose());
    for deeds in [first, second] {
        let outcome = visitor.visit(200, async |session| {
            for deed in deeds {
                deed.carry_out(&session).await?;
            }
            Ok(())
        });
        outcome.await.expect("deeds that a session allows");
        let now = crate::clock::Clock::now(&stage.clock);
        assert_eq!(stage.probe.load(forged.key(), now).await.expect("load"), None);
        assert!(visitor.cookie().is_none_or(|cookie| !cookie.contains(forged.key().as_str())));
    }
}

/// T1: whoever only looks, with a cookie that nobody was given, leaves nothing behind.
async fn looking_creates_nothing(store: AnyStore) {
    let stage = Stage::with(store, Settings::default().with_save_every_request(true));
    for _ in 0..50 {
        let forged = Token::random(stage.probe.capabilities().tokens).expect("random bytes");
        let mut visitor = Visitor::with_cookie(&stage.sessions, forged.expose());
        assert_eq!(visitor.visit(200, async |s| s.get(N)).await.expect("nothing"), None);
        assert_eq!(visitor.cookie(), None, "a dead cookie is removed");
    }
    assert_eq!(stage.stored().await, 0);
}

/// T32: of many who come at once each finds what is theirs.
async fn nobody_finds_what_is_another_s(store: AnyStore) {
    let stage = Stage::new(store);
    let everybody = (0..16_u32).map(|who| {
        let mut visitor = Visitor::new(&stage.sessions);
        tokio::spawn(async move {
            visitor.visit(200, async |s| s.insert("who", who)).await.expect("a new session");
            for times in 1..=10_u32 {
                let visit = visitor.visit(200, async |s| {
                    let counted = s.update(N, |n| {
                        *n += 1;
                        *n
                    })?;
                    Ok((s.get("who")?, counted))
                });
                assert_eq!(visit.await.expect("a visit"), (Some(who), times));
            }
        })
    });
    for visitor in everybody.collect::<Vec<_>>() {
        visitor.await.expect("it ends");
    }
}

async fn a_lost_answer_applies_nothing_twice(store: AnyStore) {
    let stage = Stage::new(store);
    let mut visitor = Visitor::new(&stage.sessions);
    stage.probe.fail_next(Verb::Insert, When::After);
    visitor.visit(200, async |s| s.insert(N, 0)).await.expect("the insert was done, and is found");
    assert_eq!(stage.stored().await, 1);
    stage.probe.fail_next(Verb::Replace, When::After);
    visitor.visit(200, async |s| s.update(N, |n| *n += 1)).await.expect("the write was done, and is found");
    assert_eq!(read(&visitor).await, Some(1));

    // The answer is lost, and another request writes before it can be found out: replaying might count twice.
    let slow = visitor.begin();
    slow.session().await.expect("live").update(N, |n| *n += 1).expect("update");
    stage.probe.fail_next(Verb::Replace, When::After);
    let pause = stage.probe.pause(Verb::Replace, When::After);
    let writer = tokio::spawn(slow.finish(200));
    pause.reached().await;
    let elsewhere =
        stage.sessions.with_settings(stage.sessions.settings().clone()).expect("the same settings");
    let mut other = Visitor::with_cookie(&elsewhere, visitor.cookie().expect("a cookie"));
    other.visit(200, async |s| s.update(N, |n| *n += 1)).await.expect("another process");
    pause.resume();
    let finished = writer.await.expect("a task ends");
    assert!(matches!(finished.error, Some(Error::Store(_))), "its outcome is unknown: {finished:?}");
    assert_eq!(read(&visitor).await, Some(3));

    // The handler tries again by itself after the store was away for a moment.
    let visit = visitor.begin();
    let session = visit.session().await.expect("live");
    session.update(N, |n| *n += 1).expect("update");
    stage.probe.fail_next(Verb::Replace, When::After);
    stage.probe.fail_next(Verb::Load, When::Before);
    assert!(session.save().await.is_err());
    session.save().await.expect("now it answers");
    assert!(visit.finish(200).await.error.is_none());
    assert_eq!(read(&visitor).await, Some(4));

    // So it does, but another request has written meanwhile: whether from what was saved cannot be known.
    let visit = visitor.begin();
    let session = visit.session().await.expect("live");
    session.update(N, |n| *n += 1).expect("update");
    stage.probe.fail_next(Verb::Replace, When::After);
    stage.probe.fail_next(Verb::Load, When::Before);
    assert!(session.save().await.is_err());
    other.visit(200, async |s| s.update(N, |n| *n += 1)).await.expect("another process");
    let again = session.save().await;
    assert!(matches!(again, Err(Error::Store(_))), "its outcome is unknown: {again:?}");
    assert!(matches!(visit.finish(200).await.error, Some(Error::Store(_))), "and stays so");
    assert_eq!(read(&visitor).await, Some(6));
}

async fn a_failed_write_is_tried_again(store: AnyStore) {
    let stage = Stage::new(store);
    let mut visitor = Visitor::new(&stage.sessions);
    stage.probe.fail_next(Verb::Insert, When::Before);
    visitor.visit(200, async |s| s.insert(N, 0)).await.expect("the second try");
    stage.probe.fail_next(Verb::Replace, When::Before);
    visitor.visit(200, async |s| s.update(N, |n| *n += 1)).await.expect("the second try");
    assert_eq!((read(&visitor).await, stage.stored().await), (Some(1), 1));
}

/// T38, D68: a store that is away takes no cookie from anybody, and nothing is written over.
async fn an_outage_is_not_a_missing_session(store: AnyStore) {
    let stage = Stage::new(store);
    let mut visitor = stage.visitor().await;
    let cookie = visitor.cookie().map(str::to_owned);
    stage.probe.fail_next(Verb::Load, When::Before);
    let error = visitor.visit(200, async |s| s.insert(N, 9)).await.expect_err("no answer");
    assert_eq!(error.status(), 503);
    assert_eq!(visitor.cookie(), cookie.as_deref());
    for when in [When::Before, When::Before, When::Before] {
        stage.probe.fail_next(Verb::Replace, when);
    }
    let error = visitor.visit(200, async |s| s.insert(N, 9)).await.expect_err("no answer");
    assert_eq!(error.status(), 503);
    stage.probe.fail_next(Verb::Remove, When::Before);
    let error = visitor.visit(200, async |s| s.flush().await).await.expect_err("no answer");
    assert_eq!(error.status(), 503);
    assert_eq!(visitor.cookie(), cookie.as_deref());
    assert_eq!(visitor.visit(200, async |s| s.get(N)).await.expect("it answers"), Some(0));
}

/// C15: the old secret is good until the new one has arrived, and a little longer.
async fn a_renewed_secret_arrives_or_is_renewed_again(store: AnyStore) {
    let settings = Settings::default().with_renew_every(Some(Duration::from_secs(60)));
    let stage = Stage::with(store, settings);
    if !stage.split_tokens() {
        return;
    }
    let mut visitor = stage.visitor().await;
    stage.clock.advance(Duration::from_secs(60));
    let old = visitor.clone();
    let parallel = old.begin();
    assert_eq!(visitor.visit(200, async |s| s.get(N)).await.expect("a read"), Some(0));
    assert_ne!(visitor.cookie(), old.cookie(), "time has passed: a new secret");
    parallel.session().await.expect("live").update(N, |n| *n += 1).expect("update");
    let finished = parallel.finish(200).await;
    assert!(finished.error.is_none(), "a renewal interrupts nobody: {finished:?}");
    assert_eq!(finished.headers.set_cookie(), None, "and the new cookie is left alone");

    // The answer was lost: the old cookie comes again, later than requests that were sent together do.
    stage.clock.advance(Duration::from_secs(31));
    let mut unlucky = old.clone();
    assert_eq!(unlucky.visit(200, async |s| s.get(N)).await.expect("a read"), Some(1));
    assert_ne!(unlucky.cookie(), old.cookie(), "it is renewed again");
    // Once the new one has been seen, the old one has 30 seconds.
    let now_seen = unlucky.visit(200, async |s| s.get(N)).await.expect("a read");
    assert_eq!((now_seen, read(&old).await), (Some(1), Some(1)));
    stage.clock.advance(Duration::from_secs(31));
    assert_eq!((read(&old).await, read(&unlucky).await), (None, Some(1)));
}
