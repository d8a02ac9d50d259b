//! The playground against the adapter kit, on each store.

example_testing::playground_tests!(env!("CARGO_BIN_EXE_playground-rocket"));
