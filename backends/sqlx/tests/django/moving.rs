//! From Django's table to this project's own, with nobody signed out: `MigratingStore::from_django`.

use std::time::Duration;

use serde_json::json;
use session_core::django::{Auth, Standing};
use session_core::store::{Filter, SessionStore};
use session_core::testing::django::{DjangoPeer, SECRET_KEY};
use session_core::testing::{Probe, Verb, Visitor, When};
use session_core::{
    AnyStore, Clock, Error, ManualClock, MigratingStore, SecretKeys, Sessions, Settings, SettingsError,
    SystemClock,
};
use session_sqlx::{SqliteStore, django};
use tempfile::TempDir;

const TOKEN: usize = 50;

/// A site whose sessions are Django's so far.
struct Site {
    old: Probe,
    new: Probe,
    clock: ManualClock,
    folder: TempDir,
}

impl Site {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let old = Probe::new(django::SqliteStore::connect(&path("django.db")).await.unwrap());
        let new = Probe::new(SqliteStore::connect(&path("ours.db")).await.unwrap());
        Self { old, new, clock: ManualClock::at(SystemClock.now()), folder }
    }

    fn settings(&self) -> Settings {
        Settings::default().with_clock(self.clock.clone())
    }

    fn old(&self) -> AnyStore {
        AnyStore::new(self.old.clone()).with_django_format(&SecretKeys::new(SECRET_KEY))
    }

    /// As the site was.
    fn before(&self) -> Sessions {
        Sessions::new(self.old(), self.settings()).unwrap()
    }

    /// As one of its nodes is from now on.
    fn after(&self) -> Sessions {
        let both = MigratingStore::from_django(self.old(), self.new.clone()).unwrap();
        Sessions::new(both, self.settings()).unwrap()
    }

    /// Somebody who has a cart, under a cookie of Django's.
    async fn visitor(&self) -> Visitor {
        let mut visitor = Visitor::new(&self.before());
        visitor.visit(200, async |s| s.login("ada").await).await.unwrap();
        visitor.visit(200, async |s| s.insert("n", 1)).await.unwrap();
        Visitor::with_cookie(&self.after(), visitor.cookie().unwrap())
    }

    async fn stored(&self) -> (usize, usize) {
        (stored(&self.old, self.clock.now()).await, stored(&self.new, self.clock.now()).await)
    }
}

/// How many sessions there are; a tombstone is none.
async fn stored(store: &Probe, now: session_core::Time) -> usize {
    let page = store.page(Filter::All, None, 100.try_into().unwrap(), now).await.unwrap();
    page.records.iter().filter(|(_, record)| record.data != "ended").count()
}

async fn n(visitor: &Visitor) -> Option<u32> {
    visitor.clone().visit(200, async |s| s.get("n")).await.unwrap()
}

#[tokio::test]
async fn a_session_moves_with_its_first_save() {
    let site = Site::new().await;
    let mut visitor = site.visitor().await;
    let former = visitor.clone();
    let (n_there, account, handle) =
        visitor.visit(200, async |s| Ok((s.get("n")?, s.account(), s.session_key()))).await.unwrap();
    assert_eq!((n_there, account.as_deref()), (Some(1), Some("ada")));
    assert_eq!(site.stored().await, (1, 0), "reading moves nothing");
    assert_eq!(visitor.cookie(), former.cookie());
    let former_key = former.cookie().unwrap();
    assert!(!format!("{handle:?}").contains(former_key), "the handle tells nothing of Django's key");

    visitor.visit(200, async |s| s.update("n", |n: &mut u32| *n += 1)).await.unwrap();
    assert_eq!(site.stored().await, (0, 1));
    assert_eq!(visitor.cookie().map(str::len), Some(TOKEN), "with a token of this project's");
    assert_eq!(n(&former).await, Some(2), "what was sent before the answer came finds it still");
    let (account, moved) = visitor.visit(200, async |s| Ok((s.account(), s.session_key()))).await.unwrap();
    assert_eq!(account.as_deref(), Some("ada"));
    assert_eq!(moved, handle, "its handle is the same");
    site.clock.advance(Duration::from_secs(31));
    assert_eq!(n(&visitor).await, Some(2));
    assert_eq!(n(&former).await, None, "the new cookie has been seen: the old one is used up");
}

