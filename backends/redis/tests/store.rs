//! What is special to Redis: its own expiry, foreign keys, scripts, credentials.

mod common;

use std::time::{Duration, Instant};

use common::{
    NOW, connect, everything, new_key, new_prefix, new_record, new_store, next, one_server, put, raw, url,
};
use redis::AsyncCommands as _;
use session_core::store::{Filter, Inserted, Replaced, Select, SessionStore, StoreErrorKind};
use session_core::testing::is_without;
use session_core::{Record, Time};
use session_redis::{KeyPrefix, RedisConnection, RedisStore, Timeouts};
use test_services::{Fault, FaultProxy};

const HOUR: Duration = Duration::from_secs(3600);
const SLACK: i64 = 300_000;

/// T12: a deletion from outside (an eviction, an administrator) is met by whole writes only, never by a part of a record.
#[tokio::test]
async fn no_write_leaves_a_part_of_a_record() {
    let Some((store, prefix, mut redis)) = one_server().await else { return };
    let (key, record) = put(&store, Some("ada")).await;
    redis.del::<_, ()>(format!("{prefix}{key}")).await.unwrap();
    assert!(!store.touch(&key, NOW + HOUR, &record, NOW).await.unwrap());
    assert_eq!(store.replace(&key, &key, &next(&record), &record, NOW).await.unwrap(), Replaced::Gone);
    assert_eq!(store.remove(Select::One(&key), NOW).await.unwrap(), 0);
    assert!(!redis.exists::<_, bool>(format!("{prefix}{key}")).await.unwrap());
}

/// T4: neither a longer prefix nor an account's name reaches another store's sessions, and a whole listing has this store's only.
#[tokio::test]
async fn stores_of_different_prefixes_share_a_database() {
    let Some(connection) = connect("redis").await else { return };
    let outer = new_prefix();
    let inner: KeyPrefix = format!("{outer}shop:").parse().unwrap();
    let store = |prefix: &KeyPrefix| RedisStore::new(connection.clone()).with_prefix(prefix.clone());
    let (outer, inner) = (store(&outer), store(&inner));
    let (key, record) = put(&inner, Some("ada")).await;
    let (_, other) = put(&outer, Some("shop:ada")).await;
    assert_eq!(outer.load(&key, NOW).await.unwrap(), None);
    for account in ["ada", "shop:ada", "shop:@ada"] {
        let all = Select::Account { account, except: None };
        let expected = u64::from(Some(account) == other.account.as_deref());
        assert_eq!(outer.remove(all, NOW).await.unwrap(), expected, "{account}");
    }
    assert_eq!(outer.insert(&key, &other, NOW).await.unwrap(), Inserted::Done);
    let listed = outer.page(Filter::All, None, 10.try_into().unwrap(), NOW).await.unwrap();
    assert_eq!(listed.records, [(key, other)]);
    assert_eq!(inner.load(&key, NOW).await.unwrap(), Some(record));
}

/// Redis keeps a record longer than its deadline, and no clock of its own ends a session.
#[tokio::test]
async fn redis_collects_only_what_has_long_expired() {
    let Some((store, prefix, mut redis)) = one_server().await else { return };
    let (key, record) = put(&store, Some("ada")).await;
    let (place, index) = (format!("{prefix}{key}"), format!("{prefix}@ada"));
    let about = |left: i64, wanted: i64| (wanted - 10_000..=wanted).contains(&left);
    for place in [&place, &index] {
        let left = redis.pttl(place).await.unwrap();
        assert!(about(left, 3_600_000 + SLACK), "{left}");
    }
    assert!(store.touch(&key, NOW + 2 * HOUR, &record, NOW).await.unwrap());
    for place in [&place, &index] {
        let left = redis.pttl(place).await.unwrap();
        assert!(about(left, 7_200_000 + SLACK), "a touch moves it: {left}");
    }
    let shorter = Record { expires_at: NOW + Duration::from_millis(1), ..next(&record) };
    assert_eq!(store.replace(&key, &key, &shorter, &record, NOW).await.unwrap(), Replaced::Done);
    let left = redis.pttl(&place).await.unwrap();
    assert!(about(left, 1 + SLACK), "{left}");
    assert_eq!(store.load(&key, shorter.expires_at).await.unwrap(), None, "the deadline is the caller's");
    assert!(redis.exists::<_, bool>(&place).await.unwrap());
    // A record that had ended before it was written, and one that never ends.
    for (expires_at, wanted) in
        [(NOW - HOUR, SLACK), (Time::MAX, Time::MAX.as_millis() - NOW.as_millis() + SLACK)]
    {
        let (key, record) = (new_key(), Record { expires_at, ..new_record(&store, Some("eve")) });
        assert_eq!(store.insert(&key, &record, NOW).await.unwrap(), Inserted::Done);
        let left = redis.pttl(format!("{prefix}{key}")).await.unwrap();
        assert!(about(left, wanted), "{left}");
    }
}

