//! No output has a secret in it; and what each failure is called.

use std::process::Command;

use session_core::{Backend, SecretKeys, Sessions, Settings};

use crate::program::{Ran, session};
use crate::site::Site;

const PASSWORD: &str = "hunter2";

fn fails(command: &mut Command) -> Ran {
    let ran = Ran::of(command);
    assert!(ran.code != 0 && !ran.err.is_empty(), "{ran:?}");
    assert!(!ran.out.contains(PASSWORD) && !ran.err.contains(PASSWORD), "{ran:?}");
    ran
}

#[test]
fn no_failure_shows_a_password() {
    let urls = [
        "mongodb://shop:hunter2@127.0.0.1/shop",
        "redis://:hunter2@127.0.0.1:1",
        "postgres://shop:hunter2@127.0.0.1:port/shop",
        "me:hunter2@127.0.0.1",
        "sqlite:/absent/shop.db?password=hunter2",
    ];
    for url in urls {
        for json in [&[][..], &["--json"]] {
            fails(session(&["list", "--store", url]).args(json));
            fails(session(&["migrate", url, "sqlite:/absent/new.db"]).args(json));
            fails(session(&["check"]).env("SESSION_STORE", url).args(json));
        }
    }
    // What clap repeats of what was typed.
    for url in urls {
        fails(&mut session(&["list", url]));
        fails(&mut session(&["list", &format!("--limit={url}")]));
        fails(&mut session(&[url]));
    }
    let secret = ["list", "--store", "sqlite:/absent/shop.db", "--secret-key", PASSWORD, PASSWORD];
    fails(&mut session(&secret));
}

#[test]
fn each_failure_has_its_code() {
    let usage = fails(&mut session(&["list"]));
    assert!(usage.code == 2 && usage.err.contains("SESSION_STORE"), "{usage:?}");
    assert_eq!(fails(&mut session(&["lst"])).code, 2);
    let typed = fails(&mut session(&["list", "--json", "--limit", "many"]));
    let json: serde_json::Value = serde_json::from_str(&typed.err).unwrap();
    assert!(typed.code == 2 && json["error"] == "usage", "{typed:?}");
    assert!(json["message"].as_str().unwrap().contains("'many'"), "{typed:?}");
    for settings in ["/absent/settings.json", "/dev/null"] {
        let ran = fails(&mut session(&["list", "--store", "sqlite:shop.db", "--settings", settings]));
        assert!(ran.code == 2 && ran.err.contains(settings), "{ran:?}");
    }
    let elsewhere = fails(&mut session(&["list", "--store", "memory:"]));
    assert!(elsewhere.code == 2 && elsewhere.err.contains("the application's process"), "{elsewhere:?}");
    let short = fails(
        session(&["list"])
            .env("SESSION_STORE", "postgres://shop:secret@127.0.0.1:1/shop")
            .env("SESSION_ENCRYPTION_KEY", "short"),
    );
    let says =
        "SESSION_ENCRYPTION_KEY or --encryption-key: a secret has 32 bytes at least, and this one has 5\n";
    assert!(short.code == 2 && short.err.ends_with(says), "{short:?}");
    assert_eq!(fails(&mut session(&["list", "--store", "env:NOT_SET_ANYWHERE"])).code, 2);
    assert_eq!(fails(&mut session(&["list", "--store", "sqlite:shop.db", "--format", "django"])).code, 2);
    for url in ["redis://:hunter2@127.0.0.1:1", "postgres://shop:hunter2@127.0.0.1:1/shop"] {
        let away = fails(session(&["list", "--json"]).env("SESSION_STORE", url));
        assert_eq!(away.code, 3, "{away:?}");
        let json: serde_json::Value = serde_json::from_str(&away.err).unwrap();
        assert_eq!(json["error"], "store_unavailable");
        assert!(json["store"].as_str().unwrap().contains("//127.0.0.1:1"), "{json}");
        assert_eq!(json["advice"], "try again later", "a list has done nothing before");
    }
}

/// So that nobody learns a key from the list of processes, and a key that stands there does not count.
#[tokio::test]
async fn a_key_in_the_environment_comes_before_one_that_is_typed() {
    const KEY: &str = "an encryption key of more than thirty-two bytes";
    let site = Site::sqlite();
    let settings = Settings::default().with_encryption(&SecretKeys::new(KEY)).unwrap();
    let session = Sessions::new(Backend::Server(site.store().await), settings).unwrap().create();
    session.insert("theme", "dark").unwrap();
    session.save().await.unwrap();
    let handle = session.session_key().unwrap();
    let show = |typed: Option<&str>, set: Option<&str>| {
        let mut command = site.command(&["show", "--json", handle.as_str()]);
        if let Some(key) = typed {
            command.args(["--encryption-key", key]);
        }
        if let Some(key) = set {
            command.env("SESSION_ENCRYPTION_KEY", key);
        }
        let shown = Ran::of(&mut command);
        assert!(!shown.out.contains(KEY) && !shown.err.contains(KEY));
        shown.json()
    };
    assert_eq!(show(None, None)["readable"], false);
    for (typed, set) in
        [(Some(KEY), None), (None, Some(KEY)), (Some("another key of more than thirty-two bytes"), Some(KEY))]
    {
        assert_eq!(show(typed, set)["data"]["theme"], "dark");
    }
}
