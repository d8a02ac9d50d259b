//! What is said to SQLite.

use std::sync::Arc;

use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

use crate::row::COLUMNS;
use crate::table::TableName;

/// The table and its indexes, one statement each, every one of which does nothing where what it makes is there.
///
/// A table with row ids: `WITHOUT ROWID` keeps whole rows in the tree of the keys. Among 100,000 sessions that made an insert two
/// thirds slower, and an update by a third with 150 bytes of data each, twice as slow with 2,000.
pub(super) fn schema(table: &TableName) -> String {
    format!(
        r#"CREATE TABLE IF NOT EXISTS "{table}" (
    session_key TEXT PRIMARY KEY NOT NULL,
    seq INTEGER NOT NULL,
    nonce INTEGER NOT NULL,
    created_at INTEGER NOT NULL, -- this and the next two: milliseconds since 1970
    last_active INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    account TEXT,
    secret BLOB,
    details BLOB NOT NULL,
    data BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS "{table}_expires_at" ON "{table}" (expires_at);
CREATE INDEX IF NOT EXISTS "{table}_account" ON "{table}" (account, session_key) WHERE account IS NOT NULL;
"#
    )
}

/// The statement of each verb. Values are bound in the order of the question marks.
#[derive(Debug)]
pub(super) struct Sql {
    pub(super) insert: SqlStr,
    pub(super) load: SqlStr,
    /// Leaves the key alone: to write it again, even the same, would move its entry in the index.
    pub(super) replace: SqlStr,
    pub(super) replace_and_move: SqlStr,
    pub(super) touch: SqlStr,
    pub(super) remove_one: SqlStr,
    pub(super) remove_presented: SqlStr,
    pub(super) remove_account: SqlStr,
    pub(super) page_all: SqlStr,
    pub(super) page_account: SqlStr,
    pub(super) purge: SqlStr,
    pub(super) ping: SqlStr,
}

impl Sql {
    pub(super) fn new(table: &TableName) -> Self {
        // The name is a word of letters, digits and underscores, and everything else is written here.
        let sql = |text: String| AssertSqlSafe(Arc::<str>::from(text)).into_sql_str();
        let record = "seq = ?, nonce = ?, created_at = ?, last_active = ?, expires_at = ?, account = ?, secret = ?, \
                      details = ?, data = ?";
        let unchanged = "seq = ? AND nonce = ? AND expires_at > ?";
        let in_order = "session_key > ? AND expires_at > ? ORDER BY session_key LIMIT ?";
        Self {
            insert: sql(format!(
                r#"INSERT INTO "{table}" ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (session_key) DO UPDATE SET seq = excluded.seq, nonce = excluded.nonce,
                created_at = excluded.created_at, last_active = excluded.last_active,
                expires_at = excluded.expires_at, account = excluded.account, secret = excluded.secret,
                details = excluded.details, data = excluded.data WHERE "{table}".expires_at <= ?"#
            )),
            load: sql(format!(r#"SELECT {COLUMNS} FROM "{table}" WHERE session_key = ? AND expires_at > ?"#)),
            replace: sql(format!(r#"UPDATE "{table}" SET {record} WHERE session_key = ? AND {unchanged}"#)),
            replace_and_move: sql(format!(
                r#"UPDATE "{table}" SET {record}, session_key = ? WHERE session_key = ? AND {unchanged}"#
            )),
            touch: sql(format!(
                r#"UPDATE "{table}" SET expires_at = ?, last_active = ? WHERE session_key = ? AND {unchanged}"#
            )),
            remove_one: sql(format!(r#"DELETE FROM "{table}" WHERE session_key = ? AND expires_at > ?"#)),
            remove_presented: sql(format!(
                r#"DELETE FROM "{table}" WHERE session_key = ? AND secret = ? AND expires_at > ?"#
            )),
            remove_account: sql(format!(
                r#"DELETE FROM "{table}" WHERE account = ? AND session_key IS NOT ? AND expires_at > ?"#
            )),
            page_all: sql(format!(r#"SELECT {COLUMNS} FROM "{table}" WHERE {in_order}"#)),
            page_account: sql(format!(r#"SELECT {COLUMNS} FROM "{table}" WHERE account = ? AND {in_order}"#)),
            purge: sql(format!(
                r#"DELETE FROM "{table}" WHERE session_key IN
                (SELECT session_key FROM "{table}" WHERE expires_at <= ? LIMIT ?)"#
            )),
            // Nobody has this key: what is asked is whether the table is there, with its columns.
            ping: sql(format!(r#"SELECT {COLUMNS} FROM "{table}" WHERE session_key = ''"#)),
        }
    }
}

#[cfg(test)]
mod tests {
    use sqlx::sqlite::SqliteConnectOptions;
    use sqlx::{ConnectOptions, Row};

    use super::*;

    /// "SEARCH … USING INDEX" and nothing that scans or sorts: the cost of a verb does not grow with the table.
    #[tokio::test]
    async fn every_statement_finds_its_rows_by_an_index() {
        let table = TableName::default();
        let mut database = SqliteConnectOptions::new().connect().await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(schema(&table))).execute(&mut database).await.unwrap();
        let sql = Sql::new(&table);
        let by_key = "SEARCH sessions USING INDEX sqlite_autoindex_sessions_1 (session_key";
        let by_account = "SEARCH sessions USING INDEX sessions_account (account=?";
        for (statement, plan) in [
            (&sql.load, by_key),
            (&sql.replace, by_key),
            (&sql.replace_and_move, by_key),
            (&sql.touch, by_key),
            (&sql.remove_one, by_key),
            (&sql.remove_presented, by_key),
            (&sql.remove_account, by_account),
            (&sql.page_all, by_key),
            (&sql.page_account, by_account),
            (&sql.purge, "SEARCH sessions USING COVERING INDEX sqlite_autoindex_sessions_1 (session_key"),
        ] {
            let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {}", statement.as_str()));
            let steps = sqlx::raw_sql(explain).fetch_all(&mut database).await.unwrap();
            let steps: Vec<String> = steps.iter().map(|step| step.get("detail")).collect();
            assert!(steps[0].starts_with(plan), "{}: {steps:?}", statement.as_str());
            assert!(!steps.iter().any(|s| s.contains("SCAN") || s.contains("TEMP B-TREE")), "{steps:?}");
        }
    }
}
