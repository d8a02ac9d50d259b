//! What requests get while the store cannot be reached, and how long they wait for it.

#![expect(clippy::unwrap_used, reason = "a test fails where it is")]

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use session_core::store::StoreErrorKind;
use session_core::testing::{Probe, Verb, Visitor, When};
use session_core::{Error, OnOutage, Session, Sessions, Settings};
use session_memory::MemoryStore;

async fn site(settings: Settings) -> (Probe, Sessions, Visitor) {
    let probe = Probe::new(MemoryStore::new());
    let sessions = Sessions::new(probe.clone(), settings).unwrap();
    let mut visitor = Visitor::new(&sessions);
    visitor.visit(200, async |s| s.insert("n", 1)).await.unwrap();
    probe.reset();
    (probe, sessions, visitor)
}

async fn read(mut visitor: Visitor) -> session_core::Result<Option<u32>> {
    visitor.visit(200, async |s| s.get::<u32>("n")).await
}

/// So many failures in a row that the store is taken for dead.
async fn kill(probe: &Probe, visitor: &Visitor) {
    for _ in 0..5 {
        probe.fail_next(Verb::Load, When::Before);
        read(visitor.clone()).await.unwrap_err();
    }
}

fn is_unavailable(error: &Error) -> bool {
    matches!(error, Error::Store(error) if error.kind() == StoreErrorKind::Unavailable)
}

#[tokio::test]
async fn it_can_be_an_anonymous_session_that_is_only_read() {
    let (probe, _, mut visitor) = site(Settings::default().with_on_outage(OnOutage::Anonymous)).await;
    let cookie = visitor.cookie().map(str::to_owned);
    probe.fail_next(Verb::Load, When::Before);
    let read = visitor.visit(200, async |s| Ok((s.get::<u32>("n")?, s.account(), s.is_empty()))).await;
    assert_eq!(read.unwrap(), (None, None, true));
    assert_eq!(visitor.cookie().map(str::to_owned), cookie, "which the browser does not notice");

    probe.fail_next(Verb::Load, When::Before);
    let written = visitor.visit(200, async |s| s.insert("n", 2)).await;
    assert!(is_unavailable(&written.unwrap_err()));
    probe.fail_next(Verb::Load, When::Before);
    let signed_in = visitor.visit(200, async |s| s.login("ada").await).await;
    assert!(is_unavailable(&signed_in.unwrap_err()));
    probe.fail_next(Verb::Load, When::Before);
    let ended = visitor.visit(200, async |s| s.flush().await).await;
    assert!(is_unavailable(&ended.unwrap_err()), "a logout that did nothing must not look like one");
    assert_eq!((probe.calls_of(Verb::Insert), probe.calls_of(Verb::Replace)), (0, 0));
    assert_eq!(visitor.cookie().map(str::to_owned), cookie);
    assert_eq!(visitor.visit(200, async |s| s.get("n")).await.unwrap(), Some(1), "the store is back");
}

/// A cache before the site must not give this answer to somebody else.
#[tokio::test]
async fn a_response_without_the_session_that_was_asked_for_depends_on_the_cookie() {
    let (probe, _, visitor) = site(Settings::default()).await;
    let visit = visitor.begin();
    probe.fail_next(Verb::Load, When::Before);
    assert!(is_unavailable(&visit.session().await.unwrap_err()));
    let headers = visit.finish(200).await.headers;
    assert!(headers.vary() && headers.set_cookie().is_none());
}

/// Of two cookies one opens nothing, which costs no look into the store; what the other one opens is not known. So nothing is.
#[tokio::test]
async fn a_cookie_that_opens_nothing_does_not_hide_an_outage() {
    let (probe, sessions, visitor) = site(Settings::default().with_on_outage(OnOutage::Anonymous)).await;
    let both = format!("{}; {}=nonsense", visitor.cookie().unwrap(), sessions.settings().cookie_name());
    let mut visitor = Visitor::with_cookie(&sessions, &both);
    probe.fail_next(Verb::Load, When::Before);
    assert_eq!(visitor.visit(200, async |s| s.get::<u32>("n")).await.unwrap(), None);
    assert_eq!(visitor.cookie(), Some(&*both), "it is not cleared");
    probe.fail_next(Verb::Load, When::Before);
    assert!(is_unavailable(&visitor.visit(200, async |s| s.insert("n", 2)).await.unwrap_err()));
    assert_eq!((probe.calls_of(Verb::Insert), visitor.cookie()), (0, Some(&*both)));
    assert_eq!(visitor.visit(200, async |s| s.get("n")).await.unwrap(), Some(1));
}

