//! The demo as a visitor meets it.

example_testing::demo_tests!(env!("CARGO_BIN_EXE_example-axum"));
