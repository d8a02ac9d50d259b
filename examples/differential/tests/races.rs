//! The races of the kit between processes: `playground-axum`, `playground-actix` and `playground-rocket` on one store.

use std::sync::{Mutex, PoisonError};

use example_differential::playground;
use example_testing::Server;
use example_testing::playground::{client, send};
use session_backends::Connect;
use session_core::testing::{adapter, server};
use session_core::{AnyStore, Backend};

/// Two tests have one table: one's purge, by a clock that is far ahead, would end the other's sessions.
static TABLE: Mutex<()> = Mutex::new(());

#[test]
fn on_a_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    race(&format!("file:{}", folder.path().join("sessions").display()), None);
}

#[test]
fn on_sqlite() {
    let folder = tempfile::tempdir().expect("a folder");
    race(&format!("sqlite:{}", folder.path().join("sessions.db").display()), None);
}

#[test]
fn on_postgres() {
    let _alone = TABLE.lock().unwrap_or_else(PoisonError::into_inner);
    race_on("postgres");
}

#[test]
fn on_mysql() {
    race_on("mysql");
}

#[test]
fn on_redis() {
    race_on("redis");
}

#[test]
fn on_a_redis_cluster() {
    race_on("redis-cluster");
}

#[test]
fn on_redis_behind_sentinels() {
    race_on("redis-sentinel");
}

#[test]
fn on_postgres_behind_redis() {
    let _alone = TABLE.lock().unwrap_or_else(PoisonError::into_inner);
    if let (Some(store), Some(cache)) = (server("postgres"), server("redis")) {
        race(&store, Some(&cache));
    }
}

fn race_on(name: &str) {
    if let Some(url) = server(name) {
        race(&url, None);
    }
}

/// Between the three, two of which meet in each pair.
fn race(store: &str, cache: Option<&str>) {
    let mut arguments = vec!["--save-every-request", "true", "--workers", "2", "--store", store];
    arguments.extend(cache.iter().flat_map(|cache| ["--cache", cache]));
    let servers = ["axum", "actix", "rocket"].map(|name| Server::start(&playground(name), &arguments));
    let client = client();
    example_testing::run(async {
        let store = open(store, cache).await;
        adapter::races(store, servers.len(), async |number, request| {
            send(&client, &servers[number], request).await
        })
        .await;
    });
}

async fn open(store: &str, cache: Option<&str>) -> AnyStore {
    let connect = Connect::new(store);
    let connect = if let Some(cache) = cache { connect.with_cache(cache) } else { connect };
    match connect.open().await.expect("a store") {
        Backend::Server(store) => store,
        Backend::Client(_) => panic!("sessions in cookies have no store"),
    }
}
