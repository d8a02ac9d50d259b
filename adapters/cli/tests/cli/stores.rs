//! The same story on every store.

use std::time::Duration;

use session_core::testing::server;
use sqlx::Connection as _;

use crate::site::{DAY, Site};

async fn story(mut site: Site) {
    let old = site.make(3 * DAY, Some("ada"), "light").await;
    let new = site.make(Duration::ZERO, Some("ada"), "dark").await;
    let nobody_s = site.make(Duration::ZERO, None, "dark").await;
    for _ in 0..5 {
        site.make(20 * DAY, Some("ada"), "dark").await;
    }
    assert_eq!(site.run(&["check"]).code, 0);
    assert_eq!(site.run(&["list", "--json"]).rows().len(), 3);
    let ada_s: Vec<_> = site.run(&["list", "--json", "--account", "ada"]).rows();
    let handles: Vec<_> = ada_s.iter().map(|row| row["handle"].as_str().unwrap()).collect();
    assert_eq!(handles, [new.handle.as_str(), old.handle.as_str()], "the latest used first");
    assert_eq!(site.run(&["show", "--json", old.handle.as_str()]).json()["data"]["theme"], "light");
    let stats = site.run(&["stats", "--json"]).json();
    assert_eq!((&stats["live"], &stats["expired"], &stats["signed_in"]), (&3.into(), &5.into(), &2.into()));
    assert_eq!(site.run(&["clear", "--json", "--dry-run"]).json()["expired"], 5);
    let cleared = site.run(&["clear", "--json", "--batch", "2"]).json();
    assert_eq!(cleared["expired"], 5);
    assert_eq!(site.run(&["clear", "--json", "--older-than", "2d"]).json()["ended"], 1);
    assert_eq!(site.run(&["revoke", "--account", "ada", "--json"]).json()["revoked"], 1);
    assert_eq!(site.run(&["list", "--json"]).rows()[0]["handle"], nobody_s.handle.as_str());
    assert_eq!(site.run(&["revoke", nobody_s.handle.as_str()]).code, 0);
    assert_eq!(site.run(&["stats", "--json"]).json()["live"], 0);
}

#[tokio::test]
async fn in_a_file_of_sqlite() {
    story(Site::sqlite()).await;
}

#[tokio::test]
async fn in_a_folder() {
    story(Site::folder()).await;
}

#[tokio::test]
async fn in_postgresql() {
    let Some(url) = server("postgres") else { return };
    let site = Site::in_table(url.clone());
    let table = site.names()[1].to_owned();
    story(site).await;
    let mut database = sqlx::PgConnection::connect(&url).await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!("DROP TABLE {table}"))).execute(&mut database).await.unwrap();
}

#[tokio::test]
async fn in_mysql() {
    let Some(url) = server("mysql") else { return };
    let site = Site::in_table(url.clone());
    let table = site.names()[1].to_owned();
    story(site).await;
    let mut database = sqlx::MySqlConnection::connect(&url).await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!("DROP TABLE {table}"))).execute(&mut database).await.unwrap();
}

#[tokio::test]
async fn in_redis() {
    let Some(url) = server("redis") else { return };
    story(Site::under_prefix(url)).await;
}

#[tokio::test]
async fn in_a_cluster() {
    let Some(url) = server("redis-cluster") else { return };
    story(Site::under_prefix(url)).await;
}
