//! What is said to MySQL and MariaDB.

use crate::sql::{Dialect, Places, Shape};
use crate::table::TableName;

/// The longest account, in bytes. An index takes 3,072 in all.
pub(super) const MAX_ACCOUNT: usize = 1024;

/// The table with its indexes: one statement, of which the server does not run two at once.
///
/// Keys are compared and ordered by their bytes (`ascii_bin`): the server's own collation would take `A` for `a`. `utf8mb4_bin`
/// would not do for accounts, for it ignores spaces at the end, and the collation that does not is called differently by the two.
pub(super) fn schema(name: &TableName) -> String {
    let table = name.quoted('`');
    format!(
        "CREATE TABLE IF NOT EXISTS {table} (
    session_key varchar(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    seq bigint NOT NULL,
    nonce bigint NOT NULL,
    created_at bigint NOT NULL, -- this and the next two: milliseconds since 1970
    last_active bigint NOT NULL,
    expires_at bigint NOT NULL,
    account varbinary({MAX_ACCOUNT}), -- UTF-8
    secret varbinary(32),
    details longblob NOT NULL,
    data longblob NOT NULL,
    KEY expires_at (expires_at),
    KEY account (account, session_key)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC;
"
    )
}

pub(crate) fn dialect(name: &TableName, shape: Shape) -> Dialect {
    let table = name.quoted('`');
    let (expired, deadline) = (shape.has_expired(), shape.deadline);
    Dialect {
        insert: shape.insert_then_replace(&table),
        shape,
        other_key: "NOT (session_key <=> ?)",
        // The order makes a replica that runs the statement remove the same rows.
        purge: format!("DELETE FROM {table} WHERE {expired} ORDER BY {deadline}, session_key LIMIT ?"),
        places: Places::Marked,
        table,
    }
}

#[cfg(test)]
mod tests {
    use session_core::testing::server;
    use sqlx::{AssertSqlSafe, Connection, MySqlConnection, Row};

    use super::*;
    use crate::row::Native;
    use crate::sql::Sql;

    /// An index for each, and nothing that scans or sorts: the cost of a verb does not grow with the table.
    #[tokio::test]
    async fn every_statement_finds_its_rows_by_an_index() {
        let Some(url) = server("mysql") else { return };
        let mut database = MySqlConnection::connect(&url).await.unwrap();
        // Nobody else sees the table.
        let table: TableName = "plans".parse().unwrap();
        let rows: Vec<String> =
            (0..200).map(|n| format!("({n}, 0, 0, 0, {n}, '{}', '', '', '', 'key{n:05}')", n / 4)).collect();
        let fill = format!("INSERT INTO plans ({}) VALUES {}", Native::shape().select, rows.join(", "));
        for sql in [schema(&table).replace("CREATE TABLE", "CREATE TEMPORARY TABLE"), fill] {
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut database).await.unwrap();
        }
        let sql = Sql::new(dialect(&table, Native::shape()));
        let accounts = sql.accounts.as_ref().unwrap();
        for (statement, index) in [
            (&sql.load, "PRIMARY"),
            (&sql.head, "PRIMARY"),
            (&sql.replace, "PRIMARY"),
            (&sql.replace_and_move, "PRIMARY"),
            (&sql.touch, "PRIMARY"),
            (&sql.remove_one, "PRIMARY"),
            (&accounts.remove_presented, "PRIMARY"),
            (&accounts.remove_account, "account"),
            (&sql.page_all, "PRIMARY"),
            (&accounts.page_account, "account"),
            (&sql.purge, "expires_at"),
        ] {
            let text = statement.as_str().replace("LIMIT ?", "LIMIT 5");
            // A row that is there: the plan of what finds nothing is not to look.
            let text = text.replace("session_key = ?", "session_key = 'key00008'");
            let text =
                text.replace("account = ?", "account = '2'").replace("expires_at > ?", "expires_at > 3");
            let text = text.replace("seq = ? AND nonce = ?", "seq = 8 AND nonce = 0").replace('?', "'4'");
            let explain = AssertSqlSafe(format!("EXPLAIN {text}"));
            let steps = sqlx::raw_sql(explain).fetch_all(&mut database).await.unwrap();
            let key: Option<String> = steps[0].get("key");
            let extra: Option<String> = steps[0].get("Extra");
            let kind: Option<String> = steps[0].get("type");
            assert_eq!((steps.len(), key.as_deref()), (1, Some(index)), "{text}: {extra:?}");
            assert!(!matches!(kind.as_deref(), Some("ALL" | "index")), "{text}: {kind:?}");
            assert!(!extra.unwrap_or_default().contains("filesort"), "{text}");
        }
    }
}
