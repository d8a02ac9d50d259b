//! Sessions shared with a real Django: its signed cookies, and who is signed in.

#![expect(clippy::unwrap_used, reason = "a test fails where it is")]

use std::time::Duration;

use serde_json::{Value, json};
use session_core::django::{Auth, SignedCookies, Standing};
use session_core::testing::Visitor;
use session_core::testing::django::DjangoPeer;
use session_core::{AnySealer, Expiry, SecretKeys, Sessions, Settings};

const SECRET: &str = "a secret that both have";
const AGE: Duration = Duration::from_secs(1_209_600);

fn peer(folder: &std::path::Path, fallbacks: &[&str]) -> Option<DjangoPeer> {
    DjangoPeer::start(&json!({
        "engine": "signed_cookies",
        "secret_key": SECRET,
        "fallbacks": fallbacks,
        "database": {"ENGINE": "django.db.backends.sqlite3", "NAME": folder.join("db.sqlite3")},
    }))
}

fn sessions(keys: &SecretKeys) -> Sessions {
    Sessions::new(AnySealer::new(SignedCookies::new(keys, AGE)), Settings::default()).unwrap()
}

/// D93 to D95, D101 to D106: what either side writes, the other reads and changes.
#[tokio::test]
async fn signed_cookies_go_both_ways() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut django) = peer(folder.path(), &[]) else { return };
    let sessions = sessions(&SecretKeys::new(SECRET));
    let values = json!({"n": 1, "text": "ü \u{1F600} \u{0}\n\"\\", "list": [1.5, null, {"a": "x".repeat(500)}], "": ""});

    let mut ours = Visitor::new(&sessions);
    ours.visit(200, async |s| s.extend(values.as_object().unwrap().clone())).await.unwrap();
    let seen = django.does(&json!({"do": "load", "key": ours.cookie()}));
    let mut items = seen["items"].clone();
    items.as_object_mut().unwrap().retain(|key, _| !key.starts_with("_s_"));
    assert_eq!(items, values);

    let theirs = django.does(&json!({"do": "set", "key": ours.cookie(), "values": {"n": 2, "more": true}}));
    let mut back = Visitor::with_cookie(&sessions, theirs["key"].as_str().unwrap());
    let (n, more, list) =
        back.visit(200, async |s| Ok((s.get("n")?, s.get("more")?, s.get::<Value>("list")?))).await.unwrap();
    assert_eq!((n, more, list), (Some(2), Some(true), Some(values["list"].clone())));

    let fresh = django.does(&json!({"do": "set", "key": null, "values": {"from": "django"}}));
    let mut read = Visitor::with_cookie(&sessions, fresh["key"].as_str().unwrap());
    let from = read.visit(200, async |s| s.get::<String>("from")).await.unwrap();
    assert_eq!(from.as_deref(), Some("django"));
}

/// D30 to D38: a session's own expiry, set on either side.
#[tokio::test]
async fn an_expiry_is_the_same_on_both_sides() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut django) = peer(folder.path(), &[]) else { return };
    let sessions = sessions(&SecretKeys::new(SECRET));
    for (expiry, age, closes) in [
        (Some(Expiry::Inactivity(Duration::from_secs(300))), 300, false),
        (Some(Expiry::BrowserClose), 1_209_600, true),
        (None, 1_209_600, false),
    ] {
        let mut ours = Visitor::new(&sessions);
        ours.visit(200, async |s| {
            s.insert("n", 1)?;
            s.set_expiry(expiry)
        })
        .await
        .unwrap();
        let seen = django.does(&json!({"do": "load", "key": ours.cookie()}));
        assert_eq!((&seen["age"], &seen["at_browser_close"]), (&json!(age), &json!(closes)));
        let theirs = django.does(&json!({"do": "set", "key": ours.cookie(), "values": {"n": 2}}));
        let mut back = Visitor::with_cookie(&sessions, theirs["key"].as_str().unwrap());
        assert_eq!(back.visit(200, async |s| Ok(s.expiry())).await.unwrap(), expiry, "it came back");
    }
    let theirs = django.does(&json!({"do": "set_expiry", "key": null, "value": 60}));
    let mut read = Visitor::with_cookie(&sessions, theirs["key"].as_str().unwrap());
    assert_eq!(read.visit(200, async |s| Ok(s.expiry_age().as_secs())).await.unwrap(), 60);
}

/// D98, D99: a login on either side holds on the other, until the password changes.
#[tokio::test]
async fn a_login_and_a_change_of_password_hold_on_both_sides() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut django) = peer(folder.path(), &[]) else { return };
    let keys = SecretKeys::new(SECRET);
    let (sessions, auth) = (sessions(&keys), Auth::new(keys));
    let user = django.does(&json!({"do": "create_user", "name": "ada", "password": "first"}));
    let (id, password) = (user["id"].as_str().unwrap(), user["password"].as_str().unwrap());

    let mut ours = Visitor::new(&sessions);
    ours.visit(200, async |s| auth.login(&s, id, password).await).await.unwrap();
    assert_eq!(django.does(&json!({"do": "user", "key": ours.cookie()}))["user"], id);

    let theirs = django.does(&json!({"do": "login", "key": null, "name": "ada", "password": "first"}));
    let mut visitor = Visitor::with_cookie(&sessions, theirs["key"].as_str().unwrap());
    let standing = visitor.visit(200, async |s| auth.check(&s, password).await).await.unwrap();
    assert_eq!(standing, Standing::SignedIn);

    let changed = django.does(&json!({"do": "set_password", "user": id, "password": "second"}));
    let password = changed["password"].as_str().unwrap();
    assert_eq!(django.does(&json!({"do": "user", "key": ours.cookie()}))["user"], Value::Null);
    let standing = visitor.visit(200, async |s| auth.check(&s, password).await).await.unwrap();
    assert_eq!((standing, visitor.cookie()), (Standing::Anonymous, None), "flushed");
}

/// D99: a hash under an old `SECRET_KEY` is good, and is renewed.
#[tokio::test]
async fn a_login_outlives_a_change_of_secret_key() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut django) = peer(folder.path(), &["an old secret"]) else { return };
    let user = django.does(&json!({"do": "create_user", "name": "ada", "password": "first"}));
    let (id, password) = (user["id"].as_str().unwrap(), user["password"].as_str().unwrap());
    let old = SecretKeys::new("an old secret");
    let mut before = Visitor::new(&sessions(&old));
    before.visit(200, async |s| Auth::new(old.clone()).login(&s, id, password).await).await.unwrap();
    assert_eq!(django.does(&json!({"do": "user", "key": before.cookie()}))["user"], id);

    let both = SecretKeys::new(SECRET).with_fallback("an old secret");
    let mut visitor = Visitor::with_cookie(&sessions(&both), before.cookie().unwrap());
    let auth = Auth::new(both);
    let standing = visitor.visit(200, async |s| auth.check(&s, password).await).await.unwrap();
    assert_eq!(standing, Standing::SignedIn);
    let only_new = SecretKeys::new(SECRET);
    let mut after = Visitor::with_cookie(&sessions(&only_new), visitor.cookie().unwrap());
    let auth = Auth::new(only_new);
    assert_eq!(after.visit(200, async |s| auth.check(&s, password).await).await.unwrap(), Standing::SignedIn);
}
