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