/// A save that was refused because the store is taken for dead was not made: of that there is no doubt, whatever others write since.
#[tokio::test]
async fn what_was_not_sent_is_not_in_doubt() {
    let (probe, _, visitor) = site(Settings::default()).await;
    let long = visitor.begin();
    let session = long.session().await.unwrap();
    session.update("n", |n: &mut u32| *n += 1).unwrap();
    kill(&probe, &visitor).await;
    let pause = probe.pause(Verb::Load, When::Before);
    let trying = tokio::spawn(read(visitor.clone()));
    pause.reached().await;
    assert!(is_unavailable(&session.save().await.unwrap_err()));
    pause.resume();
    trying.await.unwrap().unwrap();
    for n in 0..3 {
        visitor.clone().visit(200, async |s| s.insert("other", n)).await.unwrap();
    }
    session.save().await.unwrap();
    assert_eq!(read(visitor).await.unwrap(), Some(2));
}

#[tokio::test]
async fn a_call_ends_in_time() {
    let limit = Duration::from_millis(50);
    let (probe, _, mut visitor) = site(Settings::default().with_store_timeout(Some(limit))).await;
    let pause = probe.pause(Verb::Load, When::Before);
    let began = Instant::now();
    let error = visitor.visit(200, async |s| s.get::<u32>("n")).await.unwrap_err();
    assert!(is_unavailable(&error) && error.to_string().contains("50ms"), "{error}");
    assert!(began.elapsed() >= limit && began.elapsed() < 20 * limit);
    pause.resume();
    assert_eq!(visitor.visit(200, async |s| s.get("n")).await.unwrap(), Some(1));
}

/// Whether a write that was given up was done is found out, as after any lost answer.
#[tokio::test]
async fn a_write_that_is_given_up_is_not_done_twice() {
    let settings = Settings::default().with_store_timeout(Some(Duration::from_millis(50)));
    let (probe, _, mut visitor) = site(settings).await;
    let pause = probe.pause(Verb::Replace, When::After);
    visitor.visit(200, async |s| s.update("n", |n: &mut u32| *n += 1)).await.unwrap();
    drop(pause);
    assert_eq!(probe.calls_of(Verb::Replace), 1, "once it is found, nothing is left to be done");
    assert_eq!(visitor.visit(200, async |s| s.get("n")).await.unwrap(), Some(2));
}

/// Another write has its number, so it was not done: which one look says.
#[tokio::test]
async fn a_write_that_was_overtaken_is_done_after_the_other() {
    let settings = Settings::default().with_store_timeout(Some(Duration::from_millis(200)));
    let (probe, _, visitor) = site(settings).await;
    let increment = |mut visitor: Visitor| async move {
        visitor.visit(200, async |s| s.update("n", |n: &mut u32| *n += 1)).await
    };
    let never_sent = probe.pause(Verb::Replace, When::Before);
    let late = tokio::spawn(increment(visitor.clone()));
    never_sent.reached().await;
    let elsewhere = Sessions::new(probe.clone(), Settings::default()).unwrap();
    increment(Visitor::with_cookie(&elsewhere, visitor.cookie().unwrap())).await.unwrap();
    late.await.unwrap().unwrap();
    assert_eq!(probe.calls_of(Verb::Replace), 3);
    assert_eq!(read(visitor).await.unwrap(), Some(3));
}

/// The request has waited for the write already: what became of it is worth a short wait.
#[tokio::test]
async fn a_lost_answer_is_not_looked_for_as_long() {
    let limit = Duration::from_secs(2);
    let (probe, _, visitor) = site(Settings::default().with_store_timeout(Some(limit))).await;
    let write = probe.pause(Verb::Replace, When::Before);
    // The look that opens the session comes first.
    let request = visitor.begin();
    let session = request.session().await.unwrap();
    let look = probe.pause(Verb::Load, When::Before);
    session.insert("n", 2).unwrap();
    let began = Instant::now();
    assert!(is_unavailable(&session.save().await.unwrap_err()));
    assert!(began.elapsed() < limit * 7 / 4, "{:?}", began.elapsed());
    drop((write, look));
}

