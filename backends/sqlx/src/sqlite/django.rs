//! Django's table in SQLite.

use crate::django::Words;
use crate::table::TableName;

/// As Django 5.2 creates it, so that it may find it there (`migrate --fake-initial`).
pub(crate) fn schema(name: &TableName) -> String {
    let table = name.quoted('"');
    let index = table.trim_end_matches('"');
    let of = name.table();
    format!(
        r#"CREATE TABLE IF NOT EXISTS {table} (
    "session_key" varchar(40) NOT NULL PRIMARY KEY,
    "session_data" text NOT NULL,
    "expire_date" datetime NOT NULL
);
CREATE INDEX IF NOT EXISTS {index}_expire_date_a5c62663" ON "{of}" ("expire_date");
"#
    )
}

pub(crate) const WORDS: Words =
    Words { moment: "?", date: "CAST(expire_date AS TEXT)", same_text: "session_data = ?" };
