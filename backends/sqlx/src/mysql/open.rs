//! From an address to connections.

use std::time::Duration;

use sqlx::mysql::MySqlConnectOptions;
use sqlx::{MySql, MySqlConnection};

use super::fault;
use crate::address::{Parameters, check_names};
use crate::crew::CONNECTIONS;
use crate::error::{Failure, Fault};
use crate::own::OwnConnections;

/// How long a request waits for a connection, and how long one may be silent: longer than a server that works.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// Five seconds for a lock of a row and of a table, and for a statement: with MariaDB any, with MySQL one that reads. Each reads
/// the other's part as a comment.
const TIMEOUTS: &str = "SET SESSION innodb_lock_wait_timeout = 5, lock_wait_timeout = 5 \
                        /*M!100101 , max_statement_time = 5 */ /*!80000 , max_execution_time = 5000 */";

/// Those that sqlx reads.
const PARAMETERS: [&str; 14] = [
    "sslmode",
    "ssl-mode",
    "sslca",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "charset",
    "collation",
    "statement-cache-capacity",
    "socket",
    "timezone",
    "time-zone",
];

/// Connects to what this URL names.
pub(super) async fn open(url: &str) -> Result<OwnConnections<MySql>, Failure> {
    let (options, connections) = read(url)?;
    OwnConnections::open(options, connections, PATIENCE).await.map_err(fault::read)
}

/// What this URL says, and how many connections.
pub(super) fn read(url: &str) -> Result<(MySqlConnectOptions, u32), Failure> {
    if !["mysql://", "mariadb://"].iter().any(|scheme| url.starts_with(scheme)) {
        // Another database's address may hold a password: it is not shown.
        let reason = "it is not one of MySQL or MariaDB, which begins with `mysql://` or `mariadb://`";
        return Err(Failure::new(Fault::Address, reason));
    }
    let refused = |reason| Failure::new(Fault::Address, reason);
    check_names(url, &PARAMETERS).map_err(refused)?;
    let (url, mut own) = Parameters::split(url);
    let connections = own.number("connections").map_err(refused)?.unwrap_or(CONNECTIONS);
    Ok((url.parse().map_err(fault::read)?, connections))
}

/// A relative that does not know one of these has timeouts of its own, and the store's patience is left.
pub(super) async fn set_timeouts(connection: &mut MySqlConnection) {
    let _ = sqlx::raw_sql(TIMEOUTS).execute(connection).await;
}
