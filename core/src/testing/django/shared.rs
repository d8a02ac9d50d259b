//! What either side does to a session in a table or a folder that both have, the other sees.

use std::time::Duration;

use serde_json::{Value, json};

use super::DjangoPeer;
use crate::any_store::AnyStore;
use crate::clock::{Clock, SystemClock};
use crate::django::{Auth, Standing};
use crate::expiry::Expiry;
use crate::id::RecordKey;
use crate::keys::SecretKeys;
use crate::sessions::Sessions;
use crate::settings::Settings;
use crate::store::SessionStore;
use crate::testing::Visitor;

/// The `SECRET_KEY` that both have.
pub const SECRET_KEY: &str = "a secret that both have";

/// Runs every case with a Django that was started with [`SECRET_KEY`], and a store on its table or folder.
///
/// # Panics
///
/// Where one side does not see what the other did.
pub async fn shares_its_sessions(store: impl SessionStore, django: DjangoPeer) {
    let keys = SecretKeys::new(SECRET_KEY);
    let store = AnyStore::new(store).with_django_format(&keys);
    let sessions = Sessions::new(store.clone(), Settings::default()).expect("settings that fit");
    let mut both = Both { django, store, sessions, keys };
    what_we_write_django_reads_and_changes(&mut both).await;
    what_django_writes_we_read_and_change(&mut both).await;
    either_side_rotates(&mut both).await;
    either_side_ends_a_session(&mut both).await;
    an_expiry_is_the_same_on_both_sides(&mut both).await;
    what_has_expired_is_gone_and_purged_on_both_sides(&mut both).await;
    our_save_keeps_what_django_wrote_meanwhile(&mut both).await;
    a_login_and_a_change_of_password_hold_on_both_sides(&mut both).await;
}

struct Both {
    django: DjangoPeer,
    store: AnyStore,
    sessions: Sessions,
    keys: SecretKeys,
}

impl Both {
    /// Has Django do something to the session of this key, or to a new one.
    fn django(&mut self, what: &str, key: Option<&str>, more: &Value) -> Value {
        let mut line = json!({"do": what, "key": key});
        if let (Some(line), Some(more)) = (line.as_object_mut(), more.as_object()) {
            line.extend(more.clone());
        }
        self.django.does(&line)
    }

    /// What Django has in the session of this key; of `_s_…` it knows nothing.
    fn items(&mut self, key: Option<&str>) -> Value {
        let mut items = self.django("load", key, &json!({}))["items"].clone();
        items.as_object_mut().expect("items").retain(|key, _| !key.starts_with("_s_"));
        items
    }

    async fn visitor(&self, n: u32) -> Visitor {
        let mut visitor = Visitor::new(&self.sessions);
        visitor.visit(200, async |s| s.insert("n", n)).await.expect("a new session");
        visitor
    }

    /// A session that Django has made, and its key.
    fn django_s(&mut self, values: &Value) -> (Visitor, String) {
        let made = self.django("set", None, &json!({"values": values}));
        let key = made["key"].as_str().expect("a key").to_owned();
        (Visitor::with_cookie(&self.sessions, &key), key)
    }
}

async fn n(visitor: &Visitor) -> Option<u32> {
    visitor.clone().visit(200, async |s| s.get("n")).await.expect("a read")
}

async fn what_we_write_django_reads_and_changes(both: &mut Both) {
    let values = json!({"n": 1, "text": "ü \u{1F600} \u{0}\n\"\\", "list": [1.5, null, {"a": "x".repeat(5000)}], "": ""});
    let mut ours = Visitor::new(&both.sessions);
    ours.visit(200, async |s| s.extend(values.as_object().expect("an object").clone()))
        .await
        .expect("stored");
    assert_eq!(both.items(ours.cookie()), values);
    both.django("set", ours.cookie(), &json!({"values": {"n": 2, "more": true}}));
    let read = ours.visit(200, async |s| {
        s.remove("text");
        Ok((s.get("n")?, s.get("more")?, s.get::<Value>("list")?))
    });
    assert_eq!(read.await.expect("it is live"), (Some(2), Some(true), Some(values["list"].clone())));
    assert_eq!(both.items(ours.cookie()), json!({"n": 2, "more": true, "list": values["list"], "": ""}));
}

