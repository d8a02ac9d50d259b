//! What the numbers of MySQL and MariaDB mean: <https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html>,
//! <https://mariadb.com/docs/server/reference/error-codes/mariadb-error-code-reference>.

use sqlx::mysql::MySqlDatabaseError;

use crate::error::{Failure, Fault, Said, is_of_encryption};

pub(super) fn read(error: sqlx::Error) -> Failure {
    match error {
        sqlx::Error::Database(of_server) => match of_server.try_downcast_ref::<MySqlDatabaseError>() {
            Some(error) => read_server(error),
            None => Failure::new(Fault::Passing, of_server),
        },
        sqlx::Error::Io(reason) if is_of_encryption(&reason) => Failure::new(Fault::Encryption, reason),
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) => Failure::new(Fault::Lost, error),
        sqlx::Error::Configuration(reason) => Failure::in_address(&*reason),
        sqlx::Error::Tls(reason) => Failure::new(Fault::Encryption, reason),
        _ => Failure::new(Fault::Passing, error),
    }
}

fn read_server(error: &MySqlDatabaseError) -> Failure {
    let class = error.code().and_then(|state| state.get(..2)).unwrap_or_default();
    let fault = fault(error.number(), class, error.message());
    // But for what is wrong with a statement, these are about values, and show them.
    let shows_values =
        matches!(fault, Fault::KeyTaken | Fault::OtherTable | Fault::TooLarge) && class != "42";
    let message = if shows_values { "a value does not fit" } else { error.message() };
    let said = Said { code: error.number().to_string(), message: message.to_owned() };
    Failure::new(fault, said)
}

/// The number of the operating system's error for a full disk, as it stands in messages.
const NO_SPACE: [&str; 2] = ["Errcode: 28", "error 28"];

fn fault(number: u16, class: &str, message: &str) -> Fault {
    match number {
        // Shut down, killed, idle for longer than the server likes, and no part of its cluster; and a prepared statement that a
        // pooler has lost.
        1053 | 1927 | 4031 | 1047 | 1243 => Fault::Lost,
        // Started with --read-only or --super-read-only, in read-only mode, in a read-only transaction.
        1290 | 1836 | 1792 => Fault::ReadsOnly,
        // A deadlock; a row that has changed since the statement began, where MariaDB looks for that; a table that has.
        1213 | 1020 | 1615 => Fault::Undone,
        1062 => Fault::KeyTaken,
        1146 => Fault::NoTable,
        // No database of this name, none chosen, and none that this user may see.
        1049 | 1046 | 1044 => Fault::NoDatabase,
        // A wrong password, none, an expired one, a way of checking it that sqlx does not have, and a host that is not let in.
        1045 | 1698 | 1820 | 1862 | 1251 | 1129 | 1130 => Fault::Credentials,
        // This table, this column, this statement.
        1142 | 1143 | 1227 => Fault::NoPrivilege,
        1021 | 1114 => Fault::Full,
        3 | 1026 | 1030 if NO_SPACE.iter().any(|code| message.contains(code)) => Fault::Full,
        // A packet, and a value.
        1153 | 1406 => Fault::TooLarge,
        // Too many connections of all, of this user, too much of anything, and no memory.
        1040 | 1203 | 1226 | 1041 => Fault::Passing,
        1033 | 1034 | 1035 | 1932 => Fault::NotADatabase,
        _ => match class {
            "08" => Fault::Lost,
            // The statements are fixed: what is wrong with one, or with a value in it, is what it finds.
            "42" | "22" | "23" | "21" => Fault::OtherTable,
            // A column without a default, and a value of another type.
            _ if matches!(number, 1364 | 1366) => Fault::OtherTable,
            // A lock, a timeout.
            _ => Fault::Passing,
        },
    }
}
