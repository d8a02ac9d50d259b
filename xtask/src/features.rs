//! `cargo xtask features`: every cargo feature of every published crate compiles, alone and not at all.

use std::time::Instant;

use serde_json::Value;

use crate::Outcome;
use crate::command::{cargo_quiet, metadata};

pub(crate) fn run() -> Outcome {
    let metadata = metadata()?;
    let packages = metadata["packages"].as_array().ok_or("cargo metadata names no packages")?;
    // `publish = false` is an empty list of registries.
    let published = packages.iter().filter(|package| package["publish"].is_null());
    let start = Instant::now();
    let (mut count, mut faults) = (0, Vec::new());
    for package in published {
        let name = package["name"].as_str().ok_or("a package without a name")?;
        for features in cases(package) {
            count += 1;
            if let Err(fault) = check(name, &features) {
                faults.push(format!(
                    "{name} with {}: {fault}",
                    if features.is_empty() { "none" } else { &features }
                ));
            }
        }
    }
    eprintln!("    {count} combinations, {:.0} s", start.elapsed().as_secs_f64());
    if faults.is_empty() { Ok(()) } else { Err(format!("does not compile:\n  {}", faults.join("\n  "))) }
}

/// No feature, then each alone. `default` is what every other check compiles.
fn cases(package: &Value) -> Vec<String> {
    let features = package["features"].as_object().into_iter().flat_map(|features| features.keys());
    let alone = features.filter(|feature| *feature != "default").cloned();
    std::iter::once(String::new()).chain(alone).collect()
}

/// By clippy, for two reasons: it makes errors of warnings without building every dependency anew, and its `incompatible_msrv` knows
/// what the standard library did not have yet in the `rust-version` of Cargo.toml.
fn check(name: &str, features: &str) -> Outcome {
    let lints = ["--", "-D", "warnings", "-D", "clippy::incompatible_msrv"];
    let arguments = ["clippy", "--quiet", "--package", name, "--no-default-features", "--features", features];
    cargo_quiet(&[&arguments[..], &lints].concat())
}
