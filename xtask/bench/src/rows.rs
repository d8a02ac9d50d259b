//! Many rows at once for the table `sessions`: not by requests, but as the database takes them fastest.

use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};

use crate::Outcome;

const COLUMNS: &str =
    "session_key, seq, nonce, created_at, last_active, expires_at, account, secret, details, data";

/// A database that makes its rows itself.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sql {
    Sqlite,
    Postgres,
}

impl Sql {
    /// That of a store's URL.
    pub(crate) fn of(url: &str) -> Option<Self> {
        if url.starts_with("sqlite:") {
            Some(Self::Sqlite)
        } else if url.starts_with("postgres") {
            Some(Self::Postgres)
        } else {
            None
        }
    }

    pub(crate) fn blob(self, bytes: &[u8]) -> String {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        match self {
            Self::Sqlite => format!("x'{hex}'"),
            Self::Postgres => format!(r"'\x{hex}'::bytea"),
        }
    }

    /// Adds so many rows. The values are SQL, from `seq` to `data`, in which `n` is the number of the row, from 1.
    pub(crate) async fn add(self, url: &str, rows: usize, values: &str) -> Outcome {
        match self {
            Self::Sqlite => {
                let mut database = SqliteConnection::connect(url).await?;
                let sql = format!(
                    "WITH RECURSIVE rows(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM rows WHERE n < {rows})
                    INSERT INTO sessions ({COLUMNS}) SELECT lower(hex(randomblob(12))), {values} FROM rows;
                    PRAGMA wal_checkpoint(TRUNCATE)"
                );
                sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut database).await?;
            }
            Self::Postgres => {
                let mut database = PgConnection::connect(url).await?;
                let insert = format!(
                    "INSERT INTO sessions ({COLUMNS}) SELECT md5(random()::text || n), {values}
                    FROM generate_series(1::bigint, {rows}) AS n"
                );
                // Each alone: what is behind it then is not measured.
                for sql in [insert.as_str(), "VACUUM ANALYZE sessions", "CHECKPOINT"] {
                    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut database).await?;
                }
            }
        }
        Ok(())
    }

    /// Removes all rows.
    pub(crate) async fn empty(self, url: &str) -> Outcome {
        match self {
            Self::Sqlite => {
                let mut database = SqliteConnection::connect(url).await?;
                sqlx::raw_sql("DELETE FROM sessions").execute(&mut database).await?;
            }
            Self::Postgres => {
                let mut database = PgConnection::connect(url).await?;
                sqlx::raw_sql("TRUNCATE sessions").execute(&mut database).await?;
            }
        }
        Ok(())
    }
}
