//! The least versions that Cargo.toml allows of what we use directly. A requirement that is too low compiles for nobody who has an
//! older lock file.

use std::fs;
use std::path::{Path, PathBuf};

use super::Open;
use super::published::Package;
use crate::Outcome;
use crate::command::{cargo_quiet, output, root, target};

pub(super) fn check(packages: &[Package], open: &mut Open) -> Outcome {
    // Only nightly can choose them; what is built with them is built by the same compiler as all else.
    if output("rustup", &["run", "nightly", "cargo", "--version"]).is_err() {
        open.push("the least versions of the dependencies: rustup toolchain install nightly".to_owned());
        return Ok(());
    }
    let manifest = copy(packages).map_err(|error| format!("the copy for the least versions: {error}"))?;
    let manifest = manifest.display().to_string();
    output(
        "rustup",
        &["run", "nightly", "cargo", "update", "-Z", "direct-minimal-versions", "--manifest-path", &manifest],
    )?;
    cargo_quiet(&[
        "check",
        "--quiet",
        "--all-features",
        "--locked",
        "--workspace",
        "--manifest-path",
        &manifest,
    ])
    .map_err(|error| format!("does not compile with the least versions of {manifest}: {error}"))
}

/// A workspace of the published crates without their tests, whose dependencies would be chosen along. Its manifest.
fn copy(packages: &[Package]) -> std::io::Result<PathBuf> {
    let folder = target().join("oldest");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    let mut members = Vec::new();
    for package in packages {
        let from = package.folder();
        let within = from.strip_prefix(root()).unwrap_or(&from).to_owned();
        let to = folder.join(&within);
        copy_folder(&from.join("src"), &to.join("src"))?;
        fs::copy(from.join("README.md"), to.join("README.md"))?;
        let manifest = without_tests(&fs::read_to_string(from.join("Cargo.toml"))?);
        fs::write(to.join("Cargo.toml"), manifest)?;
        members.push(format!("{:?}", within.display().to_string()));
    }
    let whole = fs::read_to_string(root().join("Cargo.toml"))?;
    let shared = whole.find("[workspace.package]").map_or("", |start| &whole[start..]);
    let manifest = folder.join("Cargo.toml");
    fs::write(
        &manifest,
        format!("[workspace]\nresolver = \"3\"\nmembers = [{}]\n\n{shared}", members.join(", ")),
    )?;
    Ok(manifest)
}

fn copy_folder(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &to)?;
        } else {
            fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}

/// A manifest without the tables that only tests need.
fn without_tests(manifest: &str) -> String {
    let mut left_out = false;
    let kept = manifest.lines().filter(|line| {
        if line.starts_with('[') {
            left_out = line.starts_with("[[test]]") || line.starts_with("[dev-dependencies");
        }
        !left_out
    });
    kept.flat_map(|line| [line, "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tests_need_is_left_out() {
        let manifest = "[dependencies]\na = \"1\"\n[dev-dependencies]\nb = \"1\"\n[[test]]\nname = \"c\"\n[lints]\nworkspace = true\n";
        assert_eq!(without_tests(manifest), "[dependencies]\na = \"1\"\n[lints]\nworkspace = true\n");
    }
}
