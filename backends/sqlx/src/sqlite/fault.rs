//! What SQLite's result codes mean: <https://www.sqlite.org/rescode.html>.

use sqlx::error::DatabaseError;

use crate::error::{Failure, Fault};

pub(super) fn read(error: sqlx::Error) -> Failure {
    match error {
        sqlx::Error::Database(of_sqlite) => Failure::new(fault(of_sqlite.as_ref()), of_sqlite),
        // Of a file's name that is not UTF-8, or has a NUL in it: SQLite itself reports what its files do.
        sqlx::Error::Io(_) => Failure::new(Fault::NoAccess, error),
        sqlx::Error::Configuration(reason) => Failure::new(Fault::Address, reason),
        _ => Failure::new(Fault::Passing, error),
    }
}

/// Somebody else is writing.
pub(super) fn is_busy(error: &dyn DatabaseError) -> bool {
    code(error) == BUSY
}

fn fault(error: &dyn DatabaseError) -> Fault {
    match code(error) {
        ERROR if error.message().starts_with("no such table") => Fault::NoTable,
        CONSTRAINT if error.is_unique_violation() => Fault::KeyTaken,
        // The statements are fixed: what is wrong with one is what it finds.
        ERROR | SCHEMA | MISMATCH | CONSTRAINT => Fault::OtherTable,
        PERM | READONLY | CANTOPEN | AUTH => Fault::NoAccess,
        CORRUPT | NOTADB => Fault::NotADatabase,
        FULL | TOOBIG => Fault::Full,
        // Busy, interrupted, out of memory, a disk that does not answer.
        _ => Fault::Passing,
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
