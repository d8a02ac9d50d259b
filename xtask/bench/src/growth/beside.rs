//! A place beside the one that grows: of the same kind, and always as small.

use session_core::testing::Visitor;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::{timed_read, timed_write};
use crate::times::Times;

const DATABASE: &str = "few_sessions";

/// The URL of an empty place beside this one: another file or folder, another database of the same server.
pub(super) async fn place(url: &str) -> Result<String, Box<dyn std::error::Error>> {
    if url.starts_with("postgres") {
        let mut server = PgConnection::connect(url).await?;
        for sql in [format!("DROP DATABASE IF EXISTS {DATABASE}"), format!("CREATE DATABASE {DATABASE}")] {
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut server).await?;
        }
        let (server, _) = url.rsplit_once('/').ok_or("a PostgreSQL URL names a database")?;
        return Ok(format!("{server}/{DATABASE}"));
    }
    if url.starts_with("redis") {
        return Ok(format!("{url}/1"));
    }
    Ok(url.strip_suffix(".db").map_or_else(|| format!("{url}-few"), |url| format!("{url}-few.db")))
}

/// Reads and writes of these visitors and, in turn with them, of those: of both the times. The first of each is not counted.
pub(super) async fn measure(
    these: &mut [Visitor],
    those: &mut [Visitor],
) -> session_core::Result<([Times; 2], [Times; 2])> {
    let mut times = [const { Vec::new() }; 4];
    for (n, (this, that)) in these.iter_mut().zip(those).enumerate() {
        // Neither always comes second.
        let mut pair = if n % 2 == 0 { [(0, this), (1, that)] } else { [(1, that), (0, this)] };
        for (whose, visitor) in &mut pair {
            times[*whose].push(timed_read(visitor).await?);
        }
        for (whose, visitor) in &mut pair {
            times[2 + *whose].push(timed_write(visitor, n).await?);
        }
        if n == 0 {
            times.iter_mut().for_each(Vec::clear);
        }
    }
    let [reads, other_reads, writes, other_writes] = times.map(Times::of);
    Ok(([reads, writes], [other_reads, other_writes]))
}