/// Each brings the cookie of Django's, on another node, and each changes something.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_requests_that_move_it_together_none_loses_anything() {
    for _ in 0..5 {
        let site = Site::new().await;
        let visitor = site.visitor().await;
        let tabs = (0..8).map(|tab| {
            let mut visitor = Visitor::with_cookie(&site.after(), visitor.cookie().unwrap());
            tokio::spawn(async move {
                let key = format!("tab {tab}");
                visitor.visit(200, async |s| s.insert(&key, tab)).await.unwrap();
                visitor.visit(200, async |s| s.update("n", |n: &mut u32| *n += 1)).await.unwrap();
            })
        });
        for tab in tabs.collect::<Vec<_>>() {
            tab.await.unwrap();
        }
        assert_eq!(site.stored().await, (0, 1), "it is one session");
        let all = visitor.clone().visit(200, async |s| Ok((s.len(), s.get("n")?))).await.unwrap();
        assert_eq!(all, (9, Some(9)));
    }
}

/// Whoever ends a session while another request is about to move it ends it for good: at each step of the move.
#[tokio::test]
async fn an_ended_session_does_not_come_back_by_moving() {
    for (verb, of_new) in [(Verb::Load, false), (Verb::Insert, true), (Verb::Remove, false)] {
        for when in [When::Before, When::After] {
            let site = Site::new().await;
            let visitor = site.visitor().await;
            let slow = visitor.begin();
            slow.session().await.unwrap().insert("late", 1).unwrap();
            let pause = if of_new { &site.new } else { &site.old }.pause(verb, when);
            let writer = tokio::spawn(slow.finish(200));
            pause.reached().await;
            visitor.clone().visit(200, async |s| s.flush().await).await.unwrap();
            pause.resume();
            let finished = writer.await.unwrap();
            let step = format!("{verb:?} {when:?}: {:?}", finished.error);
            // From when the new store has it, the save is done, and ended afterwards.
            let done_before = verb == Verb::Remove || (verb == Verb::Insert && when == When::After);
            assert!(matches!(finished.error, Some(Error::Interrupted)) != done_before, "{step}");
            assert_eq!(n(&visitor).await, None, "{step}");
            assert_eq!(site.stored().await, (0, 0), "{step}");
        }
    }
}

/// A process that is killed between the two steps of a move leaves the session in both stores.
#[tokio::test]
async fn what_a_killed_process_left_does_not_come_back() {
    for revoked in [false, true] {
        let site = Site::new().await;
        let mut visitor = site.visitor().await;
        let former = visitor.clone();
        site.old.fail_next(Verb::Remove, When::Before);
        visitor.visit(200, async |s| s.insert("n", 2)).await.unwrap();
        assert_eq!(site.stored().await, (1, 1));
        if revoked {
            let handle = visitor.visit(200, async |s| Ok(s.session_key())).await.unwrap().unwrap();
            assert!(site.after().revoke(&handle).await.unwrap());
            assert!(!site.after().revoke(&handle).await.unwrap(), "once");
            assert_eq!(n(&visitor).await, None);
            assert_eq!(n(&former).await, None, "ended is ended, under the former key as well");
        } else {
            assert_eq!(n(&former).await, Some(2), "the new one counts");
            assert_eq!(site.stored().await, (0, 1), "and the old one goes");
        }
    }
}

/// A logout that broke off holds when it is tried again.
#[tokio::test]
async fn a_logout_that_broke_off_is_finished_by_the_next() {
    let site = Site::new().await;
    let mut visitor = site.visitor().await;
    let former = visitor.clone();
    site.old.fail_next(Verb::Remove, When::Before);
    visitor.visit(200, async |s| s.flush().await).await.unwrap_err();
    visitor.visit(200, async |s| s.flush().await).await.unwrap();
    site.clock.advance(Duration::from_secs(3600));
    assert_eq!(n(&former).await, None);
}

