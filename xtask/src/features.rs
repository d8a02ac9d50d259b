//! `cargo xtask features`: every cargo feature of every published crate compiles, alone and not at all.

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::Value;

use crate::Outcome;
use crate::command::{cargo_quiet, metadata};

pub(crate) fn run() -> Outcome {
    eprintln!("\n==> each feature alone");
    let metadata = metadata()?;
    let packages = metadata["packages"].as_array().ok_or("cargo metadata names no packages")?;
    // `publish = false` is an empty list of registries.
    let published = packages.iter().filter(|package| package["publish"].is_null());
    let start = Instant::now();
    let (mut count, mut faults) = (0, Vec::new());
    let mut note = |packages: &[&str], feature: &str| {
        count += 1;
        if let Err(fault) = check(packages, feature) {
            faults.push(format!("{} with `{feature}`: {fault}", packages.join(", ")));
        }
    };
    // The adapters have the same features, which they hand on: what one compiles with it, so do the others.
    let mut alike = BTreeMap::<Vec<&str>, Vec<&str>>::new();
    for package in published {
        let name = package["name"].as_str().ok_or("a package without a name")?;
        note(&[name], "");
        alike.entry(features(package)).or_default().push(name);
    }
    for (features, packages) in &alike {
        features.iter().for_each(|feature| note(packages, feature));
    }
    eprintln!("    {count} combinations, {:.0} s", start.elapsed().as_secs_f64());
    if faults.is_empty() { Ok(()) } else { Err(format!("does not compile:\n  {}", faults.join("\n  "))) }
}

/// `default` is what every other check compiles.
fn features(package: &Value) -> Vec<&str> {
    let all = package["features"].as_object().into_iter().flat_map(|features| features.keys());
    all.map(String::as_str).filter(|feature| *feature != "default").collect()
}

/// By clippy, for two reasons: it makes errors of warnings without building every dependency anew, and its `incompatible_msrv` knows
/// what the standard library did not have yet in the `rust-version` of Cargo.toml.
fn check(packages: &[&str], feature: &str) -> Outcome {
    let mut arguments = vec!["clippy", "--quiet", "--no-default-features", "--features", feature];
    arguments.extend(packages.iter().flat_map(|package| ["--package", package]));
    arguments.extend(["--", "-D", "warnings", "-D", "clippy::incompatible_msrv"]);
    cargo_quiet(&arguments)
}
