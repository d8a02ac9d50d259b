//! Invariant 6: what cannot be read is an error, is never taken for nothing, and is never written over.

use std::fs;
use std::time::Duration;

use session_core::store::{Filter, Inserted, Select, SessionStore, StoreErrorKind};

use crate::{NOW, Place, kind, next, of_account, put};

#[tokio::test]
async fn a_damaged_file_is_undecodable_and_left_alone() {
    let place = Place::new();
    let store = &place.store;
    let record = of_account(store, "ada");
    let key = put(store, &record).await;
    let good = fs::read(place.file_of(&key)).unwrap();
    let mut flipped = good.clone();
    flipped[50] ^= 1;
    let later_format = [&[2], &good[1..]].concat();
    for bad in [
        vec![],
        vec![0; good.len()],
        good[..90].to_vec(),
        good[..good.len() - 1].to_vec(),
        flipped,
        later_format,
    ] {
        fs::write(place.file_of(&key), &bad).unwrap();
        for error in [
            store.load(&key, NOW).await.unwrap_err(),
            store.replace(&key, &key, &next(&record), &record, NOW).await.unwrap_err(),
            store.touch(&key, NOW + Duration::from_secs(1), &record, NOW).await.unwrap_err(),
            store.remove(Select::One(&key), NOW).await.unwrap_err(),
        ] {
            assert_eq!(error.kind(), StoreErrorKind::Undecodable);
            assert!(!format!("{error} {error:?}").contains(key.as_str()), "{error}");
        }
        for of in [Filter::All, Filter::Account("ada")] {
            let page = store.page(of, None, 10.try_into().unwrap(), NOW).await.unwrap();
            assert_eq!((page.records.len(), page.unreadable), (0, 1));
        }
        assert_eq!(store.insert(&key, &record, NOW).await.unwrap(), Inserted::Taken);
        let late = NOW + Duration::from_secs(1_000 * 3600);
        assert_eq!(store.purge(late, 10.try_into().unwrap()).await.unwrap(), 0);
        assert_eq!(fs::read(place.file_of(&key)).unwrap(), bad);
    }
}

/// It may be a session of a later version of this library, which other processes open: nobody is told that it is gone.
#[tokio::test]
async fn ending_an_accounts_sessions_passes_a_damaged_one_by_and_says_so() {
    let place = Place::new();
    let record = of_account(&place.store, "ada");
    let mut keys = Vec::new();
    for _ in 0..5 {
        keys.push(put(&place.store, &record).await);
    }
    fs::write(place.file_of(&keys[2]), "torn").unwrap();
    let all = Select::Account { account: "ada", except: None };
    assert_eq!(kind(place.store.remove(all, NOW).await), StoreErrorKind::Undecodable);
    let left: Vec<_> = keys.iter().filter(|key| place.file_of(key).exists()).collect();
    assert_eq!(left, [&keys[2]]);
}

/// A file that was renamed or copied would be another session's data under this key.
#[tokio::test]
async fn a_file_under_another_name_is_no_session() {
    let place = Place::new();
    let record = of_account(&place.store, "ada");
    let (one, other) = (put(&place.store, &record).await, put(&place.store, &record).await);
    fs::copy(place.file_of(&one), place.file_of(&other)).unwrap();
    assert_eq!(kind(place.store.load(&other, NOW).await), StoreErrorKind::Undecodable);
}
