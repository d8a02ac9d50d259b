//! The index of an account's sessions, on each kind of server.

#![expect(clippy::unwrap_used, reason = "a test fails where what it is made of fails")]

mod common;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{NOW, eventually, new_key, new_record, new_store, next, one_server, put, servers};
use redis::AsyncCommands as _;
use session_core::store::{Filter, Inserted, Replaced, Select, SessionStore};
use session_core::{Record, RecordKey};
use session_redis::RedisStore;

const HOUR: Duration = Duration::from_secs(3600);

async fn listed(store: &RedisStore, account: &str) -> Vec<RecordKey> {
    let page = store.page(Filter::Account(account), None, 100.try_into().unwrap(), NOW).await.unwrap();
    page.records.into_iter().map(|(key, _)| key).collect()
}

/// C23: every login that was acknowledged before the removal began is gone after it, while others go on logging in.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn signing_out_everywhere_leaves_no_login_that_came_before() {
    for server in servers() {
        let Some(store) = new_store(server).await else { continue };
        let acknowledged = Arc::new(Mutex::new(Vec::new()));
        let login = |i: usize| {
            let (store, acknowledged) = (store.clone(), Arc::clone(&acknowledged));
            async move {
                for round in 0..40 {
                    let key = new_key();
                    if (i + round).is_multiple_of(2) {
                        let record = new_record(&store, Some("ada"));
                        assert_eq!(store.insert(&key, &record, NOW).await.unwrap(), Inserted::Done);
                    } else {
                        let anonymous = new_record(&store, None);
                        assert_eq!(store.insert(&key, &anonymous, NOW).await.unwrap(), Inserted::Done);
                        let record = Record { account: Some("ada".to_owned()), ..next(&anonymous) };
                        let login = store.replace(&key, &key, &record, &anonymous, NOW).await.unwrap();
                        assert_eq!(login, Replaced::Done);
                    }
                    acknowledged.lock().unwrap().push(key);
                }
            }
        };
        let logins: Vec<_> = (0..8).map(|i| tokio::spawn(login(i))).collect();
        let mut removed = 0;
        while !logins.iter().all(tokio::task::JoinHandle::is_finished) {
            let before = acknowledged.lock().unwrap().clone();
            removed += store.remove(Select::Account { account: "ada", except: None }, NOW).await.unwrap();
            for key in before {
                assert_eq!(store.load(&key, NOW).await.unwrap(), None, "{server}: it was acknowledged");
            }
        }
        removed += store.remove(Select::Account { account: "ada", except: None }, NOW).await.unwrap();
        assert_eq!(removed, 320, "{server}: each was removed once, and none was missed");
        for login in logins {
            login.await.unwrap();
        }
    }
}

