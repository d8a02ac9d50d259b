//! Many sessions at once: not by requests, but as each store takes them fastest.

use std::time::SystemTime;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use session_backends::file::{Durability, FileStore};
use session_core::store::SessionStore as _;
use session_core::{AnyStore, Clock as _, Record, RecordKey, SystemClock};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};

use crate::Outcome;

/// Inserts at once.
const AT_ONCE: usize = 128;

const COLUMNS: &str =
    "session_key, seq, nonce, created_at, last_active, expires_at, account, secret, details, data";

/// Adds so many sessions like this one, which expire within a fortnight.
pub(super) async fn fill(url: &str, store: &AnyStore, like: &Record, count: usize) -> Outcome {
    if url.starts_with("sqlite:") {
        sqlite(url, like, count).await
    } else if url.starts_with("postgres") {
        postgres(url, like, count).await
    } else if let Some(path) = url.strip_prefix("file:") {
        let hasty = FileStore::open(path)?.with_durability(Durability::Fast);
        one_by_one(&AnyStore::new(hasty), like, count).await?;
        // They were written without waiting for the disk, and the next write that waits would wait for them too.
        std::process::Command::new("sync").status()?;
        Ok(())
    } else {
        one_by_one(store, like, count).await
    }
}

async fn sqlite(url: &str, like: &Record, count: usize) -> Outcome {
    let mut database = SqliteConnection::connect(url).await?;
    let (moments, blobs) = (moments("n"), blobs(like, "x'", "'"));
    let sql = format!(
        "WITH RECURSIVE rows(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM rows WHERE n < {count})
        INSERT INTO sessions ({COLUMNS}) SELECT lower(hex(randomblob(12))), {moments}, {blobs} FROM rows;
        PRAGMA wal_checkpoint(TRUNCATE)"
    );
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut database).await?;
    Ok(())
}

async fn postgres(url: &str, like: &Record, count: usize) -> Outcome {
    let mut database = PgConnection::connect(url).await?;
    let (moments, blobs) = (moments("n"), blobs(like, r"'\x", "'::bytea"));
    let insert = format!(
        "INSERT INTO sessions ({COLUMNS}) SELECT md5(random()::text || n), {moments}, {blobs}
        FROM generate_series(1::bigint, {count}) AS n"
    );
    // Each alone: what is behind it then is not measured.
    for sql in [insert.as_str(), "VACUUM ANALYZE sessions", "CHECKPOINT"] {
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut database).await?;
    }
    Ok(())
}

async fn one_by_one(store: &AnyStore, like: &Record, count: usize) -> Outcome {
    let inserts = stream::iter(0..count).map(|_| async move {
        let key = RecordKey::random()?;
        // Nobody else has that key.
        let _ = store.insert(&key, like, SystemClock.now()).await.map_err(session_core::Error::from)?;
        Ok::<(), session_core::Error>(())
    });
    inserts.buffer_unordered(AT_ONCE).try_collect::<()>().await?;
    Ok(())
}

/// From `seq` to `account`; deadlines are spread over a time that begins in a day.
fn moments(number: &str) -> String {
    let now = session_core::Time::from(SystemTime::now()).as_millis();
    format!("1, {number}, {now}, {now}, {now} + 100000000 + {number} * 7919 % 1000000000, NULL")
}

/// From `secret` to `data`.
fn blobs(like: &Record, before: &str, after: &str) -> String {
    let secret = like.secret.as_ref().map_or(&[][..], |secret| secret.as_bytes());
    let blobs = [secret, &like.details.encode(), &like.data].map(|blob| {
        let hex: String = blob.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{before}{hex}{after}")
    });
    blobs.join(", ")
}
