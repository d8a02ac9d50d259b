//! What has changed since the last release that needs a version of another kind.

use super::Open;
use super::published::{Package, arguments};
use crate::Outcome;
use crate::command::{cargo_quiet, has, output};

pub(super) fn check(packages: &[Package], open: &mut Open) -> Outcome {
    let tags = output("git", &["tag", "--list", "v*", "--sort", "-version:refname"])?;
    let Some(last) = tags.lines().next() else {
        eprintln!("    no version was released before this one (no tag v…): nothing to compare with");
        return Ok(());
    };
    if !has("cargo-semver-checks") {
        open.push(format!("the public interface against {last}: cargo install cargo-semver-checks"));
        return Ok(());
    }
    let mut command = vec!["semver-checks", "--all-features", "--baseline-rev", last];
    // A program has no interface that Rust sees.
    let libraries = arguments(packages);
    command.extend(libraries.chunks(2).filter(|pair| pair[1] != "session-cli").flatten());
    cargo_quiet(&command)
}
