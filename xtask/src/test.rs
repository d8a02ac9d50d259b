//! `cargo xtask test`: everything that must hold before a change is taken.

use crate::command::cargo;
use crate::packages::BROWSER;
use crate::{Outcome, tidy};

/// Names what cannot be had, so that the tests that need it say that they did not run.
const WITHOUT: &str = "TEST_WITHOUT";

pub(crate) fn run() -> Outcome {
    let mut not_run: Vec<String> = Vec::new();
    let mut variables = vec![("RUST_BACKTRACE", "1")];
    tidy::run()?;
    cargo(&["fmt", "--all", "--check"], &[])?;
    cargo(
        &["clippy", "--workspace", "--all-targets", "--all-features", "--quiet", "--", "-D", "warnings"],
        &[],
    )?;
    if let Err(missing) = BROWSER.provide() {
        not_run.push(missing);
        variables.push((WITHOUT, "browser"));
    }
    cargo(&["test", "--workspace", "--all-features", "--no-fail-fast"], &variables)?;
    cargo(
        &["doc", "--workspace", "--all-features", "--no-deps", "--quiet"],
        &[("RUSTDOCFLAGS", "-D warnings")],
    )?;
    report(&not_run)
}

/// Nothing is skipped in silence; where every run must be whole, nothing is skipped at all.
fn report(not_run: &[String]) -> Outcome {
    if not_run.is_empty() {
        eprintln!("\nall checks passed");
        return Ok(());
    }
    eprintln!("\nall checks that could run passed; not run:");
    not_run.iter().for_each(|what| eprintln!("  - {what}"));
    if std::env::var_os("CI").is_some() { Err("with CI set everything must run".to_owned()) } else { Ok(()) }
}
