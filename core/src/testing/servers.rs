//! The servers that tests need.

/// Names the servers, separated by commas, that cannot be had here, so that their tests say that they did not run. Set by
/// `cargo xtask test`, which reports them at its end.
pub const WITHOUT: &str = "TEST_WITHOUT";

/// The URL of a server for tests: that of `server("postgres")` is in `TEST_POSTGRES_URL`. `None` where [`WITHOUT`] says that there
/// is none, and then the test has not run.
///
/// # Panics
///
/// Where neither says anything: a test that is not run in silence would be none.
pub fn server(name: &str) -> Option<String> {
    if is_without(name) {
        return None;
    }
    let variable = format!("TEST_{}_URL", name.to_uppercase().replace('-', "_"));
    let url = std::env::var(&variable).ok();
    assert!(
        url.is_some(),
        "{variable} is not set: run `cargo xtask test`, which starts the servers, or set it"
    );
    url
}

/// Whether [`WITHOUT`] says that there is no such thing here; then the test that asks says that it did not run.
pub fn is_without(name: &str) -> bool {
    let without = std::env::var(WITHOUT).unwrap_or_default();
    let missing = without.split(',').any(|missing| missing == name);
    if missing {
        eprintln!("not run: there is no {name}");
    }
    missing
}
