//! The name of the table.

use std::fmt;
use std::str::FromStr;

/// PostgreSQL cuts a name after 63 bytes without a word: this leaves room for what an index adds to the table's.
const MAX_LENGTH: usize = 48;

/// The name of the table that holds the sessions: 1 to 48 characters of `a-z`, `A-Z`, `0-9` and `_`, the first no digit, and not
/// beginning with `sqlite_`, which SQLite keeps to itself. `sessions` by default.
///
/// A table's name cannot be a parameter of a statement; so nothing gets in that could be anything but a name, and it is quoted
/// all the same, so that `order` and `user` are names like any other.
///
/// ```
/// use session_sqlx::TableName;
///
/// assert_eq!(TableName::default().as_str(), "sessions");
/// assert!("shop_sessions".parse::<TableName>().is_ok());
/// assert!("sessions; DROP TABLE users".parse::<TableName>().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TableName(String);

impl TableName {
    /// The characters.
    pub fn as_str(&self) -> &str {
        &self.0
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
        let is_name = name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_')
            && name.bytes().next().is_some_and(|first| !first.is_ascii_digit())
            && name.len() <= MAX_LENGTH
            && !name.to_ascii_lowercase().starts_with("sqlite_");
        if is_name { Ok(Self(name.to_owned())) } else { Err(InvalidTableName(name.to_owned())) }
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is no name for a table; see [`TableName`] for what is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{}` is no name for a table: use 1 to 48 characters of a-z, A-Z, 0-9 and _, the first no digit, not beginning with sqlite_",
    .0.escape_debug()
)]
pub struct InvalidTableName(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_word_and_nothing_else() {
        for good in ["s", "_", "Sessions", "shop_sessions_2", "order", &"x".repeat(MAX_LENGTH)] {
            assert_eq!(good.parse::<TableName>().unwrap().to_string(), good);
        }
        let too_long = "x".repeat(MAX_LENGTH + 1);
        for bad in [
            "", "2fast", "a b", "a-b", "a.b", "a\"b", "a;--", "séance", "a\0", "sqlite_x", "SQLite_x",
            &too_long,
        ] {
            let error = bad.parse::<TableName>().unwrap_err();
            assert_eq!(error, InvalidTableName(bad.to_owned()), "{bad}");
        }
    }

    #[test]
    fn the_error_cannot_break_a_log_line() {
        let error = "a\nb".parse::<TableName>().unwrap_err();
        assert!(!error.to_string().contains('\n'));
    }
}
