//! `session init`: what a store needs before it is used.

use serde_json::json;

use crate::args::StoreArgs;
use crate::error::{Done, Failure};
use crate::output::Output;
use crate::secrecy::name_of;
use crate::store::{Absent, usage};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print the SQL that creates the table, for who may run it, and connect to nothing
    #[arg(long)]
    print_sql: bool,
}

pub(crate) async fn run(args: &Args, store: &StoreArgs, output: &Output) -> Result<Done, Failure> {
    let url = store.url()?;
    if args.print_sql {
        let sql = schema(store, &url)?;
        output.say(&json!({ "sql": sql }), || sql.trim_end().to_owned())?;
        return Ok(Done::All);
    }
    store.open_with(Absent::IsCreated).await?;
    let name = name_of(&url);
    output.say(&json!({ "ready": true, "store": name }), || format!("{name} is ready"))?;
    Ok(Done::All)
}

#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
fn schema(store: &StoreArgs, url: &str) -> Result<String, Failure> {
    use session_backends::sqlx;

    use crate::args::Format;

    let default = if store.format == Format::Django { "django_session" } else { "sessions" };
    let name = store.table.as_deref().unwrap_or(default);
    let table = name.parse::<sqlx::TableName>().map_err(|error| usage(&error.to_string()))?;
    let scheme = url.split(':').next().unwrap_or_default().to_ascii_lowercase();
    match (scheme.as_str(), store.format) {
        #[cfg(feature = "sqlite")]
        ("sqlite", Format::Native) => Ok(sqlx::SqliteStore::schema(&table)),
        #[cfg(feature = "postgres")]
        ("postgres" | "postgresql", Format::Native) => Ok(sqlx::PostgresStore::schema(&table)),
        #[cfg(feature = "mysql")]
        ("mysql" | "mariadb", Format::Native) => Ok(sqlx::MySqlStore::schema(&table)),
        #[cfg(all(feature = "django", feature = "sqlite"))]
        ("sqlite", Format::Django) => Ok(sqlx::django::SqliteStore::schema(&table)),
        #[cfg(all(feature = "django", feature = "postgres"))]
        ("postgres" | "postgresql", Format::Django) => Ok(sqlx::django::PostgresStore::schema(&table)),
        #[cfg(all(feature = "django", feature = "mysql"))]
        ("mysql" | "mariadb", Format::Django) => Ok(sqlx::django::MySqlStore::schema(&table)),
        _ => Err(usage(NO_SQL)),
    }
}

#[cfg(not(any(feature = "sqlite", feature = "postgres", feature = "mysql")))]
fn schema(_: &StoreArgs, _: &str) -> Result<String, Failure> {
    Err(usage(NO_SQL))
}

const NO_SQL: &str = "only sqlite:, postgres: and mysql: have a table, where this program was built with them: other stores need no SQL";
