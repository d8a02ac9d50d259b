//! The conformance kit, and what is special to SQLite: files, tables, locks and damaged rows.

#![expect(clippy::unwrap_used, reason = "a test fails where what it is made of fails")]

mod common;

use std::error::Error as _;
use std::fs;
use std::time::Duration;

use common::{NOW, everything, new_key, next, put, record};
use session_core::store::{Filter, Inserted, Replaced, SessionStore, StoreErrorKind};
use session_core::{Record, RecordKey, Version};
use session_sqlx::{SqliteStore, TableName};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row, SqliteConnection};
use tempfile::TempDir;
use tokio::task::JoinSet;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_database_in_memory_conforms() {
    session_core::testing::conformance(async || SqliteStore::connect("sqlite::memory:").await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_file_conforms() {
    let folder = Folder::new();
    let next = std::cell::Cell::new(0);
    let make = async || {
        next.set(next.get() + 1);
        SqliteStore::connect(&folder.path(&format!("{}.db", next.get()))).await.unwrap()
    };
    session_core::testing::conformance(make).await;
}

#[tokio::test]
async fn what_is_in_memory_says_so() {
    let folder = Folder::new();
    let in_memory = SqliteStore::connect("sqlite::memory:").await.unwrap();
    assert!(!in_memory.capabilities().durable && !in_memory.capabilities().shared);
    let on_disk = SqliteStore::connect(&folder.path("s.db")).await.unwrap();
    assert!(on_disk.capabilities().durable && on_disk.capabilities().shared);
}

#[tokio::test]
async fn a_file_outlives_its_store_and_keeps_a_write_ahead_log() {
    let folder = Folder::new();
    let url = format!("sqlite:{}", folder.path("s.db"));
    let (key, record) = put(&SqliteStore::connect(&url).await.unwrap()).await;
    let again = SqliteStore::connect(&url).await.unwrap();
    assert_eq!(again.load(&key, NOW).await.unwrap(), Some(record));
    let mode = sqlx::query("PRAGMA journal_mode").fetch_one(&mut folder.open("s.db").await).await.unwrap();
    assert_eq!(mode.get::<String, _>(0), "wal");
}

/// Stores of Django's kind rotate so: at no moment are there two records, or none.
#[tokio::test]
async fn a_record_moves_in_one_step() {
    let store = SqliteStore::connect("sqlite::memory:").await.unwrap();
    let (from, first) = put(&store).await;
    let (to, second) = (new_key(), next(&first));
    let moved = store.replace(&from, &to, &second, &first, NOW).await.unwrap();
    assert_eq!(moved, Replaced::Done);
    assert_eq!(store.load(&from, NOW).await.unwrap(), None);
    assert_eq!(store.load(&to, NOW).await.unwrap(), Some(second.clone()));
    let late = store.replace(&from, &new_key(), &first, &first, NOW).await.unwrap();
    assert_eq!(late, Replaced::Gone);

    let (taken, others) = put(&store).await;
    let error = store.replace(&to, &taken, &first, &second, NOW).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert_eq!(store.load(&to, NOW).await.unwrap(), Some(second));
    assert_eq!(store.load(&taken, NOW).await.unwrap(), Some(others));
}

#[tokio::test]
async fn migrating_again_keeps_what_is_there() {
    let store = SqliteStore::connect("sqlite::memory:").await.unwrap();
    let (key, record) = put(&store).await;
    store.migrate().await.unwrap();
    assert_eq!(store.load(&key, NOW).await.unwrap(), Some(record));
}

/// Each store has connections of its own, as another process has.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_may_create_one_file_at_once() {
    let folder = Folder::new();
    for round in 0..8 {
        let path = folder.path(&format!("{round}.db"));
        let mut starting = JoinSet::new();
        for _ in 0..8 {
            let path = path.clone();
            starting.spawn(async move { put(&SqliteStore::connect(&path).await.unwrap()).await });
        }
        let written = starting.join_all().await;
        let store = SqliteStore::connect(&path).await.unwrap();
        for (key, record) in written {
            assert_eq!(store.load(&key, NOW).await.unwrap(), Some(record));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_pools_may_migrate_at_once() {
    let folder = Folder::new();
    for round in 0..16 {
        let name = format!("{round}.db");
        let one = SqliteStore::from_pool(folder.pool(&name, 1).await);
        let other = SqliteStore::from_pool(folder.pool(&name, 1).await);
        let (a, b) = tokio::join!(one.migrate(), other.migrate());
        a.unwrap();
        b.unwrap();
    }
}

#[tokio::test]
async fn the_schema_is_what_migrate_makes() {
    let folder = Folder::new();
    let table: TableName = "shop_sessions".parse().unwrap();
    let mut database = folder.open("s.db").await;
    sqlx::raw_sql(AssertSqlSafe(SqliteStore::schema(&table))).execute(&mut database).await.unwrap();
    let store = SqliteStore::from_pool(folder.pool("s.db", 2).await).with_table(table);
    put(&store).await;
}

#[tokio::test]
async fn tables_of_any_name_live_side_by_side() {
    let folder = Folder::new();
    let path = folder.path("s.db");
    let plain = SqliteStore::connect(&path).await.unwrap();
    // Words that mean something to SQL.
    for name in ["order", "Table", "_"] {
        let store = SqliteStore::connect_to_table(&path, name.parse().unwrap()).await.unwrap();
        let (key, record) = put(&store).await;
        assert_eq!(store.load(&key, NOW).await.unwrap(), Some(record));
        assert_eq!(plain.load(&key, NOW).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_table_may_be_in_an_attached_database() {
    let folder = Folder::new();
    let attach = AssertSqlSafe(format!("ATTACH '{}' AS shop", folder.path("shop.db")));
    let pool = folder.pool("s.db", 1).await;
    sqlx::query(attach).execute(&pool).await.unwrap();
    let store = SqliteStore::from_pool(pool).with_table("shop.order".parse().unwrap());
    store.migrate().await.unwrap();
    let (key, there) = put(&store).await;
    let late = there.expires_at;
    let reborn = Record { expires_at: late + Duration::from_secs(60), ..next(&there) };
    assert_eq!(store.insert(&key, &reborn, late).await.unwrap(), Inserted::Done);
    assert_eq!(store.purge(late, 9.try_into().unwrap()).await.unwrap(), 0);
    let there =
        sqlx::query("SELECT count(*) FROM \"order\" INDEXED BY order_expires_at WHERE expires_at > 0");
    let there = there.fetch_one(&mut folder.open("shop.db").await).await.unwrap();
    assert_eq!(there.get::<i64, _>(0), 1);
}

#[tokio::test]
async fn a_missing_table_is_named_with_the_remedy() {
    let folder = Folder::new();
    let store = SqliteStore::from_pool(folder.pool("s.db", 1).await);
    let key = new_key();
    for error in [
        store.ping().await.unwrap_err(),
        store.load(&key, NOW).await.unwrap_err(),
        store.insert(&key, &record(&store), NOW).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), StoreErrorKind::Absent);
        let says = error.to_string();
        assert!(says.contains("`sessions`") && says.contains("migrate") && says.contains("schema"), "{says}");
    }
}

#[tokio::test]
async fn the_applications_own_table_is_left_alone() {
    let folder = Folder::new();
    let mut database = folder.open("s.db").await;
    sqlx::query("CREATE TABLE sessions (film TEXT)").execute(&mut database).await.unwrap();
    sqlx::query("INSERT INTO sessions VALUES ('Metropolis')").execute(&mut database).await.unwrap();
    let error = SqliteStore::connect(&folder.path("s.db")).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Misconfigured);
    assert!(error.to_string().contains("another name"), "{error}");
    let films = sqlx::query("SELECT film FROM sessions").fetch_all(&mut database).await.unwrap();
    assert_eq!(films[0].get::<String, _>(0), "Metropolis");

    // Of the same make but for a column.
    let schema = SqliteStore::schema(&"other".parse().unwrap()).replace("details BLOB", "detail BLOB");
    sqlx::raw_sql(AssertSqlSafe(schema)).execute(&mut database).await.unwrap();
    let other = SqliteStore::connect_to_table(&folder.path("s.db"), "other".parse().unwrap()).await;
    assert_eq!(other.unwrap_err().kind(), StoreErrorKind::Misconfigured);
}

/// Invariant 6: what cannot be read is an error, is never taken for nothing, and is never written over.
#[tokio::test]
async fn a_damaged_row_is_undecodable_and_left_alone() {
    let folder = Folder::new();
    let store = SqliteStore::connect(&folder.path("s.db")).await.unwrap();
    let mut database = folder.open("s.db").await;
    for damage in [
        "details = x'09'",
        "details = x''",
        "details = 'text'",
        "secret = x'00'",
        "nonce = 'many'",
        "created_at = 'yesterday'",
        "expires_at = 'tomorrow'",
        "data = 1.5",
        "account = x'ff'",
    ] {
        let (key, there) = put(&store).await;
        let sql = format!("UPDATE sessions SET {damage} WHERE session_key = '{key}'");
        sqlx::query(AssertSqlSafe(sql)).execute(&mut database).await.unwrap();
        let damaged = dump(&mut database, &key).await;

        let late = Record { version: Version { seq: 2, nonce: 1 }, ..there };
        let elsewhere = Record { version: Version { seq: 1, nonce: 1 }, ..late.clone() };
        for error in [
            store.load(&key, NOW).await.unwrap_err(),
            store.replace(&key, &key, &late, &elsewhere, NOW).await.unwrap_err(),
        ] {
            assert_eq!(error.kind(), StoreErrorKind::Undecodable, "{damage}");
            let column = damage.split(' ').next().unwrap();
            assert!(error.to_string().contains(&format!("`{column}`")), "{error}");
            assert!(!everything(&error).contains(key.as_str()), "a key may be a whole token: {error}");
        }
        let page = store.page(Filter::All, None, 10.try_into().unwrap(), NOW).await.unwrap();
        assert_eq!((page.records.len(), page.unreadable), (0, 1));
        assert_eq!(store.insert(&key, &late, NOW).await.unwrap(), Inserted::Taken);
        assert_eq!(dump(&mut database, &key).await, damaged, "{damage}");
        sqlx::query("DELETE FROM sessions").execute(&mut database).await.unwrap();
    }
}

#[tokio::test]
async fn a_place_that_cannot_be_opened_is_misconfigured() {
    let folder = Folder::new();
    fs::write(folder.path("letter.txt"), "Dear reader, this is no database. ".repeat(100)).unwrap();
    for place in
        [folder.path("missing/s.db"), folder.path(""), folder.path("letter.txt"), "sqlite:".to_owned()]
    {
        let error = SqliteStore::connect(&place).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Misconfigured, "{place}: {error}");
        let says = format!("{error} {}", error.source().map(ToString::to_string).unwrap_or_default());
        assert!(place == "sqlite:" || says.contains(&place) || place.ends_with('/'), "{says}");
    }
    assert!(fs::read_to_string(folder.path("letter.txt")).unwrap().starts_with("Dear reader"));
    let absent = SqliteStore::connect(&format!("sqlite:{}?mode=rw", folder.path("absent.db"))).await;
    assert_eq!(absent.unwrap_err().kind(), StoreErrorKind::Absent);
    assert!(!fs::exists(folder.path("absent.db")).unwrap());
}

/// C5: with all that SQLite puts beside it. Who has given a file other rights keeps them.
#[cfg(unix)]
#[tokio::test]
async fn a_new_file_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new();
    let (new, theirs) = (folder.path("new.db"), folder.path("theirs.db"));
    fs::write(&theirs, "").unwrap();
    fs::set_permissions(&theirs, fs::Permissions::from_mode(0o640)).unwrap();
    for (path, mode) in [(new, 0o600), (theirs, 0o640)] {
        let store = SqliteStore::connect(&path).await.unwrap();
        put(&store).await;
        for beside in ["", "-wal", "-shm"] {
            let file = fs::metadata(format!("{path}{beside}")).unwrap();
            assert_eq!(file.permissions().mode() & 0o777, mode, "{path}{beside}");
        }
    }
}

#[tokio::test]
async fn what_may_only_be_read_is_misconfigured_when_written() {
    let folder = Folder::new();
    let (key, record) = put(&SqliteStore::connect(&folder.path("s.db")).await.unwrap()).await;
    let reader = SqliteStore::connect(&format!("sqlite:{}?mode=ro", folder.path("s.db"))).await.unwrap();
    assert_eq!(reader.load(&key, NOW).await.unwrap(), Some(record.clone()));
    let error = reader.insert(&new_key(), &record, NOW).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Misconfigured);
}

#[tokio::test]
async fn a_database_without_room_is_full() {
    let folder = Folder::new();
    let options = folder.options("s.db").pragma("max_page_count", "20");
    let store = SqliteStore::from_pool(SqlitePool::connect_with(options).await.unwrap());
    store.migrate().await.unwrap();
    let large = Record { data: vec![b'x'; 1 << 20].into(), ..record(&store) };
    let error = store.insert(&new_key(), &large, NOW).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Full);
    put(&store).await;
}

