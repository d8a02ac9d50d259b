//! Django's table in PostgreSQL.

use crate::django::Words;
use crate::table::TableName;

/// As Django 5.2 creates it, so that it may find it there (`migrate --fake-initial`).
pub(crate) fn schema(name: &TableName) -> String {
    let (table, index) = (name.quoted('"'), name.table());
    format!(
        r#"CREATE TABLE IF NOT EXISTS {table} (
    "session_key" varchar(40) NOT NULL PRIMARY KEY,
    "session_data" text NOT NULL,
    "expire_date" timestamp with time zone NOT NULL
);
CREATE INDEX IF NOT EXISTS "{index}_session_key_c0390e0f_like" ON {table} ("session_key" varchar_pattern_ops);
CREATE INDEX IF NOT EXISTS "{index}_expire_date_a5c62663" ON {table} ("expire_date");
"#
    )
}

// The zone is said in both directions: the one of the connection, or of the database, bends nothing.
pub(crate) const WORDS: Words = Words {
    moment: "(CAST(? AS timestamp) AT TIME ZONE 'UTC')",
    date: "to_char(expire_date AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')",
    same_text: "session_data = ?",
};
