//! What is uploaded: the files of each package, and whether it builds from them alone.

use std::fs;

use super::Open;
use super::published::{Package, arguments};
use crate::Outcome;
use crate::command::{cargo_quiet, output, target};

/// In bytes, compressed. The largest has 205,000: more would be data that got in.
const LARGEST: u64 = 400_000;

/// Packages them together, so that each is built against the others as they will be, and with every feature. What is not committed is an
/// error: it would not be in the tag.
pub(super) fn check(packages: &[Package], _: &mut Open) -> Outcome {
    let mut command = vec!["package", "--quiet", "--all-features"];
    command.extend(arguments(packages));
    cargo_quiet(&command)?;
    let mut faults = Vec::new();
    for package in packages {
        let files = output("cargo", &["package", "--list", "--allow-dirty", "--package", package.name()])?;
        let strange = files.lines().filter(|file| !belongs(file));
        faults.extend(strange.map(|file| format!("{} has {file} in its package", package.name())));
        let archive = format!("{}-{}.crate", package.name(), package.version());
        let size =
            fs::metadata(target().join("package").join(&archive)).map_err(|error| error.to_string())?.len();
        eprintln!("    {archive:32} {:3} files {size:7} bytes", files.lines().count());
        if size > LARGEST {
            faults.push(format!("{archive} has {size} bytes: what is in it?"));
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n  ")) }
}

/// The source, and what cargo and the registry want beside it.
fn belongs(file: &str) -> bool {
    const BESIDE: &[&str] = &[
        ".cargo_vcs_info.json",
        "Cargo.lock",
        "Cargo.toml",
        "Cargo.toml.orig",
        "LICENSE-APACHE",
        "LICENSE-MIT",
        "README.md",
    ];
    BESIDE.contains(&file) || file.starts_with("src/")
}
