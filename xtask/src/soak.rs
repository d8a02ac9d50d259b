//! `cargo xtask soak`: the tests that depend on chance, for longer.

use std::process::Command;

use crate::Outcome;
use crate::command::{self, has, root};
use crate::services::Services;
use crate::test::report;

/// As `session_core::testing::SOAK`: where it is set, such tests repeat themselves ten times as often.
const SOAK: &str = "TEST_SOAK";

/// Programs that kill a process or a server, and those whose two processes race each other.
const TESTS: &[&str] = &["*killed", "*processes"];

/// The packages that have them.
const PACKAGES: &[&str] = &["session-file", "session-sqlx", "session-redis", "session-cached"];

/// Every loop in the tests has its own end; this is for what nobody has thought of.
const LIMIT: &str = "3600";

pub(crate) fn run() -> Outcome {
    let services = Services::start()?;
    let mut arguments = vec!["test", "--all-features", "--no-fail-fast"];
    arguments.extend(PACKAGES.iter().flat_map(|package| ["--package", package]));
    arguments.extend(TESTS.iter().flat_map(|test| ["--test", test]));
    // What they did is what a soak is for.
    arguments.extend(["--", "--nocapture"]);
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let mut command = if has("timeout") {
        let mut command = Command::new("timeout");
        command.args(["--kill-after=30", LIMIT]).arg(cargo);
        command
    } else {
        Command::new(cargo)
    };
    eprintln!("\n==> cargo {}", arguments.join(" "));
    command.args(arguments).envs(services.variables()).env(SOAK, "1").env("RUST_BACKTRACE", "1");
    command::run(command.current_dir(root()))?;
    report(&services.not_run)
}
