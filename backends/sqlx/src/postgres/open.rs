//! From an address to connections.

use std::time::Duration;

use sqlx::Postgres;
use sqlx::postgres::PgConnectOptions;

use super::fault;
use crate::address::{Parameters, check_names};
use crate::crew::CONNECTIONS;
use crate::error::{Failure, Fault};
use crate::own::OwnConnections;

/// How long a statement may take the server, with its waiting for a lock.
const STATEMENT: Duration = Duration::from_secs(5);

/// How long a request waits for a connection, and how long one may be silent: longer than a server that works.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// Those that sqlx reads.
const PARAMETERS: [&str; 19] = [
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
    "options[",
];

/// Connects to what this URL names.
pub(super) async fn open(url: &str) -> Result<OwnConnections<Postgres>, Failure> {
    let (options, connections) = read(url)?;
    let own_timeout = options.get_options().is_some_and(|own| own.contains("statement_timeout"));
    if !own_timeout {
        let timed = options.clone().options([("statement_timeout", STATEMENT.as_millis())]);
        match OwnConnections::open(timed, connections, PATIENCE).await {
            Err(error) if refuses_options(&error) => {}
            opened => return opened.map_err(fault::read),
        }
    }
    OwnConnections::open(options, connections, PATIENCE).await.map_err(fault::read)
}

/// What this URL says, and how many connections.
pub(super) fn read(url: &str) -> Result<(PgConnectOptions, u32), Failure> {
    if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
        // Another database's address may hold a password: it is not shown.
        let reason = "it is not one of PostgreSQL, which begins with `postgres://`";
        return Err(Failure::new(Fault::Address, reason));
    }
    let refused = |reason| Failure::new(Fault::Address, reason);
    check_names(url, &PARAMETERS).map_err(refused)?;
    let (url, mut own) = Parameters::split(url);
    let connections = own.number("connections").map_err(refused)?.unwrap_or(CONNECTIONS);
    Ok((url.parse().map_err(fault::read)?, connections))
}

/// Some poolers between the application and the server let no setting through when a connection begins. Then they have the
/// timeouts, and the store's own patience is left.
fn refuses_options(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(error) if error.code().is_some_and(|code| code == "08P01"))
}