/// What a broken-off move left in the old store is not taken for the session.
#[tokio::test]
async fn a_cleanup_of_what_was_left_spares_the_session() {
    let site = Site::new().await;
    let mut visitor = site.visitor().await;
    site.old.fail_next(Verb::Remove, When::Before);
    visitor.visit(200, async |s| s.insert("n", 2)).await.unwrap();
    assert_eq!(site.stored().await, (1, 1));
    let sessions = site.after();
    let done = sessions.cleanup().matching(|session| session.get::<u32>("n") == Some(1)).run().await.unwrap();
    assert_eq!(done.removed, 0);
    assert_eq!(n(&visitor).await, Some(2));
}

/// A task that outlives its response moves the session, and an answer is lost: nobody has the new token, so the old cookie is good
/// until it has arrived.
#[tokio::test]
async fn a_move_that_nobody_has_seen_signs_nobody_out() {
    for detached in [true, false] {
        let site = Site::new().await;
        let mut visitor = site.visitor().await;
        let visit = visitor.begin();
        let session = visit.session().await.unwrap();
        if detached {
            _ = visit.finish(200).await;
            for n in [2, 3] {
                session.insert("n", n).unwrap();
                session.save().await.unwrap();
            }
        } else {
            session.insert("n", 3).unwrap();
            session.save().await.unwrap();
            let lost = visit.finish(200).await;
            assert!(lost.headers.set_cookie().is_some());
        }
        assert_eq!(site.stored().await, (0, 1));
        site.clock.advance(Duration::from_secs(31));
        let former = visitor.clone();
        assert_eq!(visitor.visit(200, async |s| s.get::<u32>("n")).await.unwrap(), Some(3));
        assert_eq!(visitor.cookie().map(str::len), Some(TOKEN), "and it comes again");
        assert_eq!(n(&former).await, Some(3));
        assert_eq!(n(&visitor).await, Some(3));
        site.clock.advance(Duration::from_secs(31));
        assert_eq!((n(&visitor).await, n(&former).await), (Some(3), None));
    }
}

/// The request that is on its way with the former key when somebody signs in is anonymous, and takes no cookie away.
#[tokio::test]
async fn a_login_just_after_the_move_knows_the_former_key() {
    let site = Site::new().await;
    let visitor = site.visitor().await;
    visitor.clone().visit(200, async |s| s.insert("n", 2)).await.unwrap();
    let mut login = visitor.clone();
    login.visit(200, async |s| s.login("ada").await).await.unwrap();
    let mut late = visitor.clone();
    assert_eq!(late.visit(200, async |s| s.get::<u32>("n")).await.unwrap(), None);
    assert_eq!(late.cookie(), visitor.cookie(), "left alone");
    assert_eq!(n(&login).await, Some(2));
}

/// A use that is recorded moves it too, so that the old store empties.
#[tokio::test]
async fn a_recorded_use_moves_it() {
    let site = Site::new().await;
    let visitor = site.visitor().await;
    let both = MigratingStore::from_django(site.old(), site.new.clone()).unwrap();
    let idle = site.settings().with_idle_timeout(Some(Duration::from_secs(600)));
    let mut visitor = Visitor::with_cookie(&Sessions::new(both, idle).unwrap(), visitor.cookie().unwrap());
    site.clock.advance(Duration::from_secs(120));
    assert_eq!(visitor.visit(200, async |s| s.get::<u32>("n")).await.unwrap(), Some(1));
    assert_eq!((site.stored().await, visitor.cookie().map(str::len)), ((0, 1), Some(TOKEN)));
}

#[tokio::test]
async fn a_login_moves_it_and_the_former_key_is_superseded() {
    let site = Site::new().await;
    let mut visitor = site.visitor().await;
    let mut former = visitor.clone();
    visitor.visit(200, async |s| s.login("ada").await).await.unwrap();
    assert_eq!(site.stored().await, (0, 1));
    assert!(matches!(former.visit(200, async |s| s.insert("n", 5)).await, Err(Error::Interrupted)));
    assert!(former.cookie().is_some(), "the browser has the new one by now: it is left alone");
    assert_eq!(n(&former).await, None);
    former.visit(200, async |s| s.flush().await).await.unwrap();
    assert_eq!(
        visitor.visit(200, async |s| Ok(s.account())).await.unwrap().as_deref(),
        Some("ada"),
        "a logout with the former key does not end what came after it"
    );
}

