//! What is said to every engine, of every kind of table.

use std::sync::Arc;

use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

/// What a kind of table calls its columns, for one engine. A value stands as a question mark. The key is `session_key`
/// everywhere.
pub(crate) struct Shape {
    /// What is read.
    pub(crate) select: String,
    /// What of that is a record's head.
    pub(crate) head: String,
    /// All columns but the key, and each one's place.
    pub(crate) columns: Vec<(&'static str, String)>,
    /// The column of the deadline.
    pub(crate) deadline: &'static str,
    /// The place of a moment that is compared with a deadline.
    pub(crate) moment: String,
    /// Whether a row is still what was read.
    pub(crate) unchanged: String,
    /// What a touch sets.
    pub(crate) touched: String,
    /// Whether there are accounts and secrets.
    pub(crate) accounts: bool,
}

/// What one engine says otherwise than the others.
pub(crate) struct Dialect {
    /// The table, quoted.
    pub(crate) table: String,
    pub(crate) shape: Shape,
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
    pub(crate) head: SqlStr,
    /// Leaves the key alone: to write it again, even the same, would move its entry in the index.
    pub(crate) replace: SqlStr,
    pub(crate) replace_and_move: SqlStr,
    pub(crate) touch: SqlStr,
    pub(crate) remove_one: SqlStr,
    pub(crate) page_all: SqlStr,
    pub(crate) purge: SqlStr,
    pub(crate) ping: SqlStr,
    /// Where there are accounts and secrets.
    pub(crate) accounts: Option<Accounts>,
}

/// What is asked by account or secret.
#[derive(Debug)]
pub(crate) struct Accounts {
    pub(crate) remove_presented: SqlStr,
    pub(crate) remove_account: SqlStr,
    pub(crate) page_account: SqlStr,
}

impl Sql {
    pub(crate) fn new(dialect: Dialect) -> Self {
        let Dialect { table, shape, insert, other_key, purge, places } = dialect;
        // The name is made of words of letters, digits and underscores, and everything else is written here.
        let sql = |text: String| AssertSqlSafe(Arc::<str>::from(placed(text, places))).into_sql_str();
        let (record, is_live) = (shape.record(), shape.is_live());
        let Shape { select, head, unchanged, touched, accounts, .. } = shape;
        let unchanged = format!("{unchanged} AND {is_live}");
        let in_order = format!("session_key > ? AND {is_live} ORDER BY session_key LIMIT ?");
        Self {
            insert: insert.map(sql),
            load: sql(format!("SELECT {select} FROM {table} WHERE session_key = ? AND {is_live}")),
            head: sql(format!("SELECT {head} FROM {table} WHERE session_key = ? AND {is_live}")),
            replace: sql(format!("UPDATE {table} SET {record} WHERE session_key = ? AND {unchanged}")),
            replace_and_move: sql(format!(
                "UPDATE {table} SET {record}, session_key = ? WHERE session_key = ? AND {unchanged}"
            )),
            touch: sql(format!("UPDATE {table} SET {touched} WHERE session_key = ? AND {unchanged}")),
            remove_one: sql(format!("DELETE FROM {table} WHERE session_key = ? AND {is_live}")),
            page_all: sql(format!("SELECT {select} FROM {table} WHERE {in_order}")),
            purge: sql(purge),
            // Nobody has this key: what is asked is whether the table is there, with its columns.
            ping: sql(format!("SELECT {select} FROM {table} WHERE session_key = ''")),
            accounts: accounts.then(|| Accounts {
                remove_presented: sql(format!(
                    "DELETE FROM {table} WHERE session_key = ? AND secret = ? AND {is_live}"
                )),
                remove_account: sql(format!(
                    "DELETE FROM {table} WHERE account = ? AND {other_key} AND {is_live}"
                )),
                page_account: sql(format!("SELECT {select} FROM {table} WHERE account = ? AND {in_order}")),
            }),
        }
    }
}

impl Shape {
    fn is_live(&self) -> String {
        format!("{} > {}", self.deadline, self.moment)
    }

    /// That a row has expired. Value: now.
    pub(crate) fn has_expired(&self) -> String {
        format!("{} <= {}", self.deadline, self.moment)
    }

    /// All columns but the key, in an UPDATE.
    fn record(&self) -> String {
        let set: Vec<_> = self.columns.iter().map(|(name, place)| format!("{name} = {place}")).collect();
        set.join(", ")
    }

    fn plain_insert(&self, table: &str) -> String {
        let (names, places): (Vec<_>, Vec<_>) =
            self.columns.iter().map(|(name, place)| (*name, place.as_str())).unzip();
        format!("INSERT INTO {table} ({}, session_key) VALUES ({}, ?)", names.join(", "), places.join(", "))
    }

    /// An INSERT into this table, where a row's own columns are called by its unquoted name, that replaces an expired row.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(crate) fn upsert(&self, table: &str, row: &str) -> Insert<String> {
        let set: Vec<_> = self.columns.iter().map(|(name, _)| format!("{name} = excluded.{name}")).collect();
        Insert::Upsert(format!(
            "{} ON CONFLICT (session_key) DO UPDATE SET {} WHERE {row}.{}",
            self.plain_insert(table),
            set.join(", "),
            self.has_expired()
        ))
    }

    /// An INSERT into this table, and the replacing of an expired row.
    #[cfg(feature = "mysql")]
    pub(crate) fn insert_then_replace(&self, table: &str) -> Insert<String> {
        let expired =
            format!("UPDATE {table} SET {} WHERE session_key = ? AND {}", self.record(), self.has_expired());
        Insert::ThenReplace { insert: self.plain_insert(table), expired }
    }
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
