//! `PostgreSQL` and `MariaDB` whose table is on a disk without room; their logs are elsewhere. Only root can mount one.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test fails where it is")]

mod common;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::os::unix::fs::{MetadataExt as _, chown};

use common::{NOW, everything, new_key, next, record};
use session_core::Record;
use session_core::store::{Filter, Inserted, Select, SessionStore, StoreErrorKind, StoreResult};
use session_core::testing::{SmallDisk, is_without};
use session_sqlx::{MySqlStore, PostgresStore, TableName};
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, Executor as _, MySqlPool, PgPool};

/// Random letters: engines make everything else smaller.
fn text(bytes: usize) -> Vec<u8> {
    let keys = (0..=bytes / 25).map(|_| new_key().to_string());
    keys.collect::<String>().into_bytes()[..bytes].to_vec()
}

fn is_full<T: Debug>(answer: StoreResult<T>) {
    let error = answer.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Full, "{}", everything(&error));
    assert!(error.to_string().contains("free some"), "{error}");
}

/// What was acknowledged is there, what was refused is not, and ending sessions works.
async fn a_full_disk_is_full(store: impl SessionStore + Clone) {
    let large = Record { data: text(200_000).into(), ..record(&store) };
    let mut written = BTreeMap::new();
    loop {
        assert!(written.len() < 1_000, "the disk is not small");
        let key = new_key();
        match store.insert(&key, &large, NOW).await {
            Ok(inserted) => {
                assert_eq!(inserted, Inserted::Done);
                written.insert(key, large.clone());
            }
            refused => {
                is_full(refused);
                assert_eq!(store.load(&key, NOW).await.unwrap(), None);
                break;
            }
        }
    }
    assert!(written.len() > 3, "{}", written.len());
    let listed = async || -> BTreeMap<_, _> {
        let page = store.page(Filter::Account("ada"), None, 1_000.try_into().unwrap(), NOW).await;
        page.unwrap().records.into_iter().collect()
    };
    assert_eq!(listed().await, written);
    let key = *written.keys().next().unwrap();
    let larger = Record { data: text(4_000_000).into(), ..next(&large) };
    is_full(store.replace(&key, &key, &larger, &large, NOW).await);
    assert_eq!(listed().await, written, "it is as it was");
    assert_eq!(store.remove(Select::One(&key), NOW).await.unwrap(), 1);
    written.remove(&key);
    assert_eq!(listed().await, written);
    let all = Select::Account { account: "ada", except: None };
    assert_eq!(store.remove(all, NOW).await.unwrap(), written.len() as u64);
}

#[tokio::test]
async fn a_full_disk_of_postgres_is_full() {
    if is_without("postgres-program") {
        return;
    }
    let Some(disk) = SmallDisk::mount("size=8m") else { return };
    let server = test_services::Postgres::start().unwrap();
    let folder = disk.path().join("tables");
    std::fs::create_dir(&folder).unwrap();
    // It wants a folder of its own user.
    let own = std::fs::metadata(format!("/proc/{}", server.processes()[0])).unwrap();
    chown(&folder, Some(own.uid()), Some(own.gid())).unwrap();
    let admin = PgPool::connect(&server.url()).await.unwrap();
    let create = format!("CREATE TABLESPACE small LOCATION '{}'", folder.display());
    sqlx::raw_sql(AssertSqlSafe(create)).execute(&admin).await.unwrap();
    let pool = PgPoolOptions::new().after_connect(|connection, _| {
        Box::pin(async move { connection.execute("SET default_tablespace = small").await.map(drop) })
    });
    let store = PostgresStore::from_pool(pool.connect(&server.url()).await.unwrap());
    store.migrate().await.unwrap();
    a_full_disk_is_full(store).await;
    drop(server);
}

#[tokio::test]
async fn a_full_disk_of_mariadb_is_full() {
    if is_without("mysql-program") {
        return;
    }
    let Some(disk) = SmallDisk::mount("size=16m") else { return };
    let server = test_services::MariaDb::start().unwrap();
    let pool = MySqlPool::connect(&server.url()).await.unwrap();
    let version: String = sqlx::query_scalar("SELECT VERSION()").fetch_one(&pool).await.unwrap();
    if !version.contains("MariaDB") {
        eprintln!("not run: MySQL keeps a table elsewhere only if it was told so when it started");
        return;
    }
    let schema = MySqlStore::schema(&TableName::default());
    let schema = schema.trim_end().trim_end_matches(';');
    let schema = format!("{schema} DATA DIRECTORY = '{}'", disk.path().display());
    sqlx::raw_sql(AssertSqlSafe(schema)).execute(&pool).await.unwrap();
    a_full_disk_is_full(MySqlStore::from_pool(pool)).await;
    drop(server);
}
