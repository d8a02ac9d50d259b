use serde_json::json;
use session_core::testing::django::{DjangoPeer, SECRET_KEY, shares_its_sessions};
use session_sqlx::django::SqliteStore;

use super::conforms;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_store_conforms() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: String| folder.path().join(name).display().to_string();
    conforms(async || SqliteStore::connect(&path(super::new_name())).await.unwrap()).await;
}

/// In the order in which a team has them: the project's database first, or ours.
#[tokio::test]
async fn a_real_django_shares_its_sessions() {
    for django_first in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db.sqlite3");
        let open = async || SqliteStore::connect(path.to_str().unwrap()).await.unwrap();
        if !django_first {
            open().await;
        }
        let project = json!({
            "engine": "db",
            "secret_key": SECRET_KEY,
            "database": {"ENGINE": "django.db.backends.sqlite3", "NAME": path},
        });
        let Some(django) = DjangoPeer::start(&project) else { return };
        shares_its_sessions(open().await, django).await;
    }
}
