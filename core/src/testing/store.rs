//! Each verb of a store, alone and in races.

use std::num::NonZeroU32;
use std::time::Duration;

use futures_util::future::join_all;

use super::hostile::{a_place_that_is_none_is_no_harm, an_account_is_any_text_or_is_refused_whole};
use super::records::{data, is_split, kept, next, random, version, with_data};
use super::run_cases;
use crate::answer::polled_once;
use crate::any_store::AnyStore;
use crate::clock::Time;
use crate::details::Details;
use crate::id::{RecordKey, SecretHash};
use crate::record::{Record, Version};

pub use super::records::sample;
use crate::store::{Cursor, Filter, Inserted, Replaced, Select, SessionStore};

pub(super) const NOW: Time = Time::from_millis(1_700_000_000_000);
const HOUR: Duration = Duration::from_secs(3600);

/// Every case of this module.
///
/// # Panics
///
/// Where the store does not hold the contract.
pub async fn conformance<S: SessionStore>(make: &impl AsyncFn() -> S) {
    run_cases!(make;
        records_are_read_back_as_written,
        values_of_any_size_and_content_are_read_back,
        a_head_is_that_of_the_record,
        insert_has_one_winner,
        the_expired_are_invisible_and_cannot_be_written,
        replace_compares_and_sets,
        replace_has_one_winner,
        no_writer_is_lost,
        the_dead_stay_dead,
        touch_moves_only_the_deadline,
        remove_is_exact,
        the_account_index_follows_the_record,
        pages_visit_all_once,
        purge_spares_the_living,
        a_key_is_matched_whole,
        a_moved_record_is_under_its_new_key_only,
        a_move_has_one_winner,
        an_account_is_any_text_or_is_refused_whole,
        a_place_that_is_none_is_no_harm,
        it_answers_a_ping,
        at_once_is_at_once,
    );
}

pub(super) fn key() -> RecordKey {
    RecordKey::random().expect("random bytes")
}

pub(super) async fn put(store: &AnyStore, record: &Record) -> RecordKey {
    let key = key();
    assert_eq!(store.insert(&key, record, NOW).await.expect("insert"), Inserted::Done);
    key
}

pub(super) async fn load(store: &AnyStore, key: &RecordKey) -> Option<Record> {
    load_at(store, key, NOW).await
}

/// What the store has of it, of what it keeps.
async fn load_at(store: &AnyStore, key: &RecordKey, now: Time) -> Option<Record> {
    store.load(key, now).await.expect("load").map(|record| kept(store, record))
}

async fn replace(store: &AnyStore, key: &RecordKey, to: &Record, was: &Record, now: Time) -> Replaced {
    match store.replace(key, key, to, was, now).await.expect("replace") {
        Replaced::Conflict(fresh) => Replaced::Conflict(Box::new(kept(store, *fresh))),
        other => other,
    }
}

/// Runs the same call many times at once, on threads of the runtime.
async fn at_once<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    count: usize,
    call: impl Fn(usize) -> F,
) -> Vec<T> {
    let tasks: Vec<_> = (0..count).map(|i| tokio::spawn(call(i))).collect();
    join_all(tasks).await.into_iter().map(|task| task.expect("a task ends")).collect()
}

