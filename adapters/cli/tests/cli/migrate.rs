//! From one store to another.

use std::process::Command;
use std::time::Duration;

use session_core::store::{Filter, SessionStore as _};
use session_core::testing::{Visitor, server};
use session_core::{Clock as _, ManualClock, MigratingStore, Sessions, Settings, SystemClock};

use crate::program::{Ran, session};
use crate::site::{DAY, SECRET_KEY, Site};

/// The program that moves one site to another.
fn migrate(from: &Site, to: &Site) -> Command {
    let names = to.names().iter().map(|name| name.replacen("--", "--to-", 1)).collect::<Vec<_>>();
    let mut command = session(&["migrate", "env:OLD_STORE", "env:NEW_STORE"]);
    command.env("OLD_STORE", &from.url).env("NEW_STORE", &to.url).args(from.names()).args(names);
    command
}

async fn count(site: &Site) -> usize {
    let limit = 1000.try_into().unwrap();
    site.store().await.page(Filter::All, None, limit, SystemClock.now()).await.unwrap().records.len()
}

/// There and back: nothing of a session is otherwise then.
async fn there_and_back(other: Site) {
    let mut site = Site::sqlite();
    let mut made = Vec::new();
    for n in 0..40 {
        made.push(site.make(DAY, (n % 2 == 0).then_some("ada"), "dark").await);
    }
    site.make(20 * DAY, None, "expired").await;
    let mut before = Vec::new();
    for one in &made {
        before.push(site.record(one).await.unwrap());
    }
    let moved = Ran::of(migrate(&site, &other).arg("--json")).json();
    let [moved, left, differing] = ["moved", "left", "differing"].map(|key| moved[key].as_u64().unwrap());
    assert_eq!((moved, left, differing), (40, 0, 0));
    assert_eq!((count(&site).await, count(&other).await), (0, 40));
    for (one, before) in made.iter().zip(&before) {
        assert_eq!(other.record(one).await.as_ref(), Some(before));
    }
    let sessions = Sessions::new(other.store().await, Settings::default()).unwrap();
    let mut visitor = Visitor::with_cookie(&sessions, &*made[0].cookie);
    let account = visitor.visit(200, async |s| Ok(s.account())).await.unwrap();
    assert_eq!(account.as_deref(), Some("ada"), "nobody is signed out");
    assert_eq!(other.run(&["list", "--json", "--account", "ada"]).rows().len(), 20);

    let back = Ran::of(&mut migrate(&other, &site));
    assert!(back.code == 0 && back.out.starts_with("40 sessions moved from "), "{back:?}");
    for (one, before) in made.iter().zip(before) {
        assert_eq!(site.record(one).await, Some(before));
    }
    let again = Ran::of(migrate(&other, &site).arg("--json")).json();
    assert_eq!((&again["moved"], &again["before"]), (&0.into(), &0.into()));
}

#[tokio::test]
async fn to_a_folder_and_back() {
    there_and_back(Site::folder()).await;
}

#[tokio::test]
async fn to_postgresql_and_back() {
    let Some(url) = server("postgres") else { return };
    there_and_back(Site::in_table(url)).await;
}

#[tokio::test]
async fn to_mysql_and_back() {
    let Some(url) = server("mysql") else { return };
    there_and_back(Site::in_table(url)).await;
}

#[tokio::test]
async fn to_redis_and_back() {
    let Some(url) = server("redis") else { return };
    there_and_back(Site::under_prefix(url)).await;
}

/// Every session of it would be "there already", and be removed from the old one.
#[tokio::test]
async fn a_store_does_not_move_to_itself() {
    let mut site = Site::sqlite();
    site.make(Duration::ZERO, None, "dark").await;
    let ran =
        Ran::of(session(&["migrate", &site.url, &site.url.replace("/shop.db", "/./shop.db")]).arg("--json"));
    assert!(ran.code == 1 && ran.err.contains("are the same"), "{ran:?}");
    assert_eq!(count(&site).await, 1);
}

/// One whose account's name is longer than PostgreSQL's index takes.
#[tokio::test]
async fn what_the_new_store_does_not_take_stays() {
    let Some(url) = server("postgres") else { return };
    let (mut site, other) = (Site::sqlite(), Site::in_table(url));
    site.make(Duration::ZERO, Some(&"a".repeat(2000)), "dark").await;
    site.make(Duration::ZERO, Some("ada"), "dark").await;
    let ran = Ran::of(&mut migrate(&site, &other));
    assert!(ran.code == 1 && ran.out.contains("1 session left behind"), "{ran:?}");
    assert_eq!((count(&site).await, count(&other).await), (1, 1));
}

/// A visitor with Django's cookie is still signed in, and gets one of this project's.
#[tokio::test]
async fn from_django_nobody_is_signed_out() {
    let mut site = Site::django();
    let ada = site.make(DAY, Some("ada"), "dark").await;
    site.make(DAY, None, "light").await;
    let other = Site::sqlite();
    let mut command = migrate(&site, &other);
    command.args(["--json", "--format", "django"]).env("SESSION_SECRET_KEY", SECRET_KEY);
    assert_eq!(Ran::of(&mut command).json()["moved"], 2);
    assert_eq!((count(&site).await, count(&other).await), (0, 2));
    let moved = other.run(&["show", "--json", ada.handle.successor().as_str()]).json();
    assert_eq!((&moved["account"], &moved["data"]["theme"]), (&"ada".into(), &"dark".into()));
    assert_eq!(other.run(&["show", "--json", &ada.cookie]).json(), moved, "by the cookie of before");
    let sessions = Sessions::new(other.store().await, Settings::default()).unwrap();
    let stored = sessions.look_up(&ada.handle.successor()).await.unwrap().unwrap();
    let until = stored.expires().since(SystemClock.now());
    assert!(until < 13 * DAY && until + DAY / 24 > 13 * DAY, "its deadline stays: {until:?}");

    let both = MigratingStore::from_django(site.store().await, other.store().await).unwrap();
    let later = ManualClock::at(SystemClock.now() + Duration::from_secs(60));
    let sessions = Sessions::new(both, Settings::default().with_clock(later)).unwrap();
    let mut visitor = Visitor::with_cookie(&sessions, &*ada.cookie);
    let read = visitor.visit(200, async |s| Ok((s.account(), s.get::<String>("theme")?))).await.unwrap();
    assert_eq!(read, (Some("ada".to_owned()), Some("dark".to_owned())));
    assert_eq!(visitor.cookie().unwrap().len(), 50, "the cookie is exchanged");
    let read = visitor.visit(200, async |s| Ok(s.account())).await.unwrap();
    assert_eq!(read.as_deref(), Some("ada"));
}
