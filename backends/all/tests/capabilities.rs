//! What `docs/stores.md` says of each store is what the store says of itself, and does.

#![expect(clippy::unwrap_used, reason = "a test fails where it is")]

use std::collections::BTreeSet;

use session_backends::Connect;
use session_core::store::{Filter, SessionStore};
use session_core::testing::server;
use session_core::{AnyStore, Backend, Error, RecordKey, SecretKeys, Sessions, Settings, SystemClock};
use session_core::{Clock as _, TokenFormat};

const PAGE: &str = include_str!("../../../docs/stores.md");

fn keys() -> SecretKeys {
    SecretKeys::new("a secret key of fifty characters, which is for tests")
}

fn yes(is: bool) -> &'static str {
    if is { "yes" } else { "no" }
}

/// For how long what was ended elsewhere is read.
fn staleness(store: &AnyStore) -> String {
    match store.capabilities().max_staleness.as_secs() {
        0 => "never".to_owned(),
        seconds => format!("{seconds} s"),
    }
}

/// The table's row about sessions that live there, by what they do and say.
async fn row(name: &str, backend: Backend) -> String {
    let settings = Settings::default();
    let sessions = Sessions::new(backend.clone(), settings).unwrap();
    let can = |result: Result<(), Error>| match result {
        Ok(()) => true,
        Err(Error::Unsupported(_)) => false,
        Err(error) => panic!("{name}: {error}"),
    };
    let accounts = can(sessions.sessions_of("nobody").await.map(drop));
    let revoke = can(sessions.revoke(&RecordKey::random().unwrap()).await.map(drop));
    match backend {
        Backend::Client(_) => {
            assert!(!accounts && !revoke);
            format!("| {name} | yes | yes | no | no | no | new cookie | until it expires |")
        }
        Backend::Server(store) => {
            let says = store.capabilities();
            assert_eq!(says.accounts, accounts, "{name}");
            let list = store.page(Filter::All, None, 1.try_into().unwrap(), SystemClock.now()).await.is_ok();
            let rotation = match says.tokens {
                TokenFormat::Split => "new secret",
                TokenFormat::Plain => "new key",
                other => panic!("docs/stores.md does not say how {other:?} rotates"),
            };
            let (durable, shared, accounts) = (yes(says.durable), yes(says.shared), yes(accounts));
            let (revoke, list, stale) = (yes(revoke), yes(list), staleness(&store));
            format!(
                "| {name} | {durable} | {shared} | {accounts} | {revoke} | {list} | {rotation} | {stale} |"
            )
        }
    }
}

/// The rows of the table below this heading.
fn rows(heading: &str) -> BTreeSet<&'static str> {
    let (_, section) = PAGE.split_once(&format!("## {heading}\n")).unwrap();
    let table = section.lines().skip_while(|line| !line.starts_with('|'));
    table.take_while(|line| line.starts_with('|')).skip(2).collect()
}

#[tokio::test]
async fn the_table_of_stores_is_true() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let mut stores = vec![
        ("memory", "memory:".to_owned()),
        ("file", format!("file:{}", path("sessions"))),
        ("sqlite", format!("sqlite:{}", path("sessions.db"))),
        ("sqlite in memory", "sqlite::memory:".to_owned()),
        ("cookie, signed", "cookie:".to_owned()),
        ("cookie, encrypted", "cookie+encrypted:".to_owned()),
    ];
    let servers = ["postgres", "mysql", "redis", "redis-cluster", "redis-sentinel"];
    let mut missing = 0;
    for name in servers {
        match server(name) {
            Some(url) => stores.push((name, url)),
            None => missing += 1,
        }
    }
    let mut listed = rows("What each can do");
    for (name, url) in stores {
        let backend = Connect::new(url).with_secret_keys(keys()).open().await.unwrap();
        let row = row(name, backend).await;
        assert!(listed.remove(row.as_str()), "docs/stores.md does not have this row:\n{row}");
    }
    let django = [
        ("Django's table", format!("sqlite:{}", path("django.db"))),
        ("Django's files", format!("file:{}", path("django"))),
        ("Django's cookie", "cookie:".to_owned()),
    ];
    for (name, url) in django {
        let backend = Connect::new(url).with_secret_keys(keys()).with_django_format().open().await.unwrap();
        let row = row(name, backend).await;
        assert!(listed.remove(row.as_str()), "docs/stores.md does not have this row:\n{row}");
    }
    assert_eq!(listed.len(), missing, "rows about stores that nobody has looked at: {listed:?}");
}

#[tokio::test]
async fn the_table_of_caches_is_true() {
    let (mut stores, mut missing) = (vec![("memory", "memory:".to_owned())], 2);
    if let Some(url) = server("redis") {
        stores.push(("redis", url));
        missing = 0;
    }
    let mut listed = rows("What a cache before a store changes");
    for (name, url) in stores {
        let trusted = Connect::new("memory:").with_cache(&url);
        let verified = Connect::new("memory:").with_verified_cache(&url);
        for (name, connect) in [(name.to_owned(), trusted), (format!("{name}, verified"), verified)] {
            let Backend::Server(store) = connect.open().await.unwrap() else { panic!("a store") };
            let row = format!("| {name} | {} |", staleness(&store));
            assert!(listed.remove(row.as_str()), "docs/stores.md does not have this row:\n{row}");
        }
    }
    assert_eq!(listed.len(), missing, "{listed:?}");
}
