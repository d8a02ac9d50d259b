//! Every session moves, and nothing of it changes.

#![expect(clippy::unwrap_used, reason = "a test fails where it is")]

use std::sync::{Arc, Mutex};

use session_core::store::{Filter, SessionStore as _};
use session_core::testing::{Probe, Verb, Visitor, When};
use session_core::{
    AnyStore, Clock as _, ManualClock, MigratingStore, Migration, Record, RecordKey, Sessions, Settings,
};
use session_memory::MemoryStore;

struct Site {
    old: Probe,
    new: Probe,
    clock: ManualClock,
}

impl Site {
    fn new() -> Self {
        let probe = || Probe::new(MemoryStore::new());
        Self { old: probe(), new: probe(), clock: ManualClock::default() }
    }

    fn settings(&self) -> Settings {
        Settings::default().with_clock(self.clock.clone())
    }

    async fn visitors(&self, count: usize) -> Vec<Visitor> {
        let before = Sessions::new(self.old.clone(), self.settings()).unwrap();
        let mut visitors = Vec::new();
        for n in 0..count {
            let mut visitor = Visitor::new(&before);
            visitor.visit(200, async |s| s.insert("n", n)).await.unwrap();
            visitors.push(visitor);
        }
        visitors
    }

    fn migration(&self) -> Migration {
        Migration::new(AnyStore::new(self.old.clone()), AnyStore::new(self.new.clone()), self.settings())
            .unwrap()
    }

    /// As the site is meanwhile.
    fn both(&self) -> Sessions {
        let both = MigratingStore::new(self.old.clone(), self.new.clone()).unwrap();
        Sessions::new(both, self.settings()).unwrap()
    }

    async fn stored(&self, store: &Probe) -> Vec<(RecordKey, Record)> {
        let mut all = Vec::new();
        let mut after = None;
        loop {
            let page =
                store.page(Filter::All, after, 100.try_into().unwrap(), self.clock.now()).await.unwrap();
            all.extend(page.records.into_iter().filter(|(_, record)| record.secret.is_some()));
            after = page.next;
            if after.is_none() {
                all.sort_by_key(|(key, _)| *key);
                return all;
            }
        }
    }
}

#[tokio::test]
async fn all_move_as_they_are_and_nobody_is_signed_out() {
    let site = Site::new();
    let visitors = site.visitors(1200).await;
    let before = site.stored(&site.old).await;
    let told = Arc::new(Mutex::new(Vec::new()));
    let hears = Arc::clone(&told);
    let migration = site.migration().with_progress(move |so_far| hears.lock().unwrap().push(so_far.moved));
    let migrated = migration.run().await.unwrap();
    assert_eq!((migrated.moved, migrated.left, migrated.differing), (1200, 0, 0));
    assert_eq!(told.lock().unwrap().last(), Some(&1200));
    assert!(site.stored(&site.old).await.is_empty());
    assert_eq!(site.stored(&site.new).await, before, "secrets, deadlines and versions are the same");
    let after = Sessions::new(site.new.clone(), site.settings()).unwrap();
    let mut visitor = Visitor::with_cookie(&after, visitors[7].cookie().unwrap());
    assert_eq!(visitor.visit(200, async |s| s.get::<usize>("n")).await.unwrap(), Some(7));
}

#[tokio::test]
async fn one_that_was_stopped_goes_on() {
    let site = Site::new();
    site.visitors(1200).await;
    let stopped = site.migration().run_until(async {}).await.unwrap();
    assert_eq!((stopped.moved, stopped.stopped), (500, true), "between two pages");
    let rest = site.migration().run().await.unwrap();
    assert_eq!((rest.moved, rest.before, rest.stopped), (700, 0, false));
}

