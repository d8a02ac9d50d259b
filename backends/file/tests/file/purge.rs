//! Cleaning up.

use std::fs;
use std::time::Duration;

use session_core::store::{Filter, SessionStore};
use session_core::{Record, Time};
use session_file::Durability;

use crate::{NOW, Place, files, listed, put, record};

#[tokio::test]
async fn what_killed_processes_left_is_removed() {
    let place = Place::new();
    let key = put(&place.store, &record(&place.store)).await;
    let half = place.file_of(&key).with_file_name(format!(".{key}.new"));
    fs::write(&half, "half of a rec").unwrap();
    assert_eq!(listed(&place.store, Filter::All).await, [key], "T18: it is no session");
    assert_eq!(place.store.purge(NOW, 10.try_into().unwrap()).await.unwrap(), 0);
    assert_eq!(files(&place.path("records")), [place.file_of(&key)]);
}

/// Each record is looked at once, however small the batches are.
#[tokio::test]
async fn a_batch_goes_on_where_the_last_one_stopped() {
    let place = Place::new();
    let store = place.store.clone().with_durability(Durability::Fast);
    let expired = Record { expires_at: NOW + Duration::from_secs(1), ..record(&store) };
    let mut keys = Vec::new();
    for _ in 0..60 {
        keys.push(put(&store, &expired).await);
    }
    keys.sort_unstable();
    let left = |keys: &[session_core::RecordKey]| -> Vec<bool> {
        keys.iter().map(|key| place.file_of(key).exists()).collect()
    };
    let now = expired.expires_at;
    for done in [7, 14, 21] {
        assert_eq!(store.purge(now, 7.try_into().unwrap()).await.unwrap(), 7);
        assert_eq!(left(&keys).iter().filter(|there| !**there).count(), done);
        assert!(left(&keys).is_sorted(), "in order of the folders");
    }
    // Meanwhile something expires in a folder that has been passed: the circle comes back to it.
    store.insert(&keys[0], &expired, NOW).await.map(drop).unwrap();
    assert_eq!(store.purge(now, 39.try_into().unwrap()).await.unwrap(), 39);
    assert_eq!(store.purge(now, 39.try_into().unwrap()).await.unwrap(), 1);
    assert_eq!(store.purge(now, 39.try_into().unwrap()).await.unwrap(), 0);
    assert_eq!(files(&place.path("records")), Vec::<std::path::PathBuf>::new());
}

/// While sessions are written, touched and read, none of the living goes.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_session_that_is_touched_in_time_stays() {
    let place = Place::new();
    let store = place.store.clone().with_durability(Durability::Fast);
    let there = Record { expires_at: NOW + Duration::from_secs(1), ..record(&store) };
    for _ in 0..50 {
        let key = put(&store, &there).await;
        let until: Time = NOW + Duration::from_secs(3600);
        let cleaner = place.another();
        let purge = tokio::spawn(async move { cleaner.purge(there_expires(), 10.try_into().unwrap()).await });
        let touched = store.touch(&key, until, &there, NOW).await.unwrap();
        purge.await.unwrap().unwrap();
        // Either came first; a session that was told to live does.
        assert_eq!(place.file_of(&key).exists(), touched);
    }
}

fn there_expires() -> Time {
    NOW + Duration::from_secs(1)
}

/// As after a copy of the folder, or on a file system without such dates: what a file says goes before what is said of it.
#[tokio::test]
async fn the_date_of_a_file_is_a_hint_only() {
    let place = Place::new();
    let there = record(&place.store);
    let key = put(&place.store, &there).await;
    let file = fs::File::options().write(true).open(place.file_of(&key)).unwrap();
    assert_eq!(Time::from(file.metadata().unwrap().modified().unwrap()), there.expires_at);
    file.set_modified(std::time::UNIX_EPOCH).unwrap();
    assert_eq!(place.store.purge(NOW, 10.try_into().unwrap()).await.unwrap(), 0);
    assert_eq!(place.store.load(&key, NOW).await.unwrap().as_ref(), Some(&there));
    assert_eq!(place.store.purge(there.expires_at, 10.try_into().unwrap()).await.unwrap(), 1);
    // A deadline that no file system knows: the session is purged too early by none.
    let for_ever = Record { expires_at: Time::MAX, ..there };
    let key = put(&place.store, &for_ever).await;
    assert_eq!(
        place
            .store
            .purge(Time::from_millis(Time::MAX.as_millis() - 1), 10.try_into().unwrap())
            .await
            .unwrap(),
        0
    );
    assert!(place.file_of(&key).exists());
}