/// A connection on which nothing comes any more, and of which nobody says that it has ended.
#[tokio::test]
async fn a_connection_that_fell_silent_is_given_up() {
    let Some(url) = url("redis") else { return };
    let proxy = FaultProxy::start(&url, 1).unwrap();
    let timeouts = Timeouts::default().with_response(Duration::from_millis(200));
    let connection = RedisConnection::connect_with(proxy.url(), timeouts).await.unwrap();
    let store = RedisStore::new(connection).with_prefix(new_prefix());
    let (key, record) = put(&store, None).await;
    proxy.inject(Fault::Blackhole);
    while proxy.injected() == 0 {
        tokio::task::yield_now().await;
    }
    let error = store.load(&key, NOW).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error:?}");
    proxy.mend();
    assert_eq!(store.load(&key, NOW).await.unwrap(), Some(record));
}

/// Two clocks that differ by less than the slack: what one takes for dead, the other still serves.
#[tokio::test]
async fn a_clock_that_is_ahead_takes_nothing_from_the_others() {
    let Some((store, _, _)) = one_server().await else { return };
    let (key, _) = put(&store, Some("ada")).await;
    let ahead = NOW + HOUR + Duration::from_secs(60);
    let young = Record { expires_at: ahead + HOUR, ..new_record(&store, Some("ada")) };
    let _ = store.insert(&new_key(), &young, ahead).await.unwrap();
    let listed = store.page(Filter::Account("ada"), None, 10.try_into().unwrap(), NOW).await.unwrap();
    assert!(listed.records.iter().any(|(listed, _)| *listed == key));
}

/// Invariant 6: what cannot be read is an error, is never taken for nothing, and is never written over.
#[tokio::test]
async fn what_cannot_be_read_is_undecodable_and_left_alone() {
    use StoreErrorKind::Undecodable;

    let Some((store, prefix, mut redis)) = one_server().await else { return };
    let (key, record) = put(&store, None).await;
    let whole: Vec<u8> = redis.get(format!("{prefix}{key}")).await.unwrap();
    let mut later_form = whole.clone();
    later_form[3] = b'9';
    for stored in [&b""[..], b"x", b"ses1", &whole[..27], &later_form, &whole[..80]] {
        redis.set::<_, _, ()>(format!("{prefix}{key}"), stored).await.unwrap();
        let elsewhere = next(&next(&record));
        for error in [
            store.load(&key, NOW).await.unwrap_err(),
            store.replace(&key, &key, &next(&record), &elsewhere, NOW).await.unwrap_err(),
            store.remove(Select::One(&key), NOW).await.unwrap_err(),
        ] {
            assert_eq!(error.kind(), Undecodable, "{stored:?}: {error}");
            assert!(!everything(&error).contains(key.as_str()), "{error}");
        }
        let page = store.page(Filter::All, None, 10.try_into().unwrap(), NOW).await.unwrap();
        assert_eq!((page.records.len(), page.unreadable), (0, 1));
        // The last of them has a whole head, and whoever asks for that has the rest.
        let head = store.head(&key, NOW).await.map_err(|error| error.kind());
        let expected = if stored.len() == 80 { Ok(Some(record.head())) } else { Err(Undecodable) };
        assert_eq!(head, expected, "{stored:?}");
        assert_eq!(store.insert(&key, &next(&record), NOW).await.unwrap(), Inserted::Taken);
        assert_eq!(store.purge(NOW, 10.try_into().unwrap()).await.unwrap(), 0);
        assert_eq!(redis.get::<_, Vec<u8>>(format!("{prefix}{key}")).await.unwrap(), stored);
    }
}

