//! `cargo xtask test`: everything that must hold before a change is taken.

use crate::command::cargo;
use crate::packages::{BROWSER, VALGRIND};
use crate::services::Services;
use crate::{Outcome, bench, django, features, leaks, tidy};

pub(crate) fn run() -> Outcome {
    tidy::run()?;
    cargo(&["fmt", "--all", "--check"], &[])?;
    cargo(
        &["clippy", "--workspace", "--all-targets", "--all-features", "--quiet", "--", "-D", "warnings"],
        &[],
    )?;
    let mut not_run = tests()?;
    cargo(
        &["doc", "--workspace", "--all-features", "--no-deps", "--quiet"],
        &[("RUSTDOCFLAGS", "-D warnings")],
    )?;
    features::run()?;
    match VALGRIND.provide() {
        Ok(()) => bench::instructions()?,
        Err(advice) => not_run.push(advice),
    }
    report(&not_run)
}

/// Runs the tests with the servers that they need, and says what could not be run. The servers end with it, however it ends.
fn tests() -> Result<Vec<String>, String> {
    let mut services = Services::start()?;
    services.note(BROWSER.name, BROWSER.provide());
    django::join(&mut services);
    let variables = services.variables();
    let mut variables: Vec<_> = variables.iter().map(|(name, value)| (&**name, &**value)).collect();
    variables.push(("RUST_BACKTRACE", "1"));
    cargo(&["test", "--workspace", "--all-features", "--no-fail-fast"], &variables)?;
    leaks::run(&variables)?;
    Ok(services.not_run)
}

/// Nothing is skipped in silence; where every run must be whole, nothing is skipped at all.
pub(crate) fn report(not_run: &[String]) -> Outcome {
    if not_run.is_empty() {
        eprintln!("\nall checks passed");
        return Ok(());
    }
    eprintln!("\nall checks that could run passed; not run:");
    not_run.iter().for_each(|what| eprintln!("  - {what}"));
    if std::env::var_os("CI").is_some() { Err("with CI set everything must run".to_owned()) } else { Ok(()) }
}
