//! The account index: it may hold more than there is, never less.

use std::fs;
use std::time::Duration;

use session_core::store::{Filter, Replaced, Select, SessionStore};

use crate::{NOW, Place, files, listed, new_key, next, of_account, put, record};

const ADA: Select<'static> = Select::Account { account: "ada", except: None };

/// What a process leaves that is killed after the entry and before the record, or after the record's removal.
#[tokio::test]
async fn an_entry_without_its_record_is_passed_by_and_collected() {
    let place = Place::new();
    let store = &place.store;
    let key = put(store, &of_account(store, "ada")).await;
    let entry = files(&place.path("accounts")).remove(0);
    let stale = entry.with_file_name(format!("{}-{}", &hash_of(&entry), new_key()));
    for collect in ["remove", "purge"] {
        fs::write(&stale, "").unwrap();
        assert_eq!(listed(store, Filter::Account("ada")).await, [key]);
        if collect == "remove" {
            assert_eq!(
                store.remove(Select::Account { account: "ada", except: Some(&key) }, NOW).await.unwrap(),
                0
            );
        } else {
            assert_eq!(store.purge(NOW, 10.try_into().unwrap()).await.unwrap(), 0);
        }
        assert_eq!(files(&place.path("accounts")), std::slice::from_ref(&entry), "{collect}");
    }
}

/// What a process leaves that is killed between a record and the entry of the account that it was of.
#[tokio::test]
async fn an_entry_that_is_no_longer_true_gives_nobody_away() {
    let place = Place::new();
    let store = &place.store;
    let hers = of_account(store, "ada");
    let key = put(store, &hers).await;
    let old = files(&place.path("accounts")).remove(0);
    let his = of_account(store, "bob");
    let his = session_core::Record { version: next(&hers).version, ..his };
    assert_eq!(store.replace(&key, &key, &his, &hers, NOW).await.unwrap(), Replaced::Done);
    assert!(!old.exists());
    fs::create_dir_all(old.parent().unwrap()).unwrap();
    fs::write(&old, "").unwrap();
    assert_eq!(listed(store, Filter::Account("ada")).await, []);
    assert_eq!(store.remove(ADA, NOW).await.unwrap(), 0);
    assert_eq!(listed(store, Filter::Account("bob")).await, [key], "it is his");
    assert!(!old.exists());
}

#[tokio::test]
async fn nothing_is_left_of_a_session_that_ended() {
    let place = Place::new();
    let store = &place.store;
    for account in ["ada", "", "a/../b\0", &"x".repeat(10_000)] {
        let record = of_account(store, account);
        let (one, two) = (put(store, &record).await, put(store, &record).await);
        assert_eq!(store.remove(Select::One(&one), NOW).await.unwrap(), 1);
        assert_eq!(store.remove(Select::Account { account, except: None }, NOW).await.unwrap(), 1);
        let expired = put(store, &record).await;
        assert_eq!(store.purge(record.expires_at, 10.try_into().unwrap()).await.unwrap(), 1);
        let _ = (two, expired);
    }
    let taken_over = put(store, &session_core::Record { expires_at: NOW, ..of_account(store, "ada") }).await;
    store.insert(&taken_over, &record(store), NOW).await.map(drop).unwrap();
    assert_eq!(files(&place.path("accounts")), Vec::<std::path::PathBuf>::new());
}

/// One step, as far as anybody can see: if a login was removed, so was every one before it. The stores share no task's locks.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ending_an_accounts_sessions_is_one_step_beside_logins() {
    let place = Place::new();
    let record = of_account(&place.store, "ada");
    let fast = |store: session_file::FileStore| store.with_durability(session_file::Durability::Fast);
    for _ in 0..20 {
        let (begun, standing) = (put(&place.store, &record).await, put(&place.store, &record).await);
        let logins = tokio::spawn({
            let (store, record) = (fast(place.another()), record.clone());
            async move {
                let mut keys = Vec::new();
                for _ in 0..40 {
                    keys.push(put(&store, &record).await);
                }
                keys
            }
        });
        tokio::time::sleep(Duration::from_millis(2)).await;
        let removed = fast(place.another()).remove(ADA, NOW).await.unwrap();
        assert!(removed >= 2);
        let keys = logins.await.unwrap();
        let left = listed(&place.store, Filter::Account("ada")).await;
        assert!(!left.contains(&begun) && !left.contains(&standing));
        let stands: Vec<_> = keys.iter().map(|key| left.contains(key)).collect();
        assert!(
            stands.is_sorted(),
            "no session stands that was acknowledged before one that does not: {stands:?}"
        );
        place.store.remove(ADA, NOW).await.unwrap();
    }
}

/// The digits of the account, from the name of an entry.
fn hash_of(entry: &std::path::Path) -> String {
    entry.file_name().unwrap().to_str().unwrap().split('-').next().unwrap().to_owned()
}
