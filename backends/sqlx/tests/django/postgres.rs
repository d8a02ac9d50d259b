use serde_json::{Value, json};
use session_core::testing::django::{DjangoPeer, SECRET_KEY, shares_its_sessions};
use session_core::testing::server;
use session_sqlx::django::PostgresStore;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::{conforms, new_name};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_store_conforms() {
    let Some(database) = Database::create().await else { return };
    let connect =
        async || PostgresStore::connect_to_table(&database.url, new_name().parse().unwrap()).await.unwrap();
    conforms(connect).await;
    database.drop().await;
}

/// In the order in which a team has them: the project's table first, or ours.
#[tokio::test]
async fn a_real_django_shares_its_sessions() {
    for django_first in [true, false] {
        let Some(database) = Database::create().await else { return };
        if !django_first {
            PostgresStore::connect(&database.url).await.unwrap();
        }
        let project = project(&database.url, "django.db.backends.postgresql");
        let Some(django) = DjangoPeer::start(&project) else { return };
        shares_its_sessions(PostgresStore::connect(&database.url).await.unwrap(), django).await;
        database.drop().await;
    }
}

/// A database of the test's own.
struct Database {
    admin: PgConnection,
    name: String,
    url: String,
}

impl Database {
    async fn create() -> Option<Self> {
        let (url, name) = (server("postgres")?, new_name());
        let mut admin = PgConnection::connect(&url).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut admin).await.unwrap();
        let url = format!("{}/{name}", url.rsplit_once('/').unwrap().0);
        Some(Self { admin, name, url })
    }

    async fn drop(mut self) {
        let drop = AssertSqlSafe(format!("DROP DATABASE {} WITH (FORCE)", self.name));
        sqlx::raw_sql(drop).execute(&mut self.admin).await.unwrap();
    }
}

/// A project on the database of this URL.
pub(crate) fn project(url: &str, engine: &str) -> Value {
    let (_, place) = url.split_once("://").unwrap();
    let (user, place) = place.split_once('@').unwrap();
    let (host, name) = place.split_once('/').unwrap();
    let ((user, password), (host, port)) = (user.split_once(':').unwrap(), host.split_once(':').unwrap());
    json!({
        "engine": "db",
        "secret_key": SECRET_KEY,
        "database": {
            "ENGINE": engine, "NAME": name, "USER": user, "PASSWORD": password, "HOST": host, "PORT": port,
        },
    })
}
