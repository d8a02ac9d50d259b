//! `cargo xtask soak`: the tests that depend on chance, for longer, and a table of what became of those that make faults; then all tests
//! with everything traced, which is searched for what opens a session.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::{self, cargo, has, root, target};
use crate::services::Services;
use crate::test::report;
use crate::{Outcome, django, leaks};

/// As `session_core::testing::SOAK`: where it is set, such tests repeat themselves ten times as often.
const SOAK: &str = "TEST_SOAK";

/// As `session_core::testing::TALLIES`: the file to which tests that make faults add what they have counted.
const TALLIES: &str = "TEST_TALLIES";

/// Programs that kill a process or a server, or have a bad network before it, those whose processes race each other, random requests to
/// the playgrounds, and to a Django beside them; and hostile input.
const TESTS: &[&str] = &["*killed", "faults", "*processes", "races", "playgrounds", "django", "smoke"];

/// Those that run the conformance kit, whose models draw random operations.
const KITS: &[&str] = &["memory", "file", "sqlite", "postgres", "mysql", "conformance", "migrating"];

/// Every loop in the tests has its own end; this is for what nobody has thought of.
const LIMIT: &str = "7200";

/// Where the table stands, between these two.
const PAGE: &str = "docs/reliability.md";
const BEGIN: &str = "<!-- counted: faults -->";
const END: &str = "<!-- end -->";

const HEAD: &str = "\
| store | what goes wrong | faults | requests | acknowledged writes | lost | revived | leaked | slowest request |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |";

/// Runs all of it, or the programs that are named; with `--quick` no longer than `cargo xtask test` does.
pub(crate) fn run() -> Outcome {
    let (quick, named) = arguments()?;
    let mut services = Services::start()?;
    django::join(&mut services);
    // With the playgrounds, which the tests below only start. What `cargo xtask test` has built is built.
    cargo(&["test", "--workspace", "--all-features", "--no-run", "--quiet"], &[])?;
    let soak = Soak { services: &services, quick, tallies: target().join("tallies.md") };
    forget(&soak.tallies)?;
    let outcome = if named.is_empty() {
        soak.run(TESTS, &[])
            .and_then(|()| soak.run(KITS, &["conform"]))
            .and_then(|()| if quick { Ok(()) } else { soak.search() })
    } else {
        soak.run(&named.iter().map(String::as_str).collect::<Vec<_>>(), &[])
    };
    // Also of a run that failed: it says where.
    let table = table(&soak.tallies)?;
    if let Some(table) = &table {
        println!("\n{table}");
    }
    outcome?;
    if let Some(table) = table {
        keep(&table)?;
    }
    report(&services.not_run)
}

struct Soak<'a> {
    services: &'a Services,
    quick: bool,
    /// What was counted.
    tallies: PathBuf,
}

impl Soak<'_> {
    /// Runs these programs, of each the tests whose name has one of these words; all of them where there is none.
    fn run(&self, programs: &[&str], words: &[&str]) -> Outcome {
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
        command.args(arguments).envs(self.services.variables()).env("RUST_BACKTRACE", "1");
        if !self.quick {
            command.env(SOAK, "1");
        }
        command::run(command.env(TALLIES, &self.tallies).current_dir(root()))
    }

    /// Runs all tests once more, and searches what they trace.
    fn search(&self) -> Outcome {
        let variables = self.services.variables();
        leaks::run_all(&variables.iter().map(|(name, value)| (&**name, &**value)).collect::<Vec<_>>())
    }
}

/// Whether it says `--quick`, and the programs that are named.
fn arguments() -> Result<(bool, Vec<String>), String> {
    let (options, named): (Vec<_>, Vec<_>) =
        std::env::args().skip(2).partition(|argument| argument.starts_with('-'));
    if let Some(unknown) = options.iter().find(|option| *option != "--quick") {
        return Err(format!("{unknown}: only --quick and names of test programs are known"));
    }
    Ok((!options.is_empty(), named))
}

/// Those of the last run.
fn forget(tallies: &Path) -> Outcome {
    match fs::remove_file(tallies) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.to_string()),
        _ => Ok(()),
    }
}

/// The table, with the command that made it; none where no test made any fault.
fn table(tallies: &Path) -> Result<Option<String>, String> {
    if !tallies.exists() {
        return Ok(None);
    }
    let rows = fs::read_to_string(tallies).map_err(|error| error.to_string())?;
    let mut rows: Vec<_> = rows.lines().collect();
    rows.sort_unstable();
    let words: Vec<_> = std::env::args().skip(1).collect();
    Ok(Some(format!("`cargo xtask {}`:\n\n{HEAD}\n{}", words.join(" "), rows.join("\n"))))
}

/// Writes the table into the page.
fn keep(table: &str) -> Outcome {
    let page = root().join(PAGE);
    let text = fs::read_to_string(&page).map_err(|error| format!("{PAGE}: {error}"))?;
    let marked = text.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let (before, behind) = marked.ok_or_else(|| format!("{PAGE}: no place for the table"))?;
    fs::write(&page, format!("{before}{BEGIN}\n\n{table}\n\n{END}{behind}"))
        .map_err(|error| error.to_string())
}
