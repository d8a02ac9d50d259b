//! Many sessions at once, like one that is there.

use std::time::SystemTime;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use session_backends::file::{Durability, FileStore};
use session_core::store::SessionStore as _;
use session_core::{AnyStore, Clock as _, Record, RecordKey, SystemClock, Time};

use crate::Outcome;
use crate::rows::Sql;

/// Inserts at once.
const AT_ONCE: usize = 128;

/// Adds so many sessions like this one, which expire within a fortnight.
pub(super) async fn fill(url: &str, store: &AnyStore, like: &Record, count: usize) -> Outcome {
    if let Some(sql) = Sql::of(url) {
        sql.add(url, count, &values(sql, like)).await?;
    } else if let Some(path) = url.strip_prefix("file:") {
        let hasty = FileStore::open(path)?.with_durability(Durability::Fast);
        one_by_one(&AnyStore::new(hasty), like, count).await?;
    } else {
        one_by_one(store, like, count).await?;
    }
    // Not all of it waited for the disk. The next write that does would wait for the rest too, and the system would be busy with it.
    std::process::Command::new("sync").status()?;
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

/// Deadlines are spread over a time that begins in a day.
fn values(sql: Sql, like: &Record) -> String {
    let now = Time::from(SystemTime::now()).as_millis();
    let secret = like.secret.as_ref().map_or(&[][..], |secret| secret.as_bytes());
    let blobs = [secret, &like.details.encode(), &like.data].map(|blob| sql.blob(blob)).join(", ");
    format!("1, n, {now}, {now}, {now} + 100000000 + n * 7919 % 1000000000, NULL, {blobs}")
}
