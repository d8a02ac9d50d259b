//! Whether a test has traced or logged what opens a session: see `session_core::testing::LEAKS`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::Outcome;
use crate::command::{cargo, target};

/// As `session_core::testing::LEAKS`.
const VARIABLE: &str = "TEST_LEAKS";

/// Programs that go through all that happens to a session, on every store and through every adapter, and wait for no clock: to trace
/// at the lowest level makes a test many times slower.
const TESTS: &[&str] = &["lifecycle", "conformance", "memory", "file", "sqlite", "playground"];

/// Tests whose every request has a bound by the clock, which it cannot keep while all of it is traced.
const TIMED: &str = "nothing_is_lost_in";

/// Runs those tests, and searches what their processes trace and log.
pub(crate) fn run(variables: &[(&str, &str)]) -> Outcome {
    search(&TESTS.iter().flat_map(|test| ["--test", test]).collect::<Vec<_>>(), variables)
}

/// The same with all tests, which takes a quarter of an hour.
pub(crate) fn run_all(variables: &[(&str, &str)]) -> Outcome {
    search(&["--lib", "--bins", "--tests", "--", "--skip", TIMED], variables)
}

fn search(tests: &[&str], variables: &[(&str, &str)]) -> Outcome {
    let said = folder()?;
    let name = said.display().to_string();
    let arguments = ["test", "--workspace", "--all-features", "--no-fail-fast", "--quiet"];
    let tests = cargo(&[&arguments, tests].concat(), &[variables, &[(VARIABLE, &name)]].concat());
    check(&said).and(tests)
}

/// An empty folder for what processes should not have said.
fn folder() -> Result<PathBuf, String> {
    let folder = target().join("leaks");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(folder)
}

/// An error where somebody has said something; or nobody was asked.
fn check(folder: &Path) -> Outcome {
    let files = fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let files = files.map_err(|error| format!("{}: {error}", folder.display()))?;
    let said: Vec<_> =
        files.iter().filter_map(|file| fs::read(file.path()).ok().filter(|said| !said.is_empty())).collect();
    eprintln!("\n==> what {} processes traced and logged, searched for cookies and keys", files.len());
    if files.is_empty() {
        return Err("no test listened to what it traces".to_owned());
    }
    let Some(first) = said.first() else { return Ok(()) };
    let line = String::from_utf8_lossy(first).lines().next().unwrap_or_default().to_owned();
    Err(format!(
        "{} processes have logged what opens a session, as in {}: {line}",
        said.len(),
        folder.display()
    ))
}
