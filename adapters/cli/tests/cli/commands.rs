//! What each command prints, for people and for programs.

use std::collections::BTreeSet;
use std::fs;
use std::process::Stdio;
use std::time::Duration;

use crate::program::{Ran, session};
use crate::site::{DAY, Site};

/// Two of ada's, one of nobody's, and three that have expired.
async fn shop() -> Site {
    let mut site = Site::sqlite();
    site.make(3 * DAY, Some("ada"), "light").await;
    site.make(Duration::from_secs(7200), Some("ada"), "dark").await;
    site.make(Duration::ZERO, None, "dark").await;
    for _ in 0..3 {
        site.make(20 * DAY, None, "dark").await;
    }
    site
}

#[tokio::test]
async fn a_list_is_a_table_of_handles_that_can_be_copied() {
    let mut site = Site::sqlite();
    assert_eq!(site.run(&["list"]).out, "no live sessions\n");
    let older = site.make(3 * DAY, Some("ada"), "light").await;
    let newer = site.make(Duration::from_secs(7200), Some("ada"), "dark").await;
    let listed = site.run(&["list", "--account", "ada"]);
    let lines: Vec<Vec<&str>> = listed
        .out
        .lines()
        .map(|line| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect())
        .collect();
    assert_eq!(
        lines,
        [
            vec!["HANDLE", "ACCOUNT", "LAST ACTIVE", "EXPIRES", "SIZE"],
            vec![newer.handle.as_str(), "ada", "2 hours ago", "in 14 days", "43 B"],
            vec![older.handle.as_str(), "ada", "3 days ago", "in 11 days", "44 B"],
        ]
    );
    let starts: Vec<_> = ["ACCOUNT", "ada", "ada"]
        .iter()
        .zip(listed.out.lines())
        .map(|(cell, line)| line.find(cell).unwrap())
        .collect();
    assert_eq!(starts, [27, 27, 27]);
}

#[tokio::test]
async fn a_list_ends_at_its_limit_and_says_so() {
    let site = shop().await;
    let listed = site.run(&["list", "--limit", "2"]);
    assert_eq!((listed.out.lines().count(), listed.code), (3, 0));
    assert!(listed.err.contains("--all shows more"), "{}", listed.err);
    assert_eq!(site.run(&["list", "--json", "--limit", "2"]).rows().len(), 2);
    assert_eq!(site.run(&["list", "--json", "--all"]).rows().len(), 3);
    let row = &site.run(&["list", "--json", "--account", "ada"]).rows()[0];
    let keys: BTreeSet<_> = row.as_object().unwrap().keys().map(String::as_str).collect();
    let listed = ["account", "created", "expires", "handle", "last_active", "readable", "size"];
    assert_eq!(keys, BTreeSet::from(listed));
    assert!(site.run(&["list", "--account", "nobody", "--json"]).rows().is_empty());
}

#[tokio::test]
async fn a_session_is_shown_without_what_is_secret_in_it() {
    let mut site = Site::sqlite();
    let made = site.make(DAY, Some("ada"), "dark").await;
    let shown = site.run(&["show", made.handle.as_str()]);
    for part in [
        "account      ada\n",
        "(24 hours ago)",
        "\"theme\": \"dark\"",
        "\"csrf_token\": \"(hidden)\"",
        "device = phone",
    ] {
        assert!(shown.out.contains(part), "{part}: {}", shown.out);
    }
    let json = site.run(&["show", "--json", made.handle.as_str()]).json();
    assert_eq!(json["data"], serde_json::json!({ "csrf_token": "(hidden)", "theme": "dark" }));
    assert_eq!((&json["account"], &json["meta"]["device"]), (&"ada".into(), &"phone".into()));
    // Support gets cookies; what they hold is not repeated.
    assert_eq!(site.run(&["show", "--json", &made.cookie]).json()["handle"], made.handle.as_str());
    let absent = site.run(&["show", "kqpt0w3ws4gc1dtw8cm7h8wnx"]);
    assert_eq!((absent.code, absent.out.as_str()), (4, ""));
    assert_eq!(site.run(&["show", "no such handle!"]).code, 2);
}

#[tokio::test]
async fn what_has_expired_is_cleared_and_nothing_else() {
    let site = shop().await;
    assert_eq!(site.run(&["clear", "--dry-run"]).out, "3 expired sessions would be removed\n");
    let cleared = site.run(&["clear"]);
    assert!(cleared.out.starts_with("3 expired sessions removed in "), "{cleared:?}");
    assert_eq!((cleared.out.lines().count(), cleared.err.as_str()), (1, ""), "one line in a pipe");
    let json = site.run(&["clear", "--json"]).json();
    assert_eq!((&json["expired"], &json["ended"], &json["stopped"]), (&0.into(), &0.into(), &false.into()));
    assert_eq!(site.run(&["list", "--json"]).rows().len(), 3);
}

