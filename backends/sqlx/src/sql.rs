//! What is said to every engine.

use std::sync::Arc;

use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

use crate::row::COLUMNS;

/// What one engine says otherwise than the others. A value stands as a question mark.
pub(crate) struct Dialect {
    /// The table, quoted.
    pub(crate) table: String,
    pub(crate) insert: Insert<String>,
    /// A condition on the key that a NULL fulfils for every row.
    pub(crate) other_key: &'static str,
    /// Values: now, and how many.
    pub(crate) purge: String,
    /// How the engine writes a value's place.
    pub(crate) places: Places,
}

/// How a value's place is written.
#[derive(Clone, Copy)]
#[cfg_attr(
    not(all(feature = "postgres", any(feature = "sqlite", feature = "mysql"))),
    allow(dead_code, reason = "an engine has one of them")
)]
pub(crate) enum Places {
    /// `?`
    Marked,
    /// `$1`
    Numbered,
}

/// How a record gets to a key that no live record has.
#[derive(Debug)]
pub(crate) enum Insert<S> {
    /// In one statement, which also replaces an expired one. Values: the record, now.
    Upsert(S),
    /// One statement, that of nearly every time, fails where there is a row; another replaces it if it has expired. Each decides
    /// by itself, so that there is one winner, whichever of them it takes. Values: the record; the record, the key, now.
    ThenReplace { insert: S, expired: S },
}

impl<S> Insert<S> {
    fn map<T>(self, f: impl Fn(S) -> T) -> Insert<T> {
        match self {
            Self::Upsert(sql) => Insert::Upsert(f(sql)),
            Self::ThenReplace { insert, expired } => {
                Insert::ThenReplace { insert: f(insert), expired: f(expired) }
            }
        }
    }
}

/// The statement of each verb, with its values in the order of their places.
#[derive(Debug)]
pub(crate) struct Sql {
    pub(crate) insert: Insert<SqlStr>,
    pub(crate) load: SqlStr,
    /// Leaves the key alone: to write it again, even the same, would move its entry in the index.
    pub(crate) replace: SqlStr,
    pub(crate) replace_and_move: SqlStr,
    pub(crate) touch: SqlStr,
    pub(crate) remove_one: SqlStr,
    pub(crate) remove_presented: SqlStr,
    pub(crate) remove_account: SqlStr,
    pub(crate) page_all: SqlStr,
    pub(crate) page_account: SqlStr,
    pub(crate) purge: SqlStr,
    pub(crate) ping: SqlStr,
}

/// All columns but the key, in an UPDATE.
const RECORD: &str = "seq = ?, nonce = ?, created_at = ?, last_active = ?, expires_at = ?, account = ?, secret = ?, \
                      details = ?, data = ?";

impl Sql {
    pub(crate) fn new(dialect: Dialect) -> Self {
        let Dialect { table, insert, other_key, purge, places } = dialect;
        // The name is made of words of letters, digits and underscores, and everything else is written here.
        let sql = |text: String| AssertSqlSafe(Arc::<str>::from(placed(text, places))).into_sql_str();
        let unchanged = "seq = ? AND nonce = ? AND expires_at > ?";
        let in_order = "session_key > ? AND expires_at > ? ORDER BY session_key LIMIT ?";
        Self {
            insert: insert.map(sql),
            load: sql(format!("SELECT {COLUMNS} FROM {table} WHERE session_key = ? AND expires_at > ?")),
            replace: sql(format!("UPDATE {table} SET {RECORD} WHERE session_key = ? AND {unchanged}")),
            replace_and_move: sql(format!(
                "UPDATE {table} SET {RECORD}, session_key = ? WHERE session_key = ? AND {unchanged}"
            )),
            touch: sql(format!(
                "UPDATE {table} SET expires_at = ?, last_active = ? WHERE session_key = ? AND {unchanged}"
            )),
            remove_one: sql(format!("DELETE FROM {table} WHERE session_key = ? AND expires_at > ?")),
            remove_presented: sql(format!(
                "DELETE FROM {table} WHERE session_key = ? AND secret = ? AND expires_at > ?"
            )),
            remove_account: sql(format!(
                "DELETE FROM {table} WHERE account = ? AND {other_key} AND expires_at > ?"
            )),
            page_all: sql(format!("SELECT {COLUMNS} FROM {table} WHERE {in_order}")),
            page_account: sql(format!("SELECT {COLUMNS} FROM {table} WHERE account = ? AND {in_order}")),
            purge: sql(purge),
            // Nobody has this key: what is asked is whether the table is there, with its columns.
            ping: sql(format!("SELECT {COLUMNS} FROM {table} WHERE session_key = ''")),
        }
    }
}

/// An INSERT into this table, where a row's own columns are called by its unquoted name, that replaces an expired row.
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(crate) fn upsert(table: &str, row: &str) -> Insert<String> {
    Insert::Upsert(format!(
        "{} ON CONFLICT (session_key) DO UPDATE SET seq = excluded.seq, nonce = excluded.nonce,
        created_at = excluded.created_at, last_active = excluded.last_active, expires_at = excluded.expires_at,
        account = excluded.account, secret = excluded.secret, details = excluded.details, data = excluded.data
        WHERE {row}.expires_at <= ?",
        plain_insert(table)
    ))
}

/// An INSERT into this table, and the replacing of an expired row.
#[cfg(feature = "mysql")]
pub(crate) fn insert_then_replace(table: &str) -> Insert<String> {
    let expired = format!("UPDATE {table} SET {RECORD} WHERE session_key = ? AND expires_at <= ?");
    Insert::ThenReplace { insert: plain_insert(table), expired }
}

fn plain_insert(table: &str) -> String {
    format!("INSERT INTO {table} ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
}

fn placed(text: String, places: Places) -> String {
    let mut parts = text.split('?');
    match places {
        Places::Marked => text,
        Places::Numbered => {
            let first = parts.next().unwrap_or_default().to_owned();
            parts.zip(1..).fold(first, |text, (part, number)| format!("{text}${number}{part}"))
        }
    }
}
