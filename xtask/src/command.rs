//! Running other programs.

use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use serde_json::Value;

use crate::Outcome;

/// The workspace's folder.
pub(crate) fn root() -> PathBuf {
    // This crate's folder is in it.
    let own = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    own.parent().map_or(own.clone(), PathBuf::from)
}

/// Where cargo puts what it builds.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// `cargo` with these arguments and variables, in the workspace's folder; says what it runs and how long that took.
pub(crate) fn cargo(arguments: &[&str], variables: &[(&str, &str)]) -> Outcome {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let mut command = Command::new(cargo);
    command.args(arguments).envs(variables.iter().copied()).current_dir(root());
    eprintln!("\n==> cargo {}", arguments.join(" "));
    run(&mut command)
}

/// `cargo` with these arguments, saying nothing but what is wrong.
pub(crate) fn cargo_quiet(arguments: &[&str]) -> Outcome {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    // Nothing of this is compiled again after a small change: what makes that fast would be gigabytes.
    let status =
        Command::new(cargo).args(arguments).env("CARGO_INCREMENTAL", "0").current_dir(root()).status();
    let status = status.map_err(|error| format!("cargo cannot be started: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("cargo failed: {status}")) }
}

/// What cargo knows about the packages of the workspace.
pub(crate) fn metadata() -> Result<Value, String> {
    let metadata = output("cargo", &["metadata", "--format-version", "1", "--no-deps"])?;
    serde_json::from_str(&metadata).map_err(|error| error.to_string())
}

/// What a program prints, in the workspace's folder.
pub(crate) fn output(program: &str, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(program).args(arguments).current_dir(root()).output();
    let output = output.map_err(|error| format!("{program} cannot be started: {error}"))?;
    if !output.status.success() {
        return Err(format!("{program}: {}", String::from_utf8_lossy(&output.stderr)));
    }
    String::from_utf8(output.stdout).map_err(|error| error.to_string())
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
