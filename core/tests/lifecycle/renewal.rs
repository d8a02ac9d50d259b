//! A secret that is renewed because time has passed.

use session_core::testing::{Verb, Visitor};
use session_core::{Error, Sessions, Settings};

use crate::{MINUTE, Site, site, visitor};

async fn an_hour_later() -> (Site, Visitor) {
    let hour = 60 * MINUTE;
    let site = site(Settings::default().with_renew_every(Some(hour)));
    let v = visitor(&site).await;
    site.clock.advance(hour);
    (site, v)
}

/// Nobody has asked for it: whoever comes second has nothing left to do.
#[tokio::test]
async fn of_two_processes_one_renews() {
    let (site, v) = an_hour_later().await;
    let elsewhere = Sessions::new(site.probe.clone(), site.sessions.settings().clone()).unwrap();
    let (here, there) = (v.begin(), Visitor::with_cookie(&elsewhere, v.cookie().unwrap()).begin());
    here.session().await.unwrap();
    there.session().await.unwrap();
    let (here, there) = (here.finish(200).await, there.finish(200).await);
    assert!(here.headers.set_cookie().is_some() && here.error.is_none());
    assert!(there.headers.set_cookie().is_none() && there.error.is_none());
    assert_eq!(site.probe.calls_of(Verb::Replace), 2, "the second is not tried again");
}

/// C15: a task saves after the response. That the new secret has arrived is known when somebody comes with it, and not before.
#[tokio::test]
async fn a_task_does_not_confirm_what_its_request_has_renewed() {
    let (site, v) = an_hour_later().await;
    let request = v.begin();
    let session = request.session().await.unwrap();
    assert!(request.finish(200).await.headers.set_cookie().is_some());
    session.insert("n", 1).unwrap();
    session.save().await.unwrap();
    site.clock.advance(MINUTE);
    let mut the_answer_was_lost = v.clone();
    assert_eq!(the_answer_was_lost.visit(200, async |s| s.get("n")).await.unwrap(), Some(1));
    assert_ne!(the_answer_was_lost.cookie(), v.cookie(), "it is renewed again");
}

/// Who has an hour-old secret still, because the answer that brought its successor was lost.
async fn who_has_lost_an_answer() -> (Site, Visitor) {
    let (site, v) = an_hour_later().await;
    v.clone().visit(200, async |_| Ok(())).await.unwrap();
    site.clock.advance(MINUTE);
    site.probe.reset();
    (site, v)
}

#[tokio::test]
async fn a_write_brings_what_was_lost_in_one_trip() {
    let (site, v) = who_has_lost_an_answer().await;
    let mut writes = v.clone();
    writes.visit(200, async |s| s.insert("n", 1)).await.unwrap();
    assert_ne!(writes.cookie(), v.cookie());
    assert_eq!(site.probe.calls_of(Verb::Replace), 1);
}

/// The other's write is kept, and its answer leaves the cookie alone.
#[tokio::test]
async fn of_two_writes_one_brings_what_was_lost() {
    let (site, v) = who_has_lost_an_answer().await;
    let elsewhere = Sessions::new(site.probe.clone(), site.sessions.settings().clone()).unwrap();
    let requests = [v.begin(), Visitor::with_cookie(&elsewhere, v.cookie().unwrap()).begin()];
    for (request, key) in requests.iter().zip(["here", "there"]) {
        request.session().await.unwrap().insert(key, 1).unwrap();
    }
    let [here, there] = requests;
    let (here, there) = (here.finish(200).await, there.finish(200).await);
    assert!(here.headers.set_cookie().is_some() && here.error.is_none());
    assert!(there.headers.set_cookie().is_none() && there.error.is_none());
    let written = v.clone().visit(200, async |s| Ok((s.get("here")?, s.get("there")?))).await.unwrap();
    assert_eq!(written, (Some(1), Some(1)));
}

/// There is no response left that could bring one.
#[tokio::test]
async fn a_task_renews_nothing() {
    let (_site, mut v) = who_has_lost_an_answer().await;
    let request = v.begin();
    let session = request.session().await.unwrap();
    assert!(request.finish(500).await.headers.set_cookie().is_none());
    session.insert("n", 1).unwrap();
    session.save().await.unwrap();
    assert_eq!(v.visit(200, async |s| s.get("n")).await.unwrap(), Some(1));
}

/// What was asked for is not dropped in silence, as the renewal is.
#[tokio::test]
async fn who_has_asked_for_a_save_learns_that_the_session_has_ended() {
    let (_site, v) = an_hour_later().await;
    for asks in [false, true] {
        let request = v.begin();
        let session = request.session().await.unwrap();
        if asks {
            session.mark_modified();
        }
        let mut other = v.clone();
        other.visit(200, async |s| s.insert("n", 1)).await.unwrap();
        if asks {
            other.visit(200, async |s| s.flush().await).await.unwrap();
        }
        let error = request.finish(200).await.error;
        assert_eq!(matches!(error, Some(Error::Interrupted)), asks, "{error:?}");
    }
}