/// A process that is killed between its two writes leaves a session in both stores: the new one counts.
#[tokio::test]
async fn what_a_killed_process_left_in_both_stores_is_tidied() {
    let site = Site::new();
    site.visitors(3).await;
    let (key, record) = site.stored(&site.old).await.remove(1);
    let _ = site.new.insert(&key, &record, site.clock.now()).await.unwrap();
    let migrated = site.migration().run().await.unwrap();
    assert_eq!((migrated.moved, migrated.before), (2, 1));
    assert_eq!((site.stored(&site.old).await.len(), site.stored(&site.new).await.len()), (0, 3));
}

/// Whoever signs out while their session is about to move is signed out for good, at each step of the move; and what somebody writes
/// meanwhile is not lost.
#[tokio::test]
async fn what_visitors_do_meanwhile_holds() {
    for (verb, of_new) in
        [(Verb::Load, true), (Verb::Load, false), (Verb::Insert, true), (Verb::Remove, false)]
    {
        for when in [When::Before, When::After] {
            for ends in [true, false] {
                let site = Site::new();
                let visitor = site.visitors(1).await.remove(0);
                let mut visitor = Visitor::with_cookie(&site.both(), visitor.cookie().unwrap());
                let migration = site.migration();
                // Before that it looks whether the stores are two.
                let listed = site.old.pause(Verb::Page, When::After);
                let moving = tokio::spawn(async move { migration.run().await.unwrap() });
                listed.reached().await;
                let pause = if of_new { &site.new } else { &site.old }.pause(verb, when);
                listed.resume();
                pause.reached().await;
                act(&mut visitor, ends).await;
                pause.resume();
                moving.await.unwrap();
                let step = format!("{verb:?} {when:?} {ends}");
                let read = visitor.visit(200, async |s| s.get::<u32>("n")).await.unwrap();
                assert_eq!(read, if ends { None } else { Some(7) }, "{step}");
                assert!(site.stored(&site.old).await.is_empty(), "{step}");
                assert_eq!(site.stored(&site.new).await.len(), usize::from(!ends), "{step}");
            }
        }
    }
}

/// A session that its visitor's own request is just moving is in both stores for a moment, where the migration finds it, and tidies up.
#[tokio::test]
async fn two_moves_of_one_session_leave_it_where_it_is() {
    let site = Site::new();
    let visitor = site.visitors(1).await.remove(0);
    let visitor = Visitor::with_cookie(&site.both(), visitor.cookie().unwrap());
    let pause = site.old.pause(Verb::Remove, When::Before);
    let mut writer = visitor.clone();
    let writing = tokio::spawn(async move { writer.visit(200, async |s| s.insert("n", 8)).await });
    pause.reached().await;
    let migrated = site.migration().run().await.unwrap();
    assert_eq!((migrated.moved, migrated.before), (0, 1));
    pause.resume();
    writing.await.unwrap().unwrap();
    assert_eq!(visitor.clone().visit(200, async |s| s.get("n")).await.unwrap(), Some(8));
    assert_eq!((site.stored(&site.old).await.len(), site.stored(&site.new).await.len()), (0, 1));
}

async fn act(visitor: &mut Visitor, ends: bool) {
    let acted = if ends {
        visitor.visit(200, async |s| s.flush().await).await
    } else {
        visitor.visit(200, async |s| s.insert("n", 7)).await
    };
    acted.unwrap();
}

/// Under another name it would be emptied: each session is "there already".
#[tokio::test]
async fn one_store_is_not_two() {
    let site = Site::new();
    site.visitors(3).await;
    let same = AnyStore::new(site.old.clone());
    let error = Migration::new(same.clone(), same, site.settings()).unwrap().run().await.unwrap_err();
    assert!(error.to_string().contains("are the same"), "{error}");
    assert_eq!(site.stored(&site.old).await.len(), 3);
}

#[tokio::test]
async fn a_store_that_fails_is_an_error_and_loses_nothing() {
    let site = Site::new();
    site.visitors(3).await;
    site.new.fail_next(Verb::Insert, When::Before);
    site.migration().run().await.unwrap_err();
    site.migration().run().await.unwrap();
    assert_eq!(site.stored(&site.new).await.len(), 3);
}
