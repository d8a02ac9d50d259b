//! The playground against the adapter kit, on each store.

const PLAYGROUND: &str = env!("CARGO_BIN_EXE_playground-axum");

#[tokio::test(flavor = "multi_thread")]
async fn it_conforms_on_memory() {
    example_testing::playground::conforms(PLAYGROUND, &["--store", "memory:"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_conforms_on_sqlite() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = format!("sqlite:{}", folder.path().join("sessions.db").display());
    example_testing::playground::conforms(PLAYGROUND, &["--store", &store]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_conforms_on_a_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = format!("file:{}", folder.path().join("sessions").display());
    example_testing::playground::conforms(PLAYGROUND, &["--store", &store]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_conforms_behind_a_cache() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = format!("sqlite:{}", folder.path().join("sessions.db").display());
    example_testing::playground::conforms(PLAYGROUND, &["--store", &store, "--cache", "memory:"]).await;
}

/// On every server that the tests have.
#[tokio::test(flavor = "multi_thread")]
async fn it_conforms_on_servers() {
    for server in ["postgres", "mysql", "redis", "redis-cluster", "redis-sentinel"] {
        let Some(url) = session_core::testing::server(server) else { continue };
        example_testing::playground::conforms(PLAYGROUND, &["--store", &url]).await;
    }
    let (postgres, redis) =
        (session_core::testing::server("postgres"), session_core::testing::server("redis"));
    if let (Some(postgres), Some(redis)) = (postgres, redis) {
        example_testing::playground::conforms(PLAYGROUND, &["--store", &postgres, "--cache", &redis]).await;
    }
}

#[test]
fn it_refuses_what_it_does_not_know() {
    example_testing::playground::refuses_what_it_does_not_know(PLAYGROUND);
}