#[tokio::test]
async fn all_of_an_account_s_sessions_are_ended_wherever_they_are() {
    let site = Site::new().await;
    let (mut moved, left, mut other) =
        (site.visitor().await, site.visitor().await, Visitor::new(&site.after()));
    moved.visit(200, async |s| s.insert("n", 2)).await.unwrap();
    other.visit(200, async |s| s.login("bob").await).await.unwrap();
    other.visit(200, async |s| s.insert("n", 3)).await.unwrap();
    assert_eq!(moved.visit(200, async |s| Ok(s.sessions().await?.len())).await.unwrap(), 1, "what has moved");
    assert_eq!(moved.visit(200, async |s| s.revoke_others().await).await.unwrap(), 1);
    assert_eq!((n(&moved).await, n(&left).await, n(&other).await), (Some(2), None, Some(3)));
    let left = site.visitor().await;
    assert_eq!(site.after().revoke_account("ada").await.unwrap(), 2);
    assert_eq!((n(&moved).await, n(&left).await, n(&other).await), (None, None, Some(3)));
}

/// The sweeper, a touch and a job outside requests know both kinds of keys.
#[tokio::test]
async fn jobs_find_sessions_of_both_kinds() {
    let site = Site::new().await;
    let (mut moved, left) = (site.visitor().await, site.visitor().await);
    moved.visit(200, async |s| s.insert("n", 2)).await.unwrap();
    let sessions = site.after();
    let cleaned = sessions.cleanup().matching(|session| session.account() == Some("ada")).dry_run().run();
    assert_eq!(cleaned.await.unwrap().matched, 2);
    let cleaned = sessions.cleanup().matching(|session| session.get::<u32>("n") == Some(1)).run();
    assert_eq!(cleaned.await.unwrap().removed, 1);
    assert_eq!((n(&moved).await, n(&left).await), (Some(2), None));
}

/// A login of Django's holds: who has signed in there is signed in here, before and after the move.
#[tokio::test]
async fn a_login_of_django_s_holds_here() {
    let site = Site::new().await;
    let Some(mut django) = DjangoPeer::start(&json!({
        "engine": "db",
        "secret_key": SECRET_KEY,
        "database": {"ENGINE": "django.db.backends.sqlite3", "NAME": site.folder.path().join("django.db")},
    })) else {
        return;
    };
    let user = django.does(&json!({"do": "create_user", "name": "ada", "password": "first"}));
    let password = user["password"].as_str().unwrap();
    let login = django.does(&json!({"do": "login", "key": null, "name": "ada", "password": "first"}));
    let mut visitor = Visitor::with_cookie(&site.after(), login["key"].as_str().unwrap());
    let auth = Auth::new(SecretKeys::new(SECRET_KEY));
    for moves in [false, true, false] {
        let (standing, account) = visitor
            .visit(200, async |s| {
                if moves {
                    s.insert("cart", ["apple"])?;
                }
                Ok((auth.check(&s, password).await?, s.account()))
            })
            .await
            .unwrap();
        assert_eq!((standing, account.as_deref()), (Standing::SignedIn, user["id"].as_str()));
    }
    assert_eq!(site.stored().await, (0, 1));
}

#[tokio::test]
async fn two_stores_that_do_not_fit_are_refused() {
    let site = Site::new().await;
    let misfits = [
        MigratingStore::new(site.old(), site.new.clone()).map(AnyStore::new),
        MigratingStore::from_django(AnyStore::new(site.new.clone()), site.new.clone()),
        MigratingStore::from_django(AnyStore::new(site.old.clone()), site.new.clone()),
        MigratingStore::from_django(site.old(), site.old.clone()),
        MigratingStore::new(site.old.clone(), site.old.clone()).map(AnyStore::new),
        MigratingStore::from_django(
            AnyStore::new(site.new.clone()).with_django_format(&SecretKeys::new(SECRET_KEY)),
            site.new.clone(),
        ),
    ];
    for misfit in misfits {
        assert!(matches!(misfit.unwrap_err(), SettingsError::Format(_)));
    }
}