#[tokio::test]
async fn a_database_that_others_do_not_let_go_of_is_unavailable() {
    let folder = Folder::new();
    let impatient = folder.options("s.db").busy_timeout(Duration::ZERO);
    let pool = SqlitePool::connect_with(impatient).await.unwrap();
    let store = SqliteStore::from_pool(pool.clone());
    store.migrate().await.unwrap();
    let mut other = folder.open("s.db").await;
    let writing = other.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let error = store.insert(&new_key(), &record(&store), NOW).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    drop(writing);
    pool.close().await;
    assert_eq!(store.ping().await.unwrap_err().kind(), StoreErrorKind::Unavailable);
}

/// tower-sessions-stores PR 52: "database is locked" from a read before the write. No verb here has one.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_writer_waits_for_another_and_a_reader_does_not() {
    let folder = Folder::new();
    let store = SqliteStore::connect(&folder.path("s.db")).await.unwrap();
    let (key, there) = put(&store).await;
    let mut other = folder.open("s.db").await;
    let mut writing = other.begin_with("BEGIN IMMEDIATE").await.unwrap();
    sqlx::query("UPDATE sessions SET seq = 7").execute(&mut *writing).await.unwrap();
    let waiting = tokio::spawn({
        let (store, next) =
            (store.clone(), Record { version: Version { seq: 2, nonce: 2 }, ..there.clone() });
        async move { store.replace(&key, &key, &next, &there, NOW).await }
    });
    assert_eq!(store.load(&key, NOW).await.unwrap().unwrap().version.seq, 1, "before the commit");
    writing.commit().await.unwrap();
    let answer = waiting.await.unwrap().unwrap();
    assert!(matches!(answer, Replaced::Conflict(record) if record.version.seq == 7));
}