#[tokio::test]
async fn a_dead_store_is_tried_by_one_request_at_a_time() {
    let (probe, sessions, visitor) = site(Settings::default()).await;
    kill(&probe, &visitor).await;
    probe.reset();
    let pause = probe.pause(Verb::Load, When::Before);
    let trying = tokio::spawn(read(visitor.clone()));
    pause.reached().await;
    for _ in 0..20 {
        let error = visitor.clone().visit(200, async |s| s.get::<u32>("n")).await.unwrap_err();
        assert!(is_unavailable(&error) && error.status() == 503, "{error}");
    }
    assert_eq!(probe.calls_of(Verb::Load), 1, "twenty failed at once, while one tries");
    sessions.health().await.unwrap();
    pause.resume();
    assert_eq!(trying.await.unwrap().unwrap(), Some(1));
    let both = [visitor.begin(), visitor.begin()];
    for visit in both {
        visit.session().await.unwrap();
    }
    assert_eq!(probe.calls_of(Verb::Load), 3, "and it is back for all");
}

/// What the one that tries waits for may never come: another one tries long before it gives up.
#[tokio::test]
async fn a_try_that_is_not_answered_lets_another_try() {
    let (probe, _, visitor) =
        site(Settings::default().with_store_timeout(Some(Duration::from_secs(1)))).await;
    kill(&probe, &visitor).await;
    let pause = probe.pause(Verb::Load, When::Before);
    let trying = tokio::spawn(read(visitor.clone()));
    pause.reached().await;
    while visitor.clone().visit(200, async |s| s.get::<u32>("n")).await.is_err() {
        tokio::task::yield_now().await;
    }
    assert!(!trying.is_finished(), "the first still waits");
    let error = trying.await.unwrap().unwrap_err();
    assert!(is_unavailable(&error) && error.to_string().contains("1s"), "{error}");
}

/// What a slow store cannot take is refused at once, and does not pile up.
#[tokio::test]
async fn only_so_many_requests_wait_for_a_store() {
    let (probe, _, visitor) = site(Settings::default().with_max_waiting(3)).await;
    let pauses: Vec<_> = (0..3).map(|_| probe.pause(Verb::Load, When::Before)).collect();
    let waiting: Vec<_> = (0..3).map(|_| tokio::spawn(read(visitor.clone()))).collect();
    for pause in &pauses {
        pause.reached().await;
    }
    for _ in 0..20 {
        let error = read(visitor.clone()).await.unwrap_err();
        assert!(is_unavailable(&error) && error.to_string().contains("max_waiting"), "{error}");
    }
    assert_eq!(probe.calls_of(Verb::Load), 3, "the store was not asked for the others");
    for pause in pauses {
        pause.resume();
    }
    for one in waiting {
        assert_eq!(one.await.unwrap().unwrap(), Some(1));
    }
    assert_eq!(read(visitor).await.unwrap(), Some(1), "a store that is only slow is not taken for dead");
}

/// A save that waits for others of the same session counts too.
#[tokio::test]
async fn who_waits_for_their_turn_to_save_waits_for_the_store() {
    let (probe, _, visitor) = site(Settings::default().with_max_waiting(2)).await;
    let requests: Vec<_> = (0..3).map(|_| visitor.begin()).collect();
    for request in &requests {
        request.session().await.unwrap().update("n", |n: &mut u32| *n += 1).unwrap();
    }
    let pause = probe.pause(Verb::Replace, When::Before);
    let mut saves = requests.into_iter().map(|request| tokio::spawn(request.finish(200)));
    let first = saves.next().unwrap();
    pause.reached().await;
    let others: Vec<_> = saves.collect();
    let mut errors = 0;
    while errors == 0 {
        tokio::task::yield_now().await;
        errors = others.iter().filter(|save| save.is_finished()).count();
    }
    pause.resume();
    assert!(first.await.unwrap().error.is_none());
    let mut refused = 0;
    for save in others {
        refused += u32::from(save.await.unwrap().error.is_some_and(|error| is_unavailable(&error)));
    }
    assert_eq!(refused, 1, "one saves, one waits, and one is refused");
    assert_eq!(visitor.clone().visit(200, async |s| s.get("n")).await.unwrap(), Some(3));
}

/// The connection of the first one may have died, and theirs not.
#[tokio::test]
async fn who_waits_behind_a_save_that_hangs_goes_past_it() {
    let limit = Duration::from_millis(600);
    let (probe, _, visitor) = site(Settings::default().with_store_timeout(Some(limit))).await;
    let increment = |mut visitor: Visitor| async move {
        visitor.visit(200, async |s| s.update("n", |n: &mut u32| *n += 1)).await
    };
    let pause = probe.pause(Verb::Replace, When::Before);
    let first = tokio::spawn(increment(visitor.clone()));
    pause.reached().await;
    increment(visitor.clone()).await.unwrap();
    assert!(!first.is_finished(), "which still waits for the store");
    pause.resume();
    first.await.unwrap().unwrap();
    assert_eq!(visitor.clone().visit(200, async |s| s.get::<u32>("n")).await.unwrap(), Some(3));
}