#[tokio::test]
async fn live_sessions_are_ended_by_what_they_are() {
    let site = shop().await;
    let would = |conditions: &[&str]| {
        let arguments = [&["clear", "--dry-run", "--json"], conditions].concat();
        site.run(&arguments).json()["ended"].as_u64().unwrap()
    };
    assert_eq!(would(&["--older-than", "2d"]), 1);
    assert_eq!(would(&["--older-than", "30d"]), 0);
    assert_eq!(would(&["--account", "ada"]), 2);
    assert_eq!(would(&["--where", "theme=dark"]), 2);
    assert_eq!(would(&["--where", "theme=dark", "--account", "ada"]), 1);
    assert_eq!(would(&["--containing", "\"light\""]), 1);
    assert_eq!(site.run(&["clear", "--dry-run", "--account", "ada"]).out, "2 sessions of 2 would be ended\n");
    let cleared = site.run(&["clear", "--json", "--where", "theme=dark"]).json();
    // What is ended is removed too, and counted once.
    assert_eq!((&cleared["ended"], &cleared["seen"], &cleared["expired"]), (&2.into(), &3.into(), &3.into()));
    assert_eq!(site.run(&["list", "--json"]).rows().len(), 1);
    assert_eq!(site.run(&["clear", "--where", "theme"]).code, 2);
    assert_eq!(site.run(&["clear", "--older-than", "soon"]).code, 2);
}

/// Or it would go on serving what was ended, and nobody would know.
#[tokio::test]
async fn nothing_is_ended_behind_a_cache_that_does_not_answer() {
    let site = shop().await;
    for command in [&["revoke", "--account", "ada"][..], &["clear", "--account", "ada"], &["check"]] {
        let ran = site.run(&[command, &["--cache", "redis://127.0.0.1:1"]].concat());
        assert_eq!(ran.code, 3, "{ran:?}");
        assert!(ran.err.contains("cache does not answer") && ran.err.contains("nothing was done"), "{ran:?}");
    }
    assert_eq!(site.run(&["list", "--json", "--account", "ada"]).rows().len(), 2);
}

#[tokio::test]
async fn sessions_are_revoked_one_by_one_or_all_but_one() {
    let mut site = Site::sqlite();
    let mut handles = Vec::new();
    for _ in 0..4 {
        handles.push(site.make(Duration::ZERO, Some("ada"), "dark").await.handle);
    }
    assert_eq!(site.run(&["revoke", handles[0].as_str()]).out, "1 session ended\n");
    assert_eq!(site.run(&["revoke", handles[0].as_str()]).code, 4, "it is gone");
    let others = site.run(&["revoke", "--account", "ada", "--except", handles[1].as_str(), "--json"]).json();
    assert_eq!(others["revoked"], 2);
    assert_eq!(site.run(&["list", "--json"]).rows()[0]["handle"], handles[1].as_str());
    assert_eq!(site.run(&["revoke", "--account", "ada"]).out, "1 session ended\n");
    assert_eq!(site.run(&["revoke"]).code, 2);
    assert_eq!(site.run(&["revoke", handles[1].as_str(), "--account", "ada"]).code, 2);
}

#[tokio::test]
async fn sessions_are_counted() {
    let site = shop().await;
    let json = site.run(&["stats", "--json"]).json();
    let numbers = ["live", "signed_in", "anonymous", "accounts", "expired", "unreadable", "bytes"]
        .map(|key| json[key].as_u64().unwrap());
    assert_eq!(numbers, [3, 2, 1, 1, 3, 0, 130]);
    assert_eq!(json["top_accounts"], serde_json::json!([["ada", 2]]));
    assert_eq!(json["size"], serde_json::json!({ "p50": 43, "p99": 44, "max": 44 }));
    assert!((3 * 86400..3 * 86400 + 60).contains(&json["idle"]["max"].as_u64().unwrap()));
    let text = site.run(&["stats"]).out;
    assert!(text.starts_with("live       3\nsigned in  2 of 1 account\nanonymous  1\n"), "{text}");
}

