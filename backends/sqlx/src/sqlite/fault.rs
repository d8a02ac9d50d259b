//! What SQLite's result codes mean: <https://www.sqlite.org/rescode.html>.

use sqlx::error::DatabaseError;

use crate::error::Error;
use crate::table::TableName;

/// Reads an error of a statement on this table.
pub(super) fn read(error: sqlx::Error, table: &TableName) -> Error {
    match &error {
        sqlx::Error::Database(of_sqlite) => match Fault::of(of_sqlite.as_ref()) {
            Fault::Passing => Error::Unavailable(error),
            Fault::KeyTaken => Error::KeyTaken(error),
            Fault::NoTable => Error::NoTable { table: table.clone(), source: error },
            Fault::OtherTable => Error::OtherTable { table: table.clone(), source: error },
            Fault::NoAccess => Error::NoAccess(error),
            Fault::NotADatabase => Error::NotADatabase(error),
            Fault::Full => Error::Full(error),
        },
        // Of a file's name that is not UTF-8, or has a NUL in it: SQLite itself reports what its files do.
        sqlx::Error::Io(_) => Error::NoAccess(error),
        sqlx::Error::Configuration(reason) => Error::Address(reason.to_string()),
        _ => Error::Unavailable(error),
    }
}

/// Somebody else is writing.
pub(super) fn is_busy(error: &dyn DatabaseError) -> bool {
    code(error) == BUSY
}

enum Fault {
    /// Busy, interrupted, out of memory, a disk that does not answer.
    Passing,
    KeyTaken,
    NoTable,
    OtherTable,
    NoAccess,
    NotADatabase,
    Full,
}

impl Fault {
    fn of(error: &dyn DatabaseError) -> Self {
        match code(error) {
            ERROR if error.message().starts_with("no such table") => Self::NoTable,
            CONSTRAINT if error.is_unique_violation() => Self::KeyTaken,
            // The statements are fixed: what is wrong with one is what it finds.
            ERROR | SCHEMA | MISMATCH | CONSTRAINT => Self::OtherTable,
            PERM | READONLY | CANTOPEN | AUTH => Self::NoAccess,
            CORRUPT | NOTADB => Self::NotADatabase,
            FULL | TOOBIG => Self::Full,
            _ => Self::Passing,
        }
    }
}

/// The low byte of the code; what is above it says more than anybody does something about.
fn code(error: &dyn DatabaseError) -> i32 {
    error.code().and_then(|code| code.parse::<i32>().ok()).unwrap_or_default() & 0xff
}

const ERROR: i32 = 1;
const PERM: i32 = 3;
const BUSY: i32 = 5;
const READONLY: i32 = 8;
const CORRUPT: i32 = 11;
const FULL: i32 = 13;
const CANTOPEN: i32 = 14;
const SCHEMA: i32 = 17;
const TOOBIG: i32 = 18;
const CONSTRAINT: i32 = 19;
const MISMATCH: i32 = 20;
const AUTH: i32 = 23;
const NOTADB: i32 = 26;
