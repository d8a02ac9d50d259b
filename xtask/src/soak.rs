//! `cargo xtask soak`: the tests that depend on chance, for longer.

use std::process::Command;

use crate::command::{self, cargo, has, root};
use crate::services::Services;
use crate::test::report;
use crate::{Outcome, django};

/// As `session_core::testing::SOAK`: where it is set, such tests repeat themselves ten times as often.
const SOAK: &str = "TEST_SOAK";

/// Programs that kill a process or a server, those whose processes race each other, random requests to the playgrounds, and to a Django
/// beside them; and hostile input.
const TESTS: &[&str] = &["*killed", "*processes", "races", "playgrounds", "django", "smoke"];

/// Those that run the conformance kit, whose models draw random operations.
const KITS: &[&str] = &["memory", "file", "sqlite", "postgres", "mysql", "conformance", "migrating"];

/// Every loop in the tests has its own end; this is for what nobody has thought of.
const LIMIT: &str = "3600";

pub(crate) fn run() -> Outcome {
    let mut services = Services::start()?;
    django::join(&mut services);
    // With the playgrounds, which the tests below only start. What `cargo xtask test` has built is built.
    cargo(&["test", "--workspace", "--all-features", "--no-run", "--quiet"], &[])?;
    test(&services, TESTS, &[])?;
    test(&services, KITS, &["conform"])?;
    report(&services.not_run)
}

/// Runs these programs, of each the tests whose name has one of these words; all of them where there is none.
fn test(services: &Services, programs: &[&str], words: &[&str]) -> Outcome {
    let mut arguments = vec!["test", "--workspace", "--all-features", "--no-fail-fast"];
    arguments.extend(programs.iter().flat_map(|program| ["--test", program]));
    // What they did is what a soak is for.
    arguments.extend(["--", "--nocapture"]);
    arguments.extend(words);
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
    command::run(command.current_dir(root()))
}