/// A listing that goes on while sessions are used has each of them once: using one moves its score.
#[tokio::test]
async fn a_session_that_is_used_meanwhile_is_listed_once() {
    for server in servers() {
        let Some(store) = new_store(server).await else { continue };
        let mut records = Vec::new();
        for hours in 1..=10 {
            // So that the order of their ends is not that of their keys.
            let record = Record { expires_at: NOW + hours * HOUR, ..new_record(&store, Some("ada")) };
            let key = new_key();
            assert_eq!(store.insert(&key, &record, NOW).await.unwrap(), Inserted::Done);
            records.push((key, record));
        }
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = store.page(Filter::Account("ada"), after, 3.try_into().unwrap(), NOW).await.unwrap();
            for (key, record) in &page.records {
                assert!(store.touch(key, NOW + 5 * HOUR, record, NOW).await.unwrap());
                seen.push(*key);
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        records.sort_unstable_by_key(|(key, _)| *key);
        assert!(seen.iter().eq(records.iter().map(|(key, _)| key)), "{server}");
    }
}

/// A touch and a write move the entry with the record: it is not trimmed while the session lives.
#[tokio::test]
async fn an_entry_lives_as_long_as_its_record() {
    for server in servers() {
        let Some(store) = new_store(server).await else { continue };
        let (touched, first) = put(&store, Some("ada")).await;
        assert!(store.touch(&touched, NOW + 9 * HOUR, &first, NOW).await.unwrap());
        let (written, second) = put(&store, Some("ada")).await;
        let later = Record { expires_at: NOW + 9 * HOUR, ..next(&second) };
        assert_eq!(store.replace(&written, &written, &later, &second, NOW).await.unwrap(), Replaced::Done);
        let (short, _) = put(&store, Some("ada")).await;
        // A login after all of the first deadlines trims.
        let late = NOW + 5 * HOUR;
        let young = Record { expires_at: late + HOUR, ..new_record(&store, Some("ada")) };
        let _ = store.insert(&new_key(), &young, late).await.unwrap();
        let page = store.page(Filter::Account("ada"), None, 10.try_into().unwrap(), late).await.unwrap();
        let keys: Vec<_> = page.records.iter().map(|(key, _)| *key).collect();
        assert!(keys.len() == 3 && keys.contains(&touched) && keys.contains(&written), "{server}");
        assert!(!keys.contains(&short));
    }
}

/// The index does not grow with every login and logout, nor with what was deleted behind its back.
#[tokio::test]
async fn entries_without_a_session_leave_the_index() {
    let Some((store, prefix, mut redis)) = one_server().await else { return };
    let index = format!("{prefix}@ada");
    let (stays, _) = put(&store, Some("ada")).await;
    for _ in 0..5 {
        let (key, _) = put(&store, Some("ada")).await;
        assert_eq!(store.remove(Select::One(&key), NOW).await.unwrap(), 1);
    }
    eventually(async || redis.zcard::<_, u32>(&index).await.unwrap() == 1).await;

    let (deleted, _) = put(&store, Some("ada")).await;
    redis.del::<_, ()>(format!("{prefix}{deleted}")).await.unwrap();
    let (changed, was) = put(&store, Some("ada")).await;
    let eves = Record { account: Some("eve".to_owned()), ..next(&was) };
    assert_eq!(store.replace(&changed, &changed, &eves, &was, NOW).await.unwrap(), Replaced::Done);
    redis.zadd::<_, _, _, ()>(&index, "../../etc/passwd", 1e15).await.unwrap();
    assert_eq!(redis.zcard::<_, u32>(&index).await.unwrap(), 4);
    assert_eq!(listed(&store, "ada").await, [stays]);
    assert_eq!(listed(&store, "eve").await, [changed]);
    eventually(async || redis.zcard::<_, u32>(&index).await.unwrap() == 2).await;
    let all = Select::Account { account: "ada", except: None };
    assert_eq!(store.remove(all, NOW).await.unwrap(), 1, "not the one that is eve's now");
    assert_eq!(listed(&store, "eve").await, [changed]);
}

/// Its entry in the other index may be there for long.
#[tokio::test]
async fn a_session_that_changed_hands_is_not_ended_with_its_former_account() {
    for server in servers() {
        let Some(store) = new_store(server).await else { continue };
        let (key, mut was) = put(&store, Some("ada")).await;
        for (former, account) in [("ada", Some("eve")), ("eve", Some("")), ("", None)] {
            let changed = Record { account: account.map(str::to_owned), ..next(&was) };
            let replaced = store.replace(&key, &key, &changed, &was, NOW).await.unwrap();
            assert_eq!(replaced, Replaced::Done);
            let all = Select::Account { account: former, except: None };
            assert_eq!(store.remove(all, NOW).await.unwrap(), 0, "{server}");
            assert_eq!(store.load(&key, NOW).await.unwrap().as_ref(), Some(&changed));
            was = changed;
        }
    }
}

/// Where the index cannot be written, no login is acknowledged, also not by the look that tells a lost answer from a lost write.
#[cfg(feature = "cluster")]
#[tokio::test]
async fn a_login_without_its_entry_is_not_acknowledged() {
    let Some(url) = common::url("redis-cluster") else { return };
    let nodes =
        url.strip_prefix("redis+cluster://").unwrap().split(',').map(|host| format!("redis://{host}"));
    let mut redis = redis::cluster::ClusterClient::new(nodes).unwrap().get_async_connection().await.unwrap();
    let prefix = common::new_prefix();
    let store = RedisStore::new(common::connect("redis-cluster").await.unwrap()).with_prefix(prefix.clone());
    redis.set::<_, _, ()>(format!("{prefix}@ada"), "in the way").await.unwrap();
    let (key, record) = (new_key(), new_record(&store, Some("ada")));
    assert!(store.insert(&key, &record, NOW).await.is_err());
    assert!(store.load(&key, NOW).await.is_err(), "the record may be there, its entry is not");
    redis.del::<_, ()>(format!("{prefix}@ada")).await.unwrap();
    assert_eq!(store.load(&key, NOW).await.unwrap(), Some(record));
    assert_eq!(listed(&store, "ada").await, [key], "now it is acknowledged, for now it is indexed");
}