#[tokio::test]
async fn a_key_of_another_kind_is_misconfigured_and_left_alone() {
    let Some((store, prefix, mut redis)) = one_server().await else { return };
    let (key, record) = (new_key(), new_record(&store, Some("ada")));
    redis.rpush::<_, _, ()>(format!("{prefix}{key}"), "a list").await.unwrap();
    for error in [
        store.load(&key, NOW).await.unwrap_err(),
        store.insert(&key, &record, NOW).await.unwrap_err(),
        store.replace(&key, &key, &next(&record), &record, NOW).await.unwrap_err(),
        store.touch(&key, NOW + HOUR, &record, NOW).await.unwrap_err(),
        store.remove(Select::One(&key), NOW).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), StoreErrorKind::Misconfigured);
        assert!(error.to_string().contains("another prefix"), "{error}");
    }
    assert_eq!(redis.llen::<_, u32>(format!("{prefix}{key}")).await.unwrap(), 1);

    // Neither half of a login is written where the other cannot be.
    redis.set::<_, _, ()>(format!("{prefix}@eve"), "a text").await.unwrap();
    let (key, record) = (new_key(), new_record(&store, Some("eve")));
    let error = store.insert(&key, &record, NOW).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Misconfigured);
    assert_eq!(store.load(&key, NOW).await.unwrap(), None);
}

#[tokio::test]
async fn a_write_whose_answer_was_lost_may_be_done_again() {
    for server in common::servers() {
        let Some(store) = new_store(server).await else { continue };
        let (key, record) = put(&store, Some("ada")).await;
        assert_eq!(store.insert(&key, &record, NOW).await.unwrap(), Inserted::Done);
        let second = next(&record);
        for _ in 0..2 {
            let replaced = store.replace(&key, &key, &second, &record, NOW).await.unwrap();
            assert_eq!(replaced, Replaced::Done);
        }
        let other = store.replace(&key, &key, &next(&record), &record, NOW).await.unwrap();
        assert_eq!(other, Replaced::Conflict(Box::new(second)));
    }
}

/// As after a restart.
#[tokio::test]
async fn a_server_that_has_forgotten_the_scripts_is_told_again() {
    let Some((store, _, mut redis)) = one_server().await else { return };
    let mut forget = async || redis::cmd("SCRIPT").arg("FLUSH").query_async::<()>(&mut redis).await.unwrap();
    forget().await;
    let (key, record) = put(&store, Some("ada")).await;
    forget().await;
    let all = Select::Account { account: "ada", except: None };
    assert_eq!(store.remove(all, NOW).await.unwrap(), 1, "several at once");
    assert_eq!(store.replace(&key, &key, &next(&record), &record, NOW).await.unwrap(), Replaced::Gone);
}

/// Core looks whether a write was done of which it got no answer, and must not be told so before the replicas have it.
#[tokio::test]
async fn without_its_replicas_a_write_is_not_acknowledged() {
    let Some((store, _, _)) = one_server().await else { return };
    let careful = store.clone().with_replicas(1.try_into().unwrap(), Duration::from_millis(50));
    let (key, record) = (new_key(), new_record(&store, Some("ada")));
    let error = careful.insert(&key, &record, NOW).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert!(error.to_string().contains("0 of 1 replicas"), "{error}");
    assert_eq!(careful.load(&key, NOW).await.unwrap_err().kind(), StoreErrorKind::Unavailable);
    let (other, there) = put(&store, None).await;
    assert_eq!(careful.load(&other, NOW).await.unwrap(), Some(there), "nobody else's write is asked about");
}

/// A logout that failed and is tried again finds nothing to remove. That is no answer while a replica may bring the session back.
#[tokio::test]
async fn without_its_replicas_a_removal_is_not_acknowledged_however_often_it_is_tried() {
    let Some((store, _, _)) = one_server().await else { return };
    let careful = store.clone().with_replicas(1.try_into().unwrap(), Duration::from_millis(20));
    let (key, record) = put(&store, Some("ada")).await;
    let presented = record.secret.unwrap();
    let account = Select::Account { account: "ada", except: None };
    for what in [Select::One(&key), Select::Presented(&key, &presented), account] {
        let again = store.insert(&key, &record, NOW).await.unwrap();
        assert!(again == Inserted::Done || store.load(&key, NOW).await.unwrap().is_some());
        for _ in 0..3 {
            let removed = careful.remove(what, NOW).await;
            assert_eq!(removed.unwrap_err().kind(), StoreErrorKind::Unavailable, "{what:?}");
            let loaded = careful.load(&key, NOW).await;
            assert_eq!(loaded.unwrap_err().kind(), StoreErrorKind::Unavailable, "{what:?}");
        }
        // Who has no replicas waits for none.
        assert_eq!(store.load(&key, NOW).await.unwrap(), None);
        assert_eq!(careful.load(&key, NOW).await.unwrap(), None, "it is known now");
    }
}

