//! Waiting for other processes.

use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

use session_core::Record;
use session_core::store::{Inserted, Replaced, Select, SessionStore, StoreErrorKind};

use crate::{NOW, Place, kind, new_key, next, of_account, put, record};

/// The lock of the only session that was written, held as by a process that was stopped.
fn hold_the_lock(place: &Place) -> File {
    let mut locks = crate::files(&place.path("locks"));
    let file = File::open(locks.pop().unwrap()).unwrap();
    assert!(locks.is_empty(), "one session without an account needs one lock");
    file.lock().unwrap();
    file
}

#[tokio::test]
async fn a_lock_that_is_not_given_back_makes_writes_unavailable_and_no_reads() {
    let place = Place::new();
    let store = place.store.clone().with_lock_timeout(Duration::from_millis(20));
    let there = record(&store);
    let key = put(&store, &there).await;
    let stopped = hold_the_lock(&place);
    let error = store.replace(&key, &key, &next(&there), &there, NOW).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert!(error.to_string().contains("lock"), "{error}");
    assert_eq!(kind(store.insert(&key, &there, NOW).await), StoreErrorKind::Unavailable);
    assert_eq!(store.load(&key, NOW).await.unwrap().as_ref(), Some(&there));
    drop(stopped);
    assert_eq!(store.insert(&key, &there, NOW).await.unwrap(), Inserted::Taken);
}

/// Logins to an account go on side by side, and none while somebody ends all its sessions. Everything else goes on.
#[tokio::test]
async fn the_lock_of_an_account_is_for_logins_and_their_end() {
    let place = Place::new();
    let store = place.store.clone().with_lock_timeout(Duration::from_millis(20));
    let hers = of_account(&store, "ada");
    let key = put(&store, &hers).await;
    let all = Select::Account { account: "ada", except: None };
    let is_account = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with("accounts-");
    let lock = File::open(crate::files(&place.path("locks")).into_iter().find(is_account).unwrap()).unwrap();

    lock.lock_shared().unwrap();
    put(&store, &hers).await;
    assert_eq!(kind(store.remove(all, NOW).await), StoreErrorKind::Unavailable, "somebody is signing in");
    lock.unlock().unwrap();
    lock.lock().unwrap();
    assert_eq!(kind(store.insert(&new_key(), &hers, NOW).await), StoreErrorKind::Unavailable);
    let anonymous = record(&store);
    let visitor = put(&store, &anonymous).await;
    let signed_in = Record { account: hers.account.clone(), ..next(&anonymous) };
    let login = store.replace(&visitor, &visitor, &signed_in, &anonymous, NOW).await;
    assert_eq!(kind(login), StoreErrorKind::Unavailable);
    assert_eq!(store.replace(&key, &key, &next(&hers), &hers, NOW).await.unwrap(), Replaced::Done);
    lock.unlock().unwrap();
    assert_eq!(store.remove(all, NOW).await.unwrap(), 2);
}

/// T35: of any number of requests for one session, one waits on a thread; all others are served meanwhile.
#[test]
fn those_who_wait_take_nobodys_thread() {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().max_blocking_threads(2).build().unwrap();
    runtime.block_on(async {
        let place = Place::new();
        let store = place.store.clone().with_lock_timeout(Duration::from_secs(60));
        let there = record(&store);
        let key = put(&store, &there).await;
        let stopped = hold_the_lock(&place);
        let waiting: Vec<_> = (0..100)
            .map(|_| {
                let (store, there) = (store.clone(), there.clone());
                tokio::spawn(async move { store.touch(&key, there.expires_at, &there, NOW).await })
            })
            .collect();
        tokio::task::yield_now().await;
        for _ in 0..10 {
            let load = tokio::time::timeout(Duration::from_secs(20), store.load(&key, NOW));
            assert!(load.await.expect("the runtime is not blocked").unwrap().is_some());
        }
        drop(stopped);
        for task in waiting {
            assert!(task.await.unwrap().unwrap());
        }
    });
}

/// All who wait for a lock that is stuck are told when their own patience ends, not one after the other.
#[tokio::test]
async fn patience_is_counted_from_the_call() {
    let place = Place::new();
    let store = place.store.clone().with_lock_timeout(Duration::from_millis(200));
    let there = record(&store);
    let key = put(&store, &there).await;
    let _stopped = hold_the_lock(&place);
    let began = std::time::Instant::now();
    let waiting: Vec<_> = (0..50)
        .map(|_| {
            let (store, there) = (store.clone(), there.clone());
            tokio::spawn(async move { store.touch(&key, there.expires_at, &there, NOW).await })
        })
        .collect();
    for task in waiting {
        assert_eq!(kind(task.await.unwrap()), StoreErrorKind::Unavailable);
    }
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

/// A visitor who goes away drops the request's future in the middle.
#[tokio::test]
async fn a_cancelled_write_is_done_or_not_and_gives_its_lock_back() {
    let place = Place::new();
    let there = record(&place.store);
    for _ in 0..20 {
        let key = put(&place.store, &there).await;
        let changed = next(&there);
        {
            let replace = place.store.replace(&key, &key, &changed, &there, NOW);
            tokio::select! {
                biased;
                _ = replace => {}
                () = tokio::task::yield_now() => {}
            }
        }
        let found = place.store.load(&key, NOW).await.unwrap().unwrap();
        assert!(found == there || found == changed);
        let again = place.store.replace(&key, &key, &next(&changed), &changed, NOW).await.unwrap();
        assert_ne!(again, Replaced::Gone);
    }
}

/// However many sessions there are, there are at most 256 locks of each kind.
#[tokio::test]
async fn the_number_of_lock_files_is_bounded() {
    let place = Place::new();
    let store = place.store.clone().with_durability(session_file::Durability::Fast);
    for number in 0..2_000 {
        put(&store, &of_account(&store, &number.to_string())).await;
    }
    let locks = crate::files(&place.path("locks")).len();
    assert!((400..=512).contains(&locks), "{locks}");
}