async fn what_django_writes_we_read_and_change(both: &mut Both) {
    let (mut theirs, key) = both.django_s(&json!({"from": "django", "n": 1}));
    let from = theirs.visit(200, async |s| {
        s.update("n", |n: &mut u32| *n += 1)?;
        s.get::<String>("from")
    });
    assert_eq!(from.await.expect("it is live").as_deref(), Some("django"));
    assert_eq!(both.items(Some(&key)), json!({"from": "django", "n": 2}));
}

async fn either_side_rotates(both: &mut Both) {
    let mut ours = both.visitor(7).await;
    let old = ours.clone();
    let new = both.django("cycle", ours.cookie(), &json!({}));
    let new = Visitor::with_cookie(&both.sessions, new["key"].as_str().expect("a key"));
    assert_eq!((n(&old).await, n(&new).await), (None, Some(7)));

    ours = both.visitor(8).await;
    let old = ours.cookie().expect("a key").to_owned();
    ours.visit(200, async |s| s.rotate()).await.expect("it is rotated");
    assert_ne!(ours.cookie(), Some(&*old));
    assert_eq!(both.items(Some(&old)), json!({}));
    assert_eq!(both.django("exists", Some(&old), &json!({}))["exists"], false);
    assert_eq!(both.items(ours.cookie()), json!({"n": 8}));
}

async fn either_side_ends_a_session(both: &mut Both) {
    let ours = both.visitor(1).await;
    both.django("flush", ours.cookie(), &json!({}));
    assert_eq!(n(&ours).await, None);

    let (mut theirs, key) = both.django_s(&json!({"n": 1}));
    theirs.visit(200, async |s| s.flush().await).await.expect("it is ended");
    assert_eq!(theirs.cookie(), None);
    assert_eq!(both.django("exists", Some(&key), &json!({}))["exists"], false);
}

/// D30 to D38.
async fn an_expiry_is_the_same_on_both_sides(both: &mut Both) {
    for (expiry, age, closes) in [
        (Some(Expiry::Inactivity(Duration::from_secs(300))), 300, false),
        (Some(Expiry::BrowserClose), 1_209_600, true),
        (None, 1_209_600, false),
    ] {
        let mut ours = both.visitor(1).await;
        ours.visit(200, async |s| s.set_expiry(expiry)).await.expect("it is set");
        let seen = both.django("load", ours.cookie(), &json!({}));
        assert_eq!((&seen["age"], &seen["at_browser_close"]), (&json!(age), &json!(closes)));
        both.django("set", ours.cookie(), &json!({"values": {"n": 2}}));
        assert_eq!(ours.visit(200, async |s| Ok(s.expiry())).await.expect("live"), expiry, "it came back");
    }
    let (mut theirs, key) = both.django_s(&json!({"n": 1}));
    both.django("set_expiry", Some(&key), &json!({"value": 60}));
    let left = theirs.visit(200, async |s| Ok(s.expiry_age().as_secs())).await.expect("live");
    assert!((58..=60).contains(&left), "{left}");
    let mut ours = both.visitor(1).await;
    let at = SystemClock.now() + Duration::from_secs(100);
    ours.visit(200, async |s| s.set_expiry(Expiry::At(at))).await.expect("it is set");
    let age = both.django("load", ours.cookie(), &json!({}))["age"].as_u64().expect("seconds");
    assert!((98..=100).contains(&age), "{age}");
}

