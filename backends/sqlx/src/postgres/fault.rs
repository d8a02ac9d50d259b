//! What PostgreSQL's codes mean: <https://www.postgresql.org/docs/current/errcodes-appendix.html>.

use crate::error::{Failure, Fault, Said, is_of_encryption};

pub(super) fn read(error: sqlx::Error) -> Failure {
    match error {
        sqlx::Error::Database(of_postgres) => {
            let code = of_postgres.code().unwrap_or_default().into_owned();
            let message = of_postgres.message().to_owned();
            Failure::new(fault(&code, &message), Said { code, message })
        }
        sqlx::Error::Io(reason) if is_of_encryption(&reason) => Failure::new(Fault::Encryption, reason),
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) => Failure::new(Fault::Lost, error),
        sqlx::Error::Configuration(reason) => Failure::in_address(&*reason),
        sqlx::Error::Tls(reason) => Failure::new(Fault::Encryption, reason),
        _ => Failure::new(Fault::Passing, error),
    }
}

fn fault(code: &str, message: &str) -> Fault {
    match code {
        // Shut down, crashed, idle for longer than the server likes; and a prepared statement that no longer fits a table that was
        // altered, or that a pooler has lost: a new connection prepares it anew.
        "57P01" | "57P02" | "57P05" | "0A000" | "26000" => Fault::Lost,
        "25006" => Fault::ReadsOnly,
        // A serialization failure, where the database's default is stricter than READ COMMITTED; a deadlock.
        "40001" | "40P01" => Fault::Undone,
        "23505" => Fault::KeyTaken,
        "42P01" => Fault::NoTable,
        "3F000" => Fault::NoSchema,
        "3D000" => Fault::NoDatabase,
        "42501" => Fault::NoPrivilege,
        "53100" => Fault::Full,
        "54000" => Fault::TooLarge,
        "XX001" | "XX002" => Fault::NotADatabase,
        _ => match code.get(..2) {
            Some("08") => Fault::Lost,
            // What `pg_hba.conf` has no line for: who, from where, to which database, and encrypted or not.
            Some("28") if message.contains("no encryption") => Fault::Encryption,
            Some("28") => Fault::Credentials,
            // The statements are fixed: what is wrong with one, or with a value in it, is what it finds.
            Some("42" | "22" | "23") => Fault::OtherTable,
            // A lock, a timeout, too many connections, out of memory, starting up.
            _ => Fault::Passing,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_not_let_in_learns_whether_it_is_for_want_of_encryption() {
        let of = |end| {
            fault(
                "28000",
                &format!(
                    "no pg_hba.conf entry for host \"10.0.0.7\", user \"shop\", database \"shop\", {end}"
                ),
            )
        };
        assert_eq!(of("no encryption"), Fault::Encryption);
        assert_eq!(of("SSL encryption"), Fault::Credentials);
    }
}