/// Nothing was changed, but the session's deadline was to move.
#[tokio::test]
async fn a_save_that_was_asked_for_and_failed_is_still_due() {
    let (probe, _, visitor) = site(Settings::default()).await;
    let long = visitor.begin();
    let session = long.session().await.unwrap();
    session.mark_modified();
    for _ in 0..2 {
        probe.fail_next(Verb::Replace, When::Before);
    }
    assert!(is_unavailable(&session.save().await.unwrap_err()));
    assert_eq!(probe.calls_of(Verb::Replace), 2, "a failure is tried again once");
    for _ in 0..2 {
        session.save().await.unwrap();
        assert_eq!(probe.calls_of(Verb::Replace), 3, "and then it is done");
    }
    assert!(long.finish(200).await.error.is_none());
}

/// What broke off may arrive yet: after the look at what became of it, and before it is tried again. Where others have written by
/// then, one of them may have started from it, and to do it again would be to count twice.
#[tokio::test]
async fn a_second_try_does_not_go_over_what_others_wrote() {
    let limit = Duration::from_millis(200);
    let (probe, _, visitor) = site(Settings::default().with_store_timeout(Some(limit))).await;
    let increment = |mut visitor: Visitor| async move {
        visitor.visit(200, async |s| s.update("n", |n: &mut u32| *n += 1)).await
    };
    for others in [1, 2] {
        let breaks_off = probe.pause(Verb::Replace, When::Before);
        let late = tokio::spawn(increment(visitor.clone()));
        breaks_off.reached().await;
        let looks = probe.pause(Verb::Load, When::After);
        looks.reached().await;
        // Past the first one's place in the line.
        let elsewhere = Sessions::new(probe.clone(), Settings::default()).unwrap();
        for _ in 0..others {
            increment(Visitor::with_cookie(&elsewhere, visitor.cookie().unwrap())).await.unwrap();
        }
        looks.resume();
        let late = late.await.unwrap();
        if others == 1 {
            late.expect("the other one took its number, so it was not done");
        } else {
            assert!(is_unavailable(&late.unwrap_err()), "one of the two may have been its own");
        }
    }
    assert_eq!(increment(visitor.clone()).await.ok(), Some(()));
    assert_eq!(visitor.clone().visit(200, async |s| s.get::<u32>("n")).await.unwrap(), Some(1 + 2 + 2 + 1));
}

/// It was stored, and the answer lost; somebody may have read it before the session ended. To say that it was not is as wrong as to
/// say that it is.
#[tokio::test]
async fn what_became_of_a_save_is_not_known_where_the_session_has_ended() {
    let limit = Duration::from_millis(200);
    let (probe, _, visitor) = site(Settings::default().with_store_timeout(Some(limit))).await;
    let answer_lost = probe.pause(Verb::Replace, When::After);
    let mut late = visitor.clone();
    let late = tokio::spawn(async move { late.visit(200, async |s| s.insert("n", 2)).await });
    answer_lost.reached().await;
    let read = visitor.clone().visit(200, async |s| s.get::<u32>("n")).await;
    assert_eq!(read.unwrap(), Some(2));
    visitor.clone().visit(200, async |s| s.flush().await).await.unwrap();
    assert!(is_unavailable(&late.await.unwrap().unwrap_err()));
    assert_eq!(probe.calls_of(Verb::Replace), 1, "and it is not tried again");
}

/// The same where it was not stored when it was looked for, and is saved again.
#[tokio::test]
async fn what_became_of_an_earlier_save_is_not_known_either() {
    let (probe, _, mut visitor) = site(Settings::default()).await;
    let request = visitor.begin();
    let session = request.session().await.unwrap();
    session.insert("n", 2).unwrap();
    for _ in 0..2 {
        probe.fail_next(Verb::Replace, When::Before);
    }
    assert!(is_unavailable(&session.save().await.unwrap_err()));
    visitor.visit(200, async |s| s.flush().await).await.unwrap();
    assert!(is_unavailable(&session.save().await.unwrap_err()));
}

/// So that no answer comes to the next such call of this save, nor to the question what became of it.
async fn lose_the_answer(probe: &Probe, verb: Verb, session: &Session) {
    let pause = probe.pause(verb, When::Before);
    let session = session.clone();
    let save = tokio::spawn(async move { session.save().await });
    pause.reached().await;
    probe.fail_next(verb, When::After);
    probe.fail_next(Verb::Load, When::Before);
    pause.resume();
    assert!(is_unavailable(&save.await.unwrap().unwrap_err()));
}

