//! The demo and the quickstart as a visitor meets them.

example_testing::demo_tests!(env!("CARGO_BIN_EXE_example-axum"));
example_testing::quickstart_test!(env!("CARGO_BIN_EXE_quickstart-axum"));

/// The pages are the same in every framework's demo.
#[test]
fn the_pages_fit_a_phone() {
    example_testing::run(example_testing::browser::fits_a_phone(env!("CARGO_BIN_EXE_example-axum")));
}
