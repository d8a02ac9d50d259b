//! The demo and the quickstart as a visitor meets them.

example_testing::demo_tests!(env!("CARGO_BIN_EXE_example-rocket"));
example_testing::quickstart_test!(env!("CARGO_BIN_EXE_quickstart-rocket"));