/// No browser has been told of the token that a lost answer brought. The request that saves again has its session all the same, with
/// a token that opens it, and there is no other one that nobody can open.
#[tokio::test]
async fn a_login_whose_answer_was_lost_can_be_saved_again() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let hears = Arc::clone(&told);
    let settings =
        Settings::default().with_max_sessions(NonZeroU32::new(2)).with_event_handler(move |event| {
            if matches!(event.name(), "created" | "rotated" | "signed_in") {
                hears.lock().unwrap().push(event.name().to_owned());
            }
        });
    let (probe, sessions, visitor) = site(settings).await;
    let before = visitor.clone();
    for (mut visitor, first, begun) in
        [(visitor, Verb::Replace, "rotated"), (Visitor::new(&sessions), Verb::Insert, "created")]
    {
        told.lock().unwrap().clear();
        let visit = visitor.begin();
        let session = visit.session().await.unwrap();
        let n = session.get::<u32>("n").unwrap().unwrap_or_default();
        session.login("ada").await.unwrap();
        session.update("n", |n: &mut u32| *n += 1).unwrap();
        for verb in [first, Verb::Replace] {
            lose_the_answer(&probe, verb, &session).await;
        }
        session.update("n", |n: &mut u32| *n += 1).unwrap();
        visitor.receive(&visit.finish(200).await);
        let found = visitor.visit(200, async |s| Ok((s.account(), s.get::<u32>("n")?))).await.unwrap();
        assert_eq!(found, (Some("ada".to_owned()), Some(n + 2)));
        assert_eq!(*told.lock().unwrap(), [begun, "signed_in"]);
    }
    assert_eq!(sessions.sessions_of("ada").await.unwrap().len(), 2);
    assert_eq!(read(before.clone()).await.unwrap(), None);
    let finished = {
        let visit = before.begin();
        visit.session().await.unwrap();
        visit.finish(200).await
    };
    assert_eq!(finished.headers.set_cookie(), None, "what was on its way does not clear the new cookie");
}

/// Nor is there one left of a login that was taken back.
#[tokio::test]
async fn what_may_have_been_made_is_ended_too() {
    let (probe, sessions, _) = site(Settings::default()).await;
    let visit = Visitor::new(&sessions).begin();
    let session = visit.session().await.unwrap();
    session.login("ada").await.unwrap();
    lose_the_answer(&probe, Verb::Insert, &session).await;
    assert_eq!(sessions.sessions_of("ada").await.unwrap().len(), 1);
    session.flush().await.unwrap();
    assert_eq!(sessions.sessions_of("ada").await.unwrap().len(), 0);
}

/// As many as there are sessions over one backend, as each of actix-web's workers may have.
#[tokio::test]
async fn the_bound_is_that_of_the_process() {
    let settings = Settings::default().with_max_waiting(1);
    let (probe, sessions, visitor) = site(settings.clone()).await;
    let worker = Sessions::new(sessions.backend().clone(), settings).unwrap();
    let there = Visitor::with_cookie(&worker, visitor.cookie().unwrap());

    let pause = probe.pause(Verb::Load, When::Before);
    let waiting = tokio::spawn(read(visitor.clone()));
    pause.reached().await;
    let error = read(there.clone()).await.unwrap_err();
    assert!(error.to_string().contains("max_waiting"), "{error}");
    pause.resume();
    waiting.await.unwrap().unwrap();

    kill(&probe, &visitor).await;
    let pause = probe.pause(Verb::Load, When::Before);
    let trying = tokio::spawn(read(visitor.clone()));
    pause.reached().await;
    let error = read(there.clone()).await.unwrap_err();
    assert!(error.to_string().contains("several times in a row"), "{error}");
    pause.resume();
    trying.await.unwrap().unwrap();
}

/// Who tries and is cancelled lets another one try.
#[tokio::test]
async fn a_cancelled_try_is_no_try() {
    let (probe, _, visitor) = site(Settings::default()).await;
    kill(&probe, &visitor).await;
    let pause = probe.pause(Verb::Load, When::Before);
    let visit = visitor.begin();
    let trying = tokio::spawn(async move { visit.session().await.map(drop) });
    pause.reached().await;
    trying.abort();
    assert!(trying.await.unwrap_err().is_cancelled());
    assert_eq!(visitor.clone().visit(200, async |s| s.get("n")).await.unwrap(), Some(1));
}
