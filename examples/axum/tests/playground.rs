//! The playground against the adapter kit, on each store.

const PLAYGROUND: &str = env!("CARGO_BIN_EXE_playground-axum");

#[tokio::test(flavor = "multi_thread")]
async fn it_conforms_on_memory() {
    example_testing::playground::conforms(PLAYGROUND, "memory:").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_conforms_on_sqlite() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = format!("sqlite:{}", folder.path().join("sessions.db").display());
    example_testing::playground::conforms(PLAYGROUND, &store).await;
}

#[test]
fn it_refuses_what_it_does_not_know() {
    example_testing::playground::refuses_what_it_does_not_know(PLAYGROUND);
}
