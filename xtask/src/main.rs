//! The project's tasks. `cargo xtask` lists them.

mod bench;
mod command;
mod dependencies;
mod disk;
mod django;
mod features;
mod leaks;
mod links;
mod packages;
mod release;
mod screenshots;
mod services;
mod soak;
mod test;
mod tidy;

use std::process::ExitCode;

/// What a task ends with: nothing, or why it failed.
type Outcome = Result<(), String>;

/// Name, what it does, and the function.
type Task = (&'static str, &'static str, fn() -> Outcome);

const TASKS: &[Task] = &[
    ("test", "the whole check: format, lints, tests against real stores and a real browser, docs", test::run),
    (
        "soak",
        "the tests that depend on chance (kills, races, failovers, random requests), for longer",
        soak::run,
    ),
    ("bench", "what a session costs, beside other libraries; --only NAME, --quick", bench::run),
    ("instructions", "the part of it that repeats on any machine, against its bounds", bench::instructions),
    ("screenshots", "the pictures of the demos in the README, from a real browser", screenshots::run),
    ("features", "every cargo feature of every published crate compiles alone", features::run),
    ("release", "with --dry-run: all that must hold before the crates are published", release::run),
    ("services", "the servers of the tests, with their URLs, until Enter is pressed", services::run),
    ("tidy", "what no compiler checks: dependency edges and their number, links, skipped tests", tidy::run),
];

fn main() -> ExitCode {
    let name = std::env::args().nth(1).unwrap_or_default();
    let Some((.., task)) = TASKS.iter().find(|(task, ..)| *task == name) else {
        eprintln!("usage: cargo xtask TASK\n");
        TASKS.iter().for_each(|(name, what, _)| eprintln!("  {name:12} {what}"));
        return ExitCode::FAILURE;
    };
    match task() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nxtask {name}: {error}");
            ExitCode::FAILURE
        }
    }
}
