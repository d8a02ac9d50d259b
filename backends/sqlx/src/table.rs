//! The name of the table.

use std::fmt;
use std::str::FromStr;

/// PostgreSQL cuts a name after 63 bytes without a word: this leaves room for what an index adds to the table's.
const MAX_LENGTH: usize = 48;
/// Of a schema nothing more is made; PostgreSQL's limit is the shortest.
const MAX_SCHEMA_LENGTH: usize = 63;

/// The name of the table that holds the sessions: 1 to 48 characters of `a-z`, `A-Z`, `0-9` and `_`, the first no digit, and not
/// beginning with `sqlite_`, which SQLite keeps to itself. `sessions` by default.
///
/// Before it may stand where the table is, and a dot: PostgreSQL's schema, MySQL's database, SQLite's attached database. That is
/// such a word too, of up to 63 characters, and must be there. Without it, the connection's own settings say where.
///
/// A table's name cannot be a parameter of a statement; so nothing gets in that could be anything but a name, and it is quoted
/// all the same, so that `order` and `user` are names like any other, and `Sessions` is not `sessions` in PostgreSQL.
///
/// ```
/// use session_sqlx::TableName;
///
/// assert_eq!(TableName::default().as_str(), "sessions");
/// let name: TableName = "shop.sessions".parse()?;
/// assert_eq!((name.schema(), name.table()), (Some("shop"), "sessions"));
/// assert!("sessions; DROP TABLE users".parse::<TableName>().is_err());
/// # Ok::<(), session_sqlx::InvalidTableName>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TableName(String);

impl TableName {
    #[cfg(feature = "django")]
    pub(crate) fn of_django() -> Self {
        Self("django_session".to_owned())
    }

    /// The characters, with the schema's.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Where the table is, where that was said.
    pub fn schema(&self) -> Option<&str> {
        self.0.split_once('.').map(|(schema, _)| schema)
    }

    /// The table's own name.
    pub fn table(&self) -> &str {
        self.0.split_once('.').map_or(&self.0, |(_, table)| table)
    }

    /// For a statement. A name has no quotation mark in it that could end one.
    pub(crate) fn quoted(&self, mark: char) -> String {
        let schema = self.schema().map_or_else(String::new, |schema| format!("{mark}{schema}{mark}."));
        format!("{schema}{mark}{}{mark}", self.table())
    }
}

impl Default for TableName {
    fn default() -> Self {
        Self("sessions".to_owned())
    }
}

impl FromStr for TableName {
    type Err = InvalidTableName;

    fn from_str(name: &str) -> Result<Self, InvalidTableName> {
        let (schema, table) =
            name.split_once('.').map_or((None, name), |(schema, table)| (Some(schema), table));
        let is_name = is_word(table, MAX_LENGTH)
            && !table.to_ascii_lowercase().starts_with("sqlite_")
            && schema.is_none_or(|schema| is_word(schema, MAX_SCHEMA_LENGTH));
        if is_name { Ok(Self(name.to_owned())) } else { Err(InvalidTableName(name.to_owned())) }
    }
}

fn is_word(text: &str, max_length: usize) -> bool {
    text.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_')
        && text.bytes().next().is_some_and(|first| !first.is_ascii_digit())
        && text.len() <= max_length
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is no name for a table; see [`TableName`] for what is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{}` is no name for a table: use 1 to 48 characters of a-z, A-Z, 0-9 and _, the first no digit, not beginning with sqlite_; \
     and before it, where it has one, a schema of such characters and a dot",
    .0.escape_debug()
)]
pub struct InvalidTableName(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_word_and_nothing_else() {
        let longest = format!("{}.{}", "s".repeat(MAX_SCHEMA_LENGTH), "x".repeat(MAX_LENGTH));
        for good in ["s", "_", "Sessions", "shop_sessions_2", "order", "shop.sessions", &longest] {
            assert_eq!(good.parse::<TableName>().unwrap().to_string(), good);
        }
        let too_long = "x".repeat(MAX_LENGTH + 1);
        let too_long_schema = format!("{}.s", "x".repeat(MAX_SCHEMA_LENGTH + 1));
        for bad in [
            "",
            "2fast",
            "a b",
            "a-b",
            "a\"b",
            "a`b",
            "a;--",
            "séance",
            "a\0",
            "sqlite_x",
            "SQLite_x",
            ".",
            ".a",
            "a.",
            "a.b.c",
            "a.sqlite_x",
            "2.a",
            "\"a\".b",
            &too_long,
            &too_long_schema,
        ] {
            let error = bad.parse::<TableName>().unwrap_err();
            assert_eq!(error, InvalidTableName(bad.to_owned()), "{bad}");
        }
    }

    #[test]
    fn each_part_of_a_name_is_quoted() {
        assert_eq!(TableName::default().quoted('"'), "\"sessions\"");
        assert_eq!("shop.order".parse::<TableName>().unwrap().quoted('`'), "`shop`.`order`");
    }

    #[test]
    fn the_error_cannot_break_a_log_line() {
        let error = "a\nb".parse::<TableName>().unwrap_err();
        assert!(!error.to_string().contains('\n'));
    }
}
