//! What is said to SQLite.

use crate::sql::{Dialect, Places, Shape};
use crate::table::TableName;

/// The table and its indexes, one statement each, every one of which does nothing where what it makes is there.
///
/// A table with row ids: `WITHOUT ROWID` keeps whole rows in the tree of the keys. Among 100,000 sessions that made an insert two
/// thirds slower, and an update by a third with 150 bytes of data each, twice as slow with 2,000.
pub(super) fn schema(name: &TableName) -> String {
    let table = name.quoted('"');
    // Of an index the schema stands before its own name, and not before the table's.
    let index = table.trim_end_matches('"');
    let of = name.table();
    format!(
        r#"CREATE TABLE IF NOT EXISTS {table} (
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
CREATE INDEX IF NOT EXISTS {index}_expires_at" ON "{of}" (expires_at);
CREATE INDEX IF NOT EXISTS {index}_account" ON "{of}" (account, session_key) WHERE account IS NOT NULL;
"#
    )
}

pub(crate) fn dialect(name: &TableName, shape: Shape) -> Dialect {
    let table = name.quoted('"');
    let expired = shape.has_expired();
    Dialect {
        insert: shape.upsert(&table, &format!("\"{}\"", name.table())),
        shape,
        other_key: "session_key IS NOT ?",
        purge: format!(
            "DELETE FROM {table} WHERE session_key IN (SELECT session_key FROM {table} WHERE {expired} LIMIT ?)"
        ),
        places: Places::Marked,
        table,
    }
}

#[cfg(test)]
mod tests {
    use sqlx::sqlite::SqliteConnectOptions;
    use sqlx::{AssertSqlSafe, ConnectOptions, Row};

    use super::*;
    use crate::row::Native;
    use crate::sql::Sql;

    /// "SEARCH … USING INDEX" and nothing that scans or sorts: the cost of a verb does not grow with the table.
    #[tokio::test]
    async fn every_statement_finds_its_rows_by_an_index() {
        let table = TableName::default();
        let mut database = SqliteConnectOptions::new().connect().await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(schema(&table))).execute(&mut database).await.unwrap();
        let sql = Sql::new(dialect(&table, Native::shape()));
        let accounts = sql.accounts.as_ref().unwrap();
        let by_key = "SEARCH sessions USING INDEX sqlite_autoindex_sessions_1 (session_key";
        let by_account = "SEARCH sessions USING INDEX sessions_account (account=?";
        for (statement, plan) in [
            (&sql.load, by_key),
            (&sql.head, by_key),
            (&sql.replace, by_key),
            (&sql.replace_and_move, by_key),
            (&sql.touch, by_key),
            (&sql.remove_one, by_key),
            (&accounts.remove_presented, by_key),
            (&accounts.remove_account, by_account),
            (&sql.page_all, by_key),
            (&accounts.page_account, by_account),
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
