//! The demo and the quickstart as a visitor meets them.

example_testing::demo_tests!(env!("CARGO_BIN_EXE_example-axum"));
example_testing::quickstart_test!(env!("CARGO_BIN_EXE_quickstart-axum"));