#[test]
fn a_store_is_created_by_init_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mistyped.db");
    let url = format!("sqlite:{}", path.display());
    let run = |command: &str| Ran::of(&mut session(&["--store", &url, command]));
    for command in ["list", "clear", "stats", "check"] {
        let ran = run(command);
        assert_eq!(ran.code, 1, "{ran:?}");
        assert!(ran.err.contains("does not exist") && ran.err.contains("session init"), "{}", ran.err);
        assert!(!path.exists());
    }
    assert_eq!(run("init").code, 0);
    assert_eq!(run("init").out, format!("{url} is ready\n"), "again");
    assert_eq!(run("list").code, 0);

    // What helps is another thing where the table is a Django project's, and where a folder is absent.
    let mut of_django = session(&["--store", &url, "--format", "django", "list"]);
    let ran =
        Ran::of(of_django.env("SESSION_SECRET_KEY", "a Django project's secret key, which is long enough"));
    assert!(ran.code == 1 && ran.err.contains("manage.py migrate"), "{ran:?}");
    assert!(!ran.err.contains("session init"), "{ran:?}");
    let absent = format!("file:{}", folder.path().join("absent/sessions").display());
    let ran = Ran::of(&mut session(&["--store", &absent, "check"]));
    assert!(ran.err.contains("session init") && !ran.err.contains("SQL"), "{ran:?}");
    let ran = Ran::of(&mut session(&["--store", &absent, "init"]));
    assert!(ran.code == 1 && !ran.err.contains("session init"), "{ran:?}");
}

#[tokio::test]
async fn what_can_be_no_handle_is_told_so() {
    let site = shop().await;
    for command in ["show", "revoke"] {
        let ran = site.run(&[command, "nonsense"]);
        assert!(ran.code == 2 && ran.err.contains("25 letters and figures"), "{ran:?}");
    }
    let ran = site.run(&["revoke"]);
    assert!(ran.code == 2 && ran.err.contains("<HANDLE|--account <NAME>>"), "{ran:?}");
}

#[test]
fn the_sql_of_a_table_is_printed_without_a_connection() {
    for (url, says) in [
        ("sqlite:absent.db", "CREATE TABLE IF NOT EXISTS \"shop\""),
        ("postgres://shop:hunter2@127.0.0.1:1/shop", "CREATE TABLE IF NOT EXISTS \"shop\""),
        ("mysql://127.0.0.1:1/shop", "CREATE TABLE IF NOT EXISTS `shop`"),
    ] {
        let mut command = session(&["init", "--print-sql", "--table", "shop", "--store", url]);
        let printed = Ran::of(&mut command);
        assert!(printed.out.starts_with(says), "{printed:?}");
        let json = Ran::of(command.arg("--json")).json();
        assert!(json["sql"].as_str().unwrap().starts_with(says));
    }
    assert_eq!(Ran::of(&mut session(&["init", "--print-sql", "--store", "redis://127.0.0.1:1"])).code, 2);
}

#[test]
fn what_is_weak_is_found() {
    let site = Site::sqlite();
    let well = site.run(&["check"]);
    assert_eq!(well.code, 0, "{well:?}");
    assert!(well.out.contains("nothing was found"), "{}", well.out);
    let folder = tempfile::tempdir().unwrap();
    let settings = folder.path().join("settings.json");
    fs::write(&settings, r#"{"cookie_secure": false}"#).unwrap();
    let weak = site.run(&["check", "--json", "--settings", settings.to_str().unwrap()]);
    assert_eq!(weak.code, 5, "{weak:?}");
    let json: serde_json::Value = serde_json::from_str(&weak.out).unwrap();
    assert_eq!(json["weaknesses"][0]["code"], "not_secure");
    assert_eq!((&json["can"]["accounts"], &json["can"]["tokens"]), (&true.into(), &"split".into()));
    fs::write(&settings, r#"{"cookie_secre": false}"#).unwrap();
    assert_eq!(site.run(&["check", "--settings", settings.to_str().unwrap()]).code, 2);
}

#[test]
fn shells_are_helped() {
    for shell in ["bash", "zsh", "fish"] {
        let printed = Ran::of(&mut session(&["completions", shell]));
        assert!(printed.code == 0 && printed.out.contains("older-than"), "{shell}");
    }
    let help = Ran::of(&mut session(&["--help"]));
    assert!(help.code == 0 && help.out.contains("Exit codes"), "{help:?}");
}

/// As `session list | head -1` does.
#[tokio::test]
async fn a_reader_that_has_seen_enough_is_no_failure() {
    let site = shop().await;
    let mut child = site.command(&["list"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}

/// What a visitor wrote is read on an administrator's terminal.
#[tokio::test]
async fn a_session_cannot_write_on_the_terminal() {
    let mut site = Site::sqlite();
    let made = site.make(Duration::ZERO, Some("\u{1b}[2Jada"), "\u{9b}2J").await;
    for arguments in [&["list"][..], &["stats"], &["show", made.handle.as_str()]] {
        let out = site.run(arguments).out;
        assert!(!out.chars().any(|c| c.is_control() && c != '\n'), "{out:?}");
    }
}