async fn records_are_read_back_as_written(store: AnyStore) {
    assert_eq!(load(&store, &key()).await, None, "an unknown key has no record");
    let full = sample(&store, NOW);
    let bare = with_data(&store, &Record { details: Details::new(NOW), ..full.clone() }, r#"{"a":1}"#);
    let mut far = full.clone();
    far.expires_at = Time::from_millis(4_102_444_800_123); // 2100: past what a 32-bit date holds
    for record in [full, bare, far] {
        let key = put(&store, &record).await;
        assert_eq!(load(&store, &key).await, Some(kept(&store, record.clone())));
        let changed = with_data(&store, &next(&store, &record), "{}");
        assert_eq!(replace(&store, &key, &changed, &record, NOW).await, Replaced::Done);
        assert_eq!(load(&store, &key).await, Some(kept(&store, changed)));
    }
}

async fn values_of_any_size_and_content_are_read_back(store: AnyStore) {
    let mut texts = vec![
        "{}".to_owned(),
        r#"{"escapes":"\u0000 \" \\ \/ \b \f \n \r \t \ud83d\ude00"}"#.to_owned(),
        "{\"raw\":\"\u{1F600} \u{FFFF} \u{2028} %s ' ; -- $1 ? :x\"}".to_owned(),
        format!("{{\"large\":\"{}\"}}", "x".repeat(1 << 20)),
    ];
    let all_bytes: Vec<String> = (0_u8..=127).map(|b| format!("{b:02x}")).collect();
    texts.push(format!("{{\"bytes\":\"{}\"}}", all_bytes.concat()));
    for text in texts {
        let record = with_data(&store, &sample(&store, NOW), &text);
        let key = put(&store, &record).await;
        assert_eq!(load(&store, &key).await.expect("it is live").data, record.data);
    }
}

async fn a_head_is_that_of_the_record(store: AnyStore) {
    let head = async |key: &RecordKey, now| store.head(key, now).await.expect("head");
    let is = async |key: &RecordKey, now: Time, what: &str| {
        let record = store.load(key, now).await.expect("load");
        assert_eq!(head(key, now).await, record.map(|record| record.head()), "{what}");
    };
    assert_eq!(head(&key(), NOW).await, None, "an unknown key has none");
    let key = put(&store, &sample(&store, NOW)).await;
    let first = load(&store, &key).await.expect("it is live");
    assert_eq!(head(&key, NOW).await, Some(first.head()));
    let (later, until) = (NOW + HOUR / 2, NOW + 2 * HOUR);
    assert!(store.touch(&key, until, &first, later).await.expect("touch"));
    let touched = load(&store, &key).await.expect("it is live");
    is(&key, later, "touched").await;
    assert_eq!(head(&key, later).await.map(|head| head.expires_at), Some(until), "a touch is seen");
    assert_eq!(first.with_head(head(&key, later).await.expect("it is live")), Some(touched.clone()));
    let second = next(&store, &touched);
    assert_eq!(store.replace(&key, &key, &second, &touched, NOW).await.expect("replace"), Replaced::Done);
    is(&key, NOW, "replaced").await;
    assert_eq!(touched.with_head(head(&key, NOW).await.expect("it is live")), None, "another write");
    assert_eq!(head(&key, second.expires_at).await, None, "it has expired");
    assert_eq!(store.remove(Select::One(&key), NOW).await.expect("remove"), 1);
    assert_eq!(head(&key, NOW).await, None, "it was removed");
}

async fn insert_has_one_winner(store: AnyStore) {
    let contested = key();
    let record = sample(&store, NOW);
    let answers = at_once(32, |_| {
        let (store, record) = (store.clone(), next(&store, &record));
        async move { (store.insert(&contested, &record, NOW).await.expect("insert"), record.version) }
    })
    .await;
    let winners: Vec<_> = answers.iter().filter(|(answer, _)| *answer == Inserted::Done).collect();
    assert_eq!(winners.len(), 1, "of 32 inserts of one key one wins");
    assert_eq!(load(&store, &contested).await.map(|r| r.version), Some(winners[0].1));
}

async fn the_expired_are_invisible_and_cannot_be_written(store: AnyStore) {
    let record = Record { account: account(&store, "expired"), ..sample(&store, NOW) };
    let key = put(&store, &record).await;
    // The deadline itself is not within the session's life.
    for late in [record.expires_at, record.expires_at + HOUR] {
        assert_eq!(store.load(&key, late).await.expect("load"), None);
        assert_eq!(replace(&store, &key, &next(&store, &record), &record, late).await, Replaced::Gone);
        assert!(!store.touch(&key, late + HOUR, &record, late).await.expect("touch"));
        assert_eq!(store.remove(Select::One(&key), late).await.expect("remove"), 0);
        assert!(!listed(&store, Filter::All, late).await.contains(&key));
    }
    let late = record.expires_at;
    let reborn = next(&store, &Record { expires_at: late + HOUR, ..record });
    assert_eq!(
        store.insert(&key, &reborn, late).await.expect("insert"),
        Inserted::Done,
        "an expired key is free"
    );
    assert_eq!(load_at(&store, &key, late).await, Some(kept(&store, reborn)));
}

async fn replace_compares_and_sets(store: AnyStore) {
    let first = sample(&store, NOW);
    let key = put(&store, &first).await;
    let second = next(&store, &first);
    assert_eq!(replace(&store, &key, &second, &first, NOW).await, Replaced::Done);
    let second = kept(&store, second);
    for was in [first.version, version(2), Version { seq: 9, ..second.version }] {
        let was = Record { version: was, data: first.data.clone(), ..second.clone() };
        let answer = replace(&store, &key, &next(&store, &first), &was, NOW).await;
        assert_eq!(
            answer,
            Replaced::Conflict(Box::new(second.clone())),
            "a conflict shows the present record"
        );
    }
    assert_eq!(load(&store, &key).await, Some(second), "a conflict changes nothing");
}

async fn replace_has_one_winner(store: AnyStore) {
    let first = sample(&store, NOW);
    let key = put(&store, &first).await;
    let answers = at_once(32, |_| {
        let (store, first) = (store.clone(), first.clone());
        async move { replace(&store, &key, &next(&store, &first), &first, NOW).await }
    })
    .await;
    assert_eq!(answers.iter().filter(|answer| **answer == Replaced::Done).count(), 1);
    assert!(answers.iter().all(|answer| *answer != Replaced::Gone));
}

async fn no_writer_is_lost(store: AnyStore) {
    let key = put(&store, &with_data(&store, &sample(&store, NOW), r#"{"n":0}"#)).await;
    let count = |store: &AnyStore, record: &Record| -> u64 {
        let json: serde_json::Value = serde_json::from_str(&data(store, record)).expect("JSON");
        json["n"].as_u64().expect("a number")
    };
    at_once(16, |_| {
        let store = store.clone();
        async move {
            let mut base = load(&store, &key).await.expect("it is live");
            loop {
                let more = format!("{{\"n\":{}}}", count(&store, &base) + 1);
                let next = with_data(&store, &next(&store, &base), &more);
                match replace(&store, &key, &next, &base, NOW).await {
                    Replaced::Done => return,
                    Replaced::Conflict(fresh) => base = *fresh,
                    Replaced::Gone => panic!("nobody removed it"),
                }
            }
        }
    })
    .await;
    let record = load(&store, &key).await.expect("it is live");
    assert_eq!(count(&store, &record), 16);
    assert!(record.version.seq == 17 || !is_split(&store), "each has counted on");
}

async fn the_dead_stay_dead(store: AnyStore) {
    let record = sample(&store, NOW);
    let key = put(&store, &record).await;
    assert_eq!(store.remove(Select::One(&key), NOW).await.expect("remove"), 1);
    assert_eq!(replace(&store, &key, &next(&store, &record), &record, NOW).await, Replaced::Gone);
    assert!(!store.touch(&key, NOW + HOUR, &record, NOW).await.expect("touch"));
    assert_eq!(load(&store, &key).await, None, "T11: no verb brings it back");
}

async fn touch_moves_only_the_deadline(store: AnyStore) {
    let record = sample(&store, NOW);
    let key = put(&store, &record).await;
    let (later, until) = (NOW + HOUR / 2, NOW + 2 * HOUR);
    let other = next(&store, &record);
    assert!(!store.touch(&key, until, &other, later).await.expect("touch"), "another version");
    assert_eq!(load(&store, &key).await, Some(kept(&store, record.clone())), "which changed nothing");
    assert!(store.touch(&key, until, &record, later).await.expect("touch"));
    let touched = load_at(&store, &key, NOW + HOUR).await.expect("it lives longer now");
    let expected = kept(&store, Record { expires_at: until, last_active: later, ..record });
    assert_eq!(touched, expected, "a touch sets the deadline and the last activity, and nothing else");
}

async fn remove_is_exact(store: AnyStore) {
    let record = sample(&store, NOW);
    let (one, other) = (put(&store, &record).await, put(&store, &record).await);
    assert_eq!(store.remove(Select::One(&key()), NOW).await.expect("remove"), 0);
    assert_eq!(store.remove(Select::One(&one), NOW).await.expect("remove"), 1);
    assert_eq!(store.remove(Select::One(&one), NOW).await.expect("remove"), 0, "once");
    assert!(load(&store, &other).await.is_some());
    if let Some(secret) = &record.secret {
        let wrong = SecretHash::from_bytes([1; 32]);
        assert_eq!(store.remove(Select::Presented(&other, &wrong), NOW).await.expect("remove"), 0);
        assert!(load(&store, &other).await.is_some(), "knowing the handle is not enough to end a session");
        assert_eq!(store.remove(Select::Presented(&other, secret), NOW).await.expect("remove"), 1);
        assert_eq!(load(&store, &other).await, None);
    }
    if store.capabilities().accounts {
        let named = |name: &str| Record { account: Some(name.to_owned()), ..record.clone() };
        let mut hers = Vec::new();
        for _ in 0..5 {
            hers.push(put(&store, &named("ada@example.org")).await);
        }
        let his = put(&store, &named("ada@example.or")).await;
        let anonymous = put(&store, &record).await;
        let others = Select::Account { account: "ada@example.org", except: Some(&hers[2]) };
        assert_eq!(store.remove(others, NOW).await.expect("remove"), 4);
        assert!(load(&store, &hers[2]).await.is_some() && load(&store, &hers[0]).await.is_none());
        let all = Select::Account { account: "ada@example.org", except: None };
        assert_eq!(store.remove(all, NOW).await.expect("remove"), 1);
        assert!(load(&store, &his).await.is_some() && load(&store, &anonymous).await.is_some());
    }
}

async fn the_account_index_follows_the_record(store: AnyStore) {
    if !store.capabilities().accounts {
        return;
    }
    let anonymous = sample(&store, NOW);
    let key = put(&store, &anonymous).await;
    let mut base = anonymous.clone();
    // Quotes, wildcards, another script, and nothing: an account is any text, compared as it is.
    let names = [Some("a'; --%_*?[]"), Some("Ünï"), Some("ünï"), Some(""), None];
    for (i, name) in names.iter().enumerate() {
        let record = Record { account: name.map(str::to_owned), ..next(&store, &base) };
        assert_eq!(replace(&store, &key, &record, &base, NOW).await, Replaced::Done);
        for (j, other) in names.iter().enumerate() {
            if let Some(other) = other {
                let found = listed(&store, Filter::Account(other), NOW).await;
                assert_eq!(found.contains(&key), i == j, "{other:?} while it is {name:?}");
            }
        }
        base = record;
    }
}

async fn pages_visit_all_once(store: AnyStore) {
    let name = account(&store, "of pages");
    let record = Record { account: name.clone(), ..sample(&store, NOW) };
    let mut keys = Vec::new();
    for _ in 0..25 {
        keys.push(put(&store, &record).await);
    }
    let dead = Record { expires_at: NOW, ..record.clone() };
    let expired = key();
    let _ = store.insert(&expired, &dead, NOW - HOUR).await.expect("insert");
    keys.sort_unstable();
    let mut all = listed(&store, Filter::All, NOW).await;
    all.retain(|key| keys.contains(key) || *key == expired);
    all.sort_unstable();
    assert_eq!(all, keys);
    if let Some(name) = &name {
        let mut found = listed(&store, Filter::Account(name), NOW).await;
        found.sort_unstable();
        assert_eq!(found, keys);
        assert_eq!(listed(&store, Filter::Account("nobody"), NOW).await, []);
    }
}

async fn purge_spares_the_living(store: AnyStore) {
    let live = sample(&store, NOW);
    let (mut living, mut dead) = (Vec::new(), Vec::new());
    for i in 0..20_u32 {
        living.push(put(&store, &live).await);
        let early = Record { expires_at: NOW + Duration::from_secs(u64::from(i) + 1), ..live.clone() };
        dead.push(put(&store, &early).await);
    }
    let late = NOW + Duration::from_secs(30);
    let batch = NonZeroU32::new(7).expect("not zero");
    let mut removed = 0;
    for _ in 0..100 {
        let now = store.purge(late, batch).await.expect("purge");
        assert!(now <= 7, "a batch is a bound");
        removed += now;
        if now < 7 {
            break;
        }
    }
    assert!(removed >= 20, "{removed} of 20 expired records were purged");
    for key in &living {
        assert_eq!(load_at(&store, key, late).await, Some(kept(&store, live.clone())));
    }
    if store.capabilities().max_staleness.is_zero() {
        for key in &dead {
            assert_eq!(load(&store, key).await, None, "gone also for a clock that is behind");
        }
    }
}

/// T18: neither a prefix nor a longer key is taken for the key.
async fn a_key_is_matched_whole(store: AnyStore) {
    let long = key();
    let short: RecordKey = long.as_str()[..20].parse().expect("a key");
    let longer: RecordKey = format!("{long}a").parse().expect("a key");
    let record = sample(&store, NOW);
    let _ = store.insert(&long, &record, NOW).await.expect("insert");
    for other in [short, longer] {
        assert_eq!(load(&store, &other).await, None);
        assert_eq!(store.remove(Select::One(&other), NOW).await.expect("remove"), 0);
        assert_eq!(store.insert(&other, &next(&store, &record), NOW).await.expect("insert"), Inserted::Done);
    }
    assert_eq!(load(&store, &long).await, Some(kept(&store, record)));
}

/// Django's rotation: the record gets a new key, in one step.
async fn a_moved_record_is_under_its_new_key_only(store: AnyStore) {
    if is_split(&store) {
        return;
    }
    let record = sample(&store, NOW);
    let (from, to) = (put(&store, &record).await, key());
    let moved = next(&store, &record);
    assert_eq!(store.replace(&from, &to, &moved, &record, NOW).await.expect("replace"), Replaced::Done);
    assert_eq!(
        (load(&store, &from).await, load(&store, &to).await),
        (None, Some(kept(&store, moved.clone())))
    );
    let again = store.replace(&from, &key(), &next(&store, &record), &record, NOW).await.expect("replace");
    assert_eq!(again, Replaced::Gone);
    let other = store.replace(&to, &key(), &next(&store, &moved), &record, NOW).await.expect("replace");
    assert!(matches!(other, Replaced::Conflict(_)), "it was another by then: {other:?}");
    let late = record.expires_at;
    let gone = store.replace(&to, &key(), &next(&store, &moved), &moved, late).await.expect("replace");
    assert_eq!(gone, Replaced::Gone);
}

/// Of those who move a record at the same moment one does.
async fn a_move_has_one_winner(store: AnyStore) {
    if is_split(&store) {
        return;
    }
    let record = sample(&store, NOW);
    let from = put(&store, &record).await;
    let answers = at_once(16, |_| {
        let (store, record) = (store.clone(), record.clone());
        async move {
            let (to, moved) = (key(), next(&store, &record));
            (to, store.replace(&from, &to, &moved, &record, NOW).await.expect("replace"))
        }
    })
    .await;
    for (to, answer) in &answers {
        assert_eq!(load(&store, to).await.is_some(), *answer == Replaced::Done, "{answer:?}");
    }
    assert_eq!(answers.iter().filter(|(_, answer)| *answer == Replaced::Done).count(), 1);
    assert_eq!(load(&store, &from).await, None);
}

async fn it_answers_a_ping(store: AnyStore) {
    store.ping().await.expect("a store that works answers");
}

/// An account, where the store knows accounts.
fn account(store: &AnyStore, name: &str) -> Option<String> {
    store.capabilities().accounts.then(|| format!("{name} {}", random()))
}

/// The keys that a whole listing has; none twice.
pub(super) async fn listed(store: &AnyStore, of: Filter<'_>, now: Time) -> Vec<RecordKey> {
    let limit = NonZeroU32::new(7).expect("not zero");
    let mut keys = Vec::new();
    let mut after: Option<Cursor> = None;
    loop {
        let page = store.page(of, after, limit, now).await.expect("page");
        assert!(page.records.len() <= 7, "a limit is a bound");
        for (key, _) in page.records {
            assert!(!keys.contains(&key), "a key is listed once");
            keys.push(key);
        }
        after = page.next;
        if after.is_none() {
            return keys;
        }
    }
}

/// Only a store that says that it answers at once must: it is asked with each verb.
async fn at_once_is_at_once(store: AnyStore) {
    if !store.is_at_once() {
        return;
    }
    let (key, record) = (key(), sample(&store, NOW));
    let later = next(&store, &record);
    let most = NonZeroU32::MIN;
    let done = [
        polled_once(|| store.insert(&key, &record, NOW)).is_some(),
        polled_once(|| store.load(&key, NOW)).is_some(),
        polled_once(|| store.reload(&key, NOW)).is_some(),
        polled_once(|| store.head(&key, NOW)).is_some(),
        polled_once(|| store.touch(&key, NOW + HOUR, &record, NOW)).is_some(),
        polled_once(|| store.replace(&key, &key, &later, &record, NOW)).is_some(),
        polled_once(|| store.page(Filter::All, None, most, NOW)).is_some(),
        polled_once(|| store.remove(Select::One(&key), NOW)).is_some(),
        polled_once(|| store.purge(NOW, most)).is_some(),
        polled_once(|| store.ping()).is_some(),
    ];
    assert_eq!(done, [true; 10], "every verb is done when it is first polled");
}
