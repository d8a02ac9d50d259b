//! The oldest Rust that Cargo.toml allows: it is what the dependencies ask for, and it builds the crates.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Open;
use super::published::{Package, arguments};
use crate::Outcome;
use crate::command::{output, run};

pub(super) fn check(packages: &[Package], open: &mut Open) -> Outcome {
    let ours = packages.first().map_or("", |package| package.text("rust_version"));
    is_what_dependencies_ask_for(ours, packages)?;
    if output("rustup", &["run", ours, "rustc", "--version"]).is_err() {
        let used = output("rustc", &["--version"])?;
        open.push(format!(
            "a build with Rust {ours}, which is not here: rustup toolchain install {ours}. Built with {}; \
             `cargo xtask features` asks clippy which functions {ours} does not have",
            used.trim()
        ));
        return Ok(());
    }
    let mut command = std::process::Command::new("rustup");
    command.args(["run", ours, "cargo", "check", "--quiet", "--all-features"]).args(arguments(packages));
    run(command.current_dir(crate::command::root()))
}

/// No more than they need: who has an older Rust is not turned away for nothing. No less: it would not build.
fn is_what_dependencies_ask_for(ours: &str, packages: &[Package]) -> Outcome {
    let (highest, name) = asked_for(packages)?;
    eprintln!("    Rust {ours}; {name} needs {highest}");
    let figures = |version: &str| -> Vec<u32> {
        version.split('.').filter_map(|part| part.parse().ok()).take(2).collect()
    };
    if figures(ours) == figures(&highest) {
        return Ok(());
    }
    Err(format!("rust-version is {ours}, and {name}, which asks for most, needs {highest}"))
}

/// The highest `rust-version` of what the crates are built with, and whose it is.
fn asked_for(packages: &[Package]) -> Result<(String, String), String> {
    let metadata = output("cargo", &["metadata", "--format-version", "1", "--all-features"])?;
    let metadata: Value = serde_json::from_str(&metadata).map_err(|error| error.to_string())?;
    let by_id = |list: &'static str, of: &Value| -> BTreeMap<String, Value> {
        let entries = of[list].as_array().into_iter().flatten();
        entries.filter_map(|entry| Some((entry["id"].as_str()?.to_owned(), entry.clone()))).collect()
    };
    let (all, nodes) = (by_id("packages", &metadata), by_id("nodes", &metadata["resolve"]));
    let mut found = BTreeSet::new();
    let mut waiting: Vec<&str> = packages.iter().map(|package| package.text("id")).collect();
    while let Some(id) = waiting.pop() {
        if found.insert(id) {
            let dependencies = nodes.get(id).and_then(|node| node["deps"].as_array()).into_iter().flatten();
            waiting.extend(dependencies.filter(|d| is_built(d)).filter_map(|d| d["pkg"].as_str()));
        }
    }
    let ours: BTreeSet<_> = packages.iter().map(|package| package.text("id")).collect();
    let versions = found.difference(&ours).filter_map(|id| {
        let package = all.get(*id)?;
        let version = package["rust_version"].as_str()?;
        let figures: Vec<u32> = version.split('.').filter_map(|part| part.parse().ok()).collect();
        Some((figures, version.to_owned(), package["name"].as_str()?.to_owned()))
    });
    let highest = versions.max().ok_or("no dependency says which Rust it needs")?;
    Ok((highest.1, highest.2))
}

/// Not only for tests.
fn is_built(dependency: &Value) -> bool {
    dependency["dep_kinds"].as_array().into_iter().flatten().any(|kind| kind["kind"] != "dev")
}
