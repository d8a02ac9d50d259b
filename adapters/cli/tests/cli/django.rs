//! A Django project's sessions, whose keys open them.

use std::time::Duration;

use crate::program::{Ran, session};
use crate::site::{DAY, SECRET_KEY, Site};

#[tokio::test]
async fn a_key_of_django_s_is_shown_to_nobody() {
    let mut site = Site::django();
    // Each run looks for the keys in what it prints.
    let ada = site.make(DAY, Some("ada"), "dark").await;
    let nobody = site.make(Duration::ZERO, None, "light").await;
    site.make(20 * DAY, None, "dark").await;
    let handle = ada.handle.successor();
    let listed = site.run(&["list", "--json", "--account", "ada"]).rows();
    assert_eq!((listed.len(), &listed[0]["handle"]), (1, &handle.as_str().into()));
    // By the handle that was listed, or by the cookie's value, which is the key.
    for id in [handle.as_str(), ada.cookie.as_str()] {
        let shown = site.run(&["show", "--json", id]).json();
        assert_eq!((&shown["data"]["theme"], &shown["handle"]), (&"dark".into(), &handle.as_str().into()));
    }
    site.run(&["list"]);
    let unknown = site.run(&["show", "hmmwxxfrhx6dm5wq0hjwqdcjzgx3ypwm"]);
    assert!(unknown.code == 4 && !unknown.err.contains("hmmwxx"), "{unknown:?}");
    assert_eq!(site.run(&["clear", "--json"]).json()["expired"], 1);
    let stats = site.run(&["stats", "--json"]).json();
    assert_eq!((&stats["live"], &stats["accounts"]), (&2.into(), &1.into()));
    assert_eq!(site.run(&["revoke", "--account", "ada", "--json"]).json()["revoked"], 1);
    assert_eq!(site.run(&["revoke", nobody.handle.successor().as_str()]).code, 0);
    assert!(site.run(&["list", "--json"]).rows().is_empty());
}

/// A wrong `SECRET_KEY` ends nothing: what cannot be read stays.
#[tokio::test]
async fn what_another_key_has_signed_is_unreadable_and_stays() {
    let mut site = Site::django();
    site.make(Duration::ZERO, Some("ada"), "dark").await;
    let with_another = |arguments: &[&str]| {
        let mut command = session(arguments);
        command.args(["--format", "django"]).env("SESSION_STORE", &site.url);
        Ran::of(command.env("DJANGO_SECRET_KEY", "another secret key of the fifty characters or more"))
    };
    assert_eq!(with_another(&["list", "--json"]).rows()[0]["readable"], false);
    let listed = with_another(&["list"]);
    assert!(listed.out.contains("- (unreadable)") && !listed.out.contains("ago"), "{listed:?}");
    assert!(listed.err.contains("1 session cannot be read"), "{listed:?}");
    let stats = with_another(&["stats", "--json"]).json();
    assert_eq!((&stats["live"], &stats["unreadable"]), (&1.into(), &1.into()));
    assert_eq!(
        (&stats["anonymous"], &stats["signed_in"], &stats["age"]["max"]),
        (&0.into(), &0.into(), &0.into())
    );
    let cleared = with_another(&["clear", "--json", "--older-than", "0s"]).json();
    assert_eq!((&cleared["ended"], &cleared["unreadable"]), (&0.into(), &1.into()));
    assert_eq!(site.run(&["list", "--json"]).rows()[0]["readable"], true);
    // An older key is a fallback.
    let mut command = session(&["list", "--json", "--format", "django", "--store", &site.url]);
    command.env("SECRET_KEY", "a new secret key of the fifty characters or so!!");
    assert_eq!(Ran::of(command.env("SESSION_SECRET_KEY_FALLBACKS", SECRET_KEY)).code, 0);
}
