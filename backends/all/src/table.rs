//! A table that is named, and created or not.

/// The table of this project's own sessions.
pub(crate) const TABLE: &str = "sessions";

/// A store of session-sqlx, whose table is created where it is absent unless that was not wanted.
macro_rules! connected {
    ($($store:ident)::+, $connect:expr, $url:expr, $table:expr) => {
        match $connect.table($table)? {
            (table, true) => Ok(crate::sqlx::$($store)::+::connect_to_existing($url, table).await?.into()),
            (table, false) => Ok(crate::sqlx::$($store)::+::connect_to_table($url, table).await?.into()),
        }
    };
}
pub(crate) use connected;
