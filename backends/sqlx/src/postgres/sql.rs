//! What is said to PostgreSQL.

use crate::sql::{Dialect, Places, Shape};
use crate::table::TableName;

/// Whoever creates a table of sessions holds the advisory lock of this number, which reads "sessions" in ASCII.
const LOCK: i64 = i64::from_be_bytes(*b"sessions");

/// The table and its indexes, one statement each, every one of which does nothing where what it makes is there.
///
/// Keys are ordered by their bytes (`"C"`), whatever the database's language: so pages of a listing follow the index, and no new
/// version of the operating system's collations damages it.
pub(super) fn schema(name: &TableName) -> String {
    let (table, index) = (name.quoted('"'), name.table());
    format!(
        r#"CREATE TABLE IF NOT EXISTS {table} (
    session_key text COLLATE "C" PRIMARY KEY,
    seq bigint NOT NULL,
    nonce bigint NOT NULL,
    created_at bigint NOT NULL, -- this and the next two: milliseconds since 1970
    last_active bigint NOT NULL,
    expires_at bigint NOT NULL,
    account bytea, -- UTF-8
    secret bytea,
    details bytea NOT NULL,
    data bytea NOT NULL
);
CREATE INDEX IF NOT EXISTS "{index}_expires_at" ON {table} (expires_at);
CREATE INDEX IF NOT EXISTS "{index}_account" ON {table} (account, session_key) WHERE account IS NOT NULL;
"#
    )
}

/// What creates a table, in one transaction, alone: of two that do it at once, PostgreSQL fails one with a duplicate of its own
/// catalogue's.
pub(super) fn alone(schema: &str) -> String {
    // Statements that are sent together are one transaction, to whose end the lock is held.
    format!("SELECT pg_advisory_xact_lock({LOCK});\n{schema}")
}

pub(crate) fn dialect(name: &TableName, shape: Shape) -> Dialect {
    let table = name.quoted('"');
    let expired = shape.has_expired();
    Dialect {
        insert: shape.upsert(&table, &format!("\"{}\"", name.table())),
        shape,
        other_key: "session_key IS DISTINCT FROM ?",
        // An array is made once, so that the limit holds; and what another is purging or renewing is left to that one.
        purge: format!(
            "DELETE FROM {table} WHERE session_key = ANY(ARRAY(SELECT session_key FROM {table} WHERE {expired}
            LIMIT ? FOR UPDATE SKIP LOCKED))"
        ),
        places: Places::Numbered,
        table,
    }
}

#[cfg(test)]
mod tests {
    use session_core::testing::server;
    use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};

    use super::*;
    use crate::row::Native;
    use crate::sql::Sql;

    /// An index for each, and nothing that scans or sorts: the cost of a verb does not grow with the table.
    #[tokio::test]
    async fn every_statement_finds_its_rows_by_an_index() {
        let Some(url) = server("postgres") else { return };
        let mut database = PgConnection::connect(&url).await.unwrap();
        // The planner scans where there is no other way; and nobody else sees the table.
        let table: TableName = "plans".parse().unwrap();
        let settings = "BEGIN; SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off;
            SET LOCAL enable_sort = off; SET LOCAL plan_cache_mode = force_generic_plan;";
        let prepare = AssertSqlSafe(format!("{settings} {}", schema(&table)));
        sqlx::raw_sql(prepare).execute(&mut database).await.unwrap();
        let sql = Sql::new(dialect(&table, Native::shape()));
        let accounts = sql.accounts.as_ref().unwrap();
        let statements = [
            (&sql.load, "plans_pkey"),
            (&sql.head, "plans_pkey"),
            (&sql.replace, "plans_pkey"),
            (&sql.replace_and_move, "plans_pkey"),
            (&sql.touch, "plans_pkey"),
            (&sql.remove_one, "plans_pkey"),
            (&accounts.remove_presented, "plans_pkey"),
            (&accounts.remove_account, "plans_account"),
            (&sql.page_all, "plans_pkey"),
            (&accounts.page_account, "plans_account"),
            (&sql.purge, "plans_expires_at"),
        ];
        for (number, (statement, index)) in statements.into_iter().enumerate() {
            let text = statement.as_str();
            let values = vec!["NULL"; text.matches('$').count()].join(", ");
            let explain = format!("PREPARE p{number} AS {text}; EXPLAIN EXECUTE p{number} ({values})");
            let steps = sqlx::raw_sql(AssertSqlSafe(explain)).fetch_all(&mut database).await.unwrap();
            let plan: Vec<String> = steps.iter().map(|step| step.get(0)).collect();
            let plan = plan.join("\n");
            assert!(plan.contains(&format!("using {index} ")), "{text}: {plan}");
            assert!(!plan.contains("Seq Scan") && !plan.contains("Sort"), "{text}: {plan}");
        }
    }
}