async fn what_has_expired_is_gone_and_purged_on_both_sides(both: &mut Both) {
    // A date: a number of seconds in a file never ends for Django (D90).
    let second = || Expiry::At(SystemClock.now() + Duration::from_secs(1));
    let mut ours = [both.visitor(1).await, both.visitor(2).await];
    let mut theirs = [both.django_s(&json!({"n": 1})), both.django_s(&json!({"n": 2}))];
    for visitor in &mut ours {
        visitor.visit(200, async |s| s.set_expiry(second())).await.expect("it is set");
    }
    for (_, key) in &theirs {
        both.django("set_expiry", Some(key), &json!({"value": 1}));
    }
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert_eq!(both.items(ours[0].cookie()), json!({}));
    assert_eq!(n(&theirs[0].0).await, None);
    let batch = 1000.try_into().expect("not zero");
    let removed = both.store.purge(SystemClock.now(), batch).await.expect("purge");
    assert!(removed >= 2, "{removed}");
    assert_eq!(both.django("exists", Some(&theirs[1].1), &json!({}))["exists"], false);

    let mut last = both.visitor(1).await;
    last.visit(200, async |s| s.set_expiry(second())).await.expect("it is set");
    let key: RecordKey = last.cookie().and_then(|key| key.parse().ok()).expect("a key");
    tokio::time::sleep(Duration::from_millis(1200)).await;
    both.django("clear_expired", None, &json!({}));
    let long_ago = SystemClock.now() - Duration::from_secs(3600);
    assert_eq!(both.store.load(&key, long_ago).await.expect("load"), None, "it is gone for every clock");
    theirs[0].0.visit(200, async |s| s.insert("n", 3)).await.expect("another session");
    assert_ne!(theirs[0].0.cookie(), Some(&*theirs[0].1), "D46: a dead key is not adopted");
}

async fn our_save_keeps_what_django_wrote_meanwhile(both: &mut Both) {
    let ours = both.visitor(1).await;
    let visit = ours.begin();
    visit.session().await.expect("live").update("n", |n: &mut u32| *n += 10).expect("update");
    both.django("set", ours.cookie(), &json!({"values": {"theirs": 1, "n": 5}}));
    assert!(visit.finish(200).await.error.is_none());
    assert_eq!(both.items(ours.cookie()), json!({"n": 15, "theirs": 1}));

    let visit = ours.begin();
    visit.session().await.expect("live").insert("late", 1).expect("insert");
    both.django("flush", ours.cookie(), &json!({}));
    let finished = visit.finish(200).await;
    assert!(matches!(finished.error, Some(crate::Error::Interrupted)), "{finished:?}");
    assert_eq!(both.django("exists", ours.cookie(), &json!({}))["exists"], false, "T11");
}

/// D98, D99.
async fn a_login_and_a_change_of_password_hold_on_both_sides(both: &mut Both) {
    let auth = Auth::new(both.keys.clone());
    let user = both.django("create_user", None, &json!({"name": "ada", "password": "first"}));
    let (id, password) = (user["id"].as_str().expect("an id"), user["password"].as_str().expect("a hash"));
    let mut ours = both.visitor(1).await;
    let before = ours.cookie().map(str::to_owned);
    ours.visit(200, async |s| auth.login(&s, id, password).await).await.expect("a login");
    assert_ne!(ours.cookie().map(str::to_owned), before, "D98: under a new key");
    assert_eq!(both.django("user", ours.cookie(), &json!({}))["user"], id);

    let theirs = both.django("login", None, &json!({"name": "ada", "password": "first"}));
    let mut visitor = Visitor::with_cookie(&both.sessions, theirs["key"].as_str().expect("a key"));
    let standing = visitor.visit(200, async |s| auth.check(&s, password).await).await.expect("a check");
    assert_eq!(standing, Standing::SignedIn);

    let changed = both.django("set_password", None, &json!({"user": id, "password": "second"}));
    let password = changed["password"].as_str().expect("a hash");
    assert_eq!(both.django("user", ours.cookie(), &json!({}))["user"], Value::Null);
    let standing = visitor.visit(200, async |s| auth.check(&s, password).await).await.expect("a check");
    assert_eq!((standing, visitor.cookie()), (Standing::Anonymous, None), "flushed");
}