/// A visitor who goes away drops the request's future in the middle of a statement.
#[tokio::test]
async fn a_cancelled_verb_leaves_its_connection_usable() {
    let folder = Folder::new();
    let store = SqliteStore::from_pool(folder.pool("s.db", 1).await);
    store.migrate().await.unwrap();
    let (key, there) = put(&store).await;
    for polls in 0..20 {
        let mut other = folder.open("s.db").await;
        let writing = other.begin_with("BEGIN IMMEDIATE").await.unwrap();
        let insert_key = new_key();
        let insert = store.insert(&insert_key, &there, NOW);
        tokio::select! {
            biased;
            answer = insert => panic!("the database is locked: {answer:?}"),
            () = yields(polls) => {}
        }
        drop(writing);
        other.close().await.unwrap();
        // The pool has this one connection.
        assert_eq!(store.load(&key, NOW).await.unwrap().as_ref(), Some(&there));
        put(&store).await;
    }
}

async fn yields(count: usize) {
    for _ in 0..count {
        tokio::task::yield_now().await;
    }
}

/// The row as SQLite shows it.
async fn dump(database: &mut SqliteConnection, key: &RecordKey) -> String {
    let columns = ["seq", "nonce", "created_at", "expires_at", "account", "secret", "details", "data"];
    let sql = columns.map(|column| format!("typeof({column}) || ' ' || hex({column})")).join(" || ' ' || ");
    let sql = AssertSqlSafe(format!("SELECT {sql} FROM sessions WHERE session_key = ?"));
    sqlx::query(sql).bind(key.as_str()).fetch_one(database).await.unwrap().get(0)
}

/// A folder that goes with the test.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    fn options(&self, name: &str) -> SqliteConnectOptions {
        SqliteConnectOptions::new().filename(self.path(name)).create_if_missing(true)
    }

    /// A connection of somebody else's.
    async fn open(&self, name: &str) -> SqliteConnection {
        self.options(name).connect().await.unwrap()
    }

    async fn pool(&self, name: &str, connections: u32) -> SqlitePool {
        let pool = SqlitePoolOptions::new().max_connections(connections);
        pool.connect_with(self.options(name)).await.unwrap()
    }
}
