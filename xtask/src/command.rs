//! Running other programs.

use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use crate::Outcome;

/// The workspace's folder.
pub(crate) fn root() -> PathBuf {
    // This crate's folder is in it.
    let own = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    own.parent().map_or(own.clone(), PathBuf::from)
}

/// `cargo` with these arguments and variables, in the workspace's folder; says what it runs and how long that took.
pub(crate) fn cargo(arguments: &[&str], variables: &[(&str, &str)]) -> Outcome {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let mut command = Command::new(cargo);
    command.args(arguments).envs(variables.iter().copied()).current_dir(root());
    eprintln!("\n==> cargo {}", arguments.join(" "));
    run(&mut command)
}

/// Runs a command to its end; an error where it cannot be started, or fails.
pub(crate) fn run(command: &mut Command) -> Outcome {
    let start = Instant::now();
    let name = command.get_program().to_string_lossy().into_owned();
    let status = command.status().map_err(|error| format!("{name} cannot be started: {error}"))?;
    eprintln!("    {:.0} s", start.elapsed().as_secs_f64());
    if status.success() { Ok(()) } else { Err(format!("{name} failed: {status}")) }
}

/// Whether a program is on the path.
pub(crate) fn has(program: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(program).is_file()))
}
