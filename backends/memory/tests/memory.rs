//! The conformance kit, and what is special to memory: bounds and cleaning up.

use std::time::Duration;

use session_core::store::{Filter, Inserted, SessionStore, StoreErrorKind};
use session_core::testing::Visitor;
use session_core::testing::store::sample;
use session_core::{AnyStore, Backend, Clock as _, Record, RecordKey, Sessions, SystemClock, Time};
use session_memory::MemoryStore;

const NOW: Time = Time::from_millis(1_700_000_000_000);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn conforms() {
    session_core::testing::conformance(async || MemoryStore::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_bounded_store_conforms() {
    let limit = 1_000.try_into().unwrap();
    session_core::testing::conformance(async || MemoryStore::new().with_capacity_limit(limit)).await;
}

/// A flood of new visitors evicts visitors, never somebody who is signed in.
#[tokio::test]
async fn a_bound_holds_and_spares_who_is_signed_in() {
    let store = MemoryStore::new().with_capacity_limit(100.try_into().unwrap());
    let anonymous = sample(&AnyStore::new(MemoryStore::new()), NOW);
    let mut signed_in = Vec::new();
    for i in 0..50 {
        let record = Record { account: Some(format!("user{i}")), ..anonymous.clone() };
        let key = RecordKey::random().unwrap();
        assert_eq!(store.insert(&key, &record, NOW).await.unwrap(), Inserted::Done);
        signed_in.push(key);
    }
    for _ in 0..10_000 {
        let _ = store.insert(&RecordKey::random().unwrap(), &anonymous, NOW).await.unwrap();
        assert!(store.len() <= 100);
    }
    for key in &signed_in {
        assert!(store.load(key, NOW).await.unwrap().is_some());
    }
}

/// The same through whole sessions, as robots come: each without a cookie, and each with something to keep.
#[tokio::test]
async fn a_hundred_thousand_new_visitors_stay_within_the_bound() {
    // One lock for all, and many.
    for limit in [500_usize, 2_000] {
        let store = AnyStore::new(MemoryStore::new().with_capacity_limit(limit.try_into().unwrap()));
        let sessions = Sessions::from(Backend::from(store.clone()));
        let all = u32::MAX.try_into().unwrap();
        let mut ada = Visitor::new(&sessions);
        ada.visit(200, async |s| s.login("ada").await).await.unwrap();
        for number in 0..100_000_usize {
            Visitor::new(&sessions).visit(200, async |s| s.insert("n", number)).await.unwrap();
            if number % 5_000 == 0 || number == 99_999 {
                let there =
                    store.page(Filter::All, None, all, SystemClock.now()).await.unwrap().records.len();
                assert!(there <= limit);
                assert!(number < limit || there > limit * 9 / 10, "{there} of {limit} after {number}");
            }
        }
        let account = ada.visit(200, async |s| Ok(s.account())).await.unwrap();
        assert_eq!(account.as_deref(), Some("ada"));
    }
}

#[tokio::test]
async fn a_store_full_of_signed_in_sessions_refuses() {
    let store = MemoryStore::new().with_capacity_limit(10.try_into().unwrap());
    let record =
        Record { account: Some("ada".to_owned()), ..sample(&AnyStore::new(MemoryStore::new()), NOW) };
    for _ in 0..10 {
        let _ = store.insert(&RecordKey::random().unwrap(), &record, NOW).await.unwrap();
    }
    let error = store.insert(&RecordKey::random().unwrap(), &record, NOW).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Full);
}

/// tower-sessions #32: a memory store that only grows.
#[tokio::test]
async fn expired_sessions_go_without_a_sweeper() {
    let store = MemoryStore::new();
    let mut now = NOW;
    for _ in 0..20_000 {
        let record = Record {
            expires_at: now + Duration::from_secs(60),
            ..sample(&AnyStore::new(MemoryStore::new()), now)
        };
        let _ = store.insert(&RecordKey::random().unwrap(), &record, now).await.unwrap();
        now = now + Duration::from_secs(1);
    }
    assert!(store.len() < 64 * 40, "{} of 20,000 are left, and 60 are live", store.len());
}
