//! Django's table in MySQL and MariaDB.

use crate::django::Words;
use crate::table::TableName;

/// As Django 5.2 creates it, so that it may find it there (`migrate --fake-initial`).
pub(crate) fn schema(name: &TableName) -> String {
    let (table, index) = (name.quoted('`'), name.table());
    format!(
        "CREATE TABLE IF NOT EXISTS {table} (
    `session_key` varchar(40) NOT NULL PRIMARY KEY,
    `session_data` longtext NOT NULL,
    `expire_date` datetime(6) NOT NULL,
    KEY `{index}_expire_date_a5c62663` (`expire_date`)
);
"
    )
}

// A `datetime` has no zone, and Django writes UTC. Texts are compared as bytes: by the table's collation `a` is `A`.
pub(crate) const WORDS: Words = Words {
    moment: "CAST(? AS DATETIME(6))",
    date: "CAST(expire_date AS CHAR)",
    same_text: "CAST(session_data AS BINARY) = CAST(? AS BINARY)",
};