/// What a cache asks that verifies its copies: some bytes, however large the session is.
#[tokio::test]
async fn a_head_is_read_without_the_data() {
    if is_without("redis-program") {
        return;
    }
    // Its own server: nobody else adds to its count.
    let server = test_services::Redis::start().unwrap();
    let store = RedisStore::connect(&server.url()).await.unwrap();
    let large = Record { data: vec![b'x'; 1 << 20].into(), ..new_record(&store, None) };
    let key = new_key();
    assert_eq!(store.insert(&key, &large, NOW).await.unwrap(), Inserted::Done);
    let mut redis = raw(&server.url()).await;
    let mut sent = async || -> u64 {
        let info: String = redis::cmd("INFO").arg("stats").query_async(&mut redis).await.unwrap();
        let line = info.lines().find_map(|line| line.strip_prefix("total_net_output_bytes:"));
        line.unwrap().trim().parse().unwrap()
    };
    let before = sent().await;
    for _ in 0..10 {
        assert_eq!(store.head(&key, NOW).await.unwrap(), Some(large.head()));
    }
    let after_heads = sent().await;
    assert_eq!(store.load(&key, NOW).await.unwrap(), Some(large));
    let after_load = sent().await;
    assert!(after_heads - before < 20_000, "{} bytes for ten heads and a count", after_heads - before);
    assert!(after_load - after_heads > 1 << 20);
}

#[tokio::test]
async fn wrong_credentials_are_misconfigured_and_not_shown() {
    let Some(url) = url("redis") else { return };
    let mut redis = raw(&url).await;
    let (user, password) = (new_key(), new_key());
    let mut acl = redis::cmd("ACL");
    acl.arg("SETUSER").arg(user.as_str()).arg("on").arg(format!(">{password}")).arg("~*").arg("+@all");
    acl.arg("-@scripting").query_async::<()>(&mut redis).await.unwrap();
    let (_, host) = url.rsplit_once(['@', '/']).unwrap();

    let wrong = RedisStore::connect(&format!("redis://{user}:hunter2@{host}")).await.unwrap_err();
    assert_eq!(wrong.kind(), StoreErrorKind::Misconfigured, "{wrong}");
    assert!(wrong.to_string().contains("credentials") && !everything(&wrong).contains("hunter2"), "{wrong}");

    // It gets in, but may not do what must be done.
    let store = RedisStore::connect(&format!("redis://{user}:{password}@{host}")).await.unwrap();
    let refused = store.insert(&new_key(), &new_record(&store, None), NOW).await.unwrap_err();
    assert_eq!(refused.kind(), StoreErrorKind::Misconfigured, "{refused}");
    assert!(!format!("{store:?} {}", everything(&refused)).contains(password.as_str()));
    redis::cmd("ACL").arg("DELUSER").arg(user.as_str()).query_async::<()>(&mut redis).await.unwrap();
}

#[tokio::test]
async fn where_nobody_listens_the_answer_is_quick() {
    let mut urls = vec!["redis://me:hunter2@127.0.0.1:1"];
    if cfg!(feature = "cluster") {
        urls.push("redis+cluster://me:hunter2@127.0.0.1:1,127.0.0.1:2");
    }
    if cfg!(feature = "sentinel") {
        urls.push("redis+sentinel://me:hunter2@127.0.0.1:1,127.0.0.1:2/main");
    }
    for url in urls {
        let began = Instant::now();
        let error = RedisStore::connect(url).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{url}: {error}");
        assert!(!everything(&error).contains("hunter2"), "{error}");
        assert!(began.elapsed() < Duration::from_secs(4), "{url}: {:?}", began.elapsed());
    }
}

#[tokio::test]
async fn what_is_no_address_is_misconfigured_and_not_shown() {
    for url in [
        "",
        "me:hunter2@localhost",
        "postgres://me:hunter2@localhost",
        "redis://me:hunter2@localhost:port",
        "redis://me:hunter2@localhost/shop",
        "redis+cluster://me:hunter2@",
        "redis+sentinel://me:hunter2@localhost:26379",
        "redis+shards://me:hunter2@localhost",
        "redis://me:hunter2@localhost?db=3",
        "redis://localhost/0?protcol=resp3",
        "redis+unix:///run/redis.sock?password=hunter2",
        "redis+sentinel://localhost/shop?sentinel_pass=hunter2",
    ] {
        let error = RedisStore::connect(url).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Misconfigured, "{url}: {error}");
        assert!(!everything(&error).contains("hunter2"), "{error}");
    }
}
