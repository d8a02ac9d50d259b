//! The demo as a visitor meets it.

const DEMO: &str = env!("CARGO_BIN_EXE_example-axum");

#[tokio::test]
async fn sessions_survive_kill_9() {
    example_testing::demo::survives_a_restart(DEMO).await;
}

#[tokio::test]
async fn every_page_answers() {
    example_testing::demo::every_page_answers(DEMO).await;
}

#[tokio::test]
async fn a_browser_tells_the_story() {
    example_testing::browser::tells_the_story(DEMO).await;
}
