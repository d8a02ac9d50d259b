//! What this machine cannot run.

/// Names what cannot be had, separated by commas, so that the tests that need it say that they did not run. Set by
/// `cargo xtask test`, which reports it at its end.
///
/// | name | what there is none of |
/// | --- | --- |
/// | `postgres`, `mysql`, `redis`, `redis-cluster`, `redis-sentinel` | a server at `TEST_…_URL` |
/// | `tmpfs` | the right to mount a small file system, for tests of a full disk |
/// | `postgres-program`, `mysql-program`, `redis-program` | a program here that a test could start and kill by itself |
pub const WITHOUT: &str = "TEST_WITHOUT";

/// Whether [`WITHOUT`] says that there is no such thing here; then the test that asks says that it did not run.
pub fn is_without(name: &str) -> bool {
    let without = std::env::var(WITHOUT).unwrap_or_default();
    let missing = without.split(',').any(|missing| missing == name);
    if missing {
        eprintln!("not run: there is no {name}");
    }
    missing
}
