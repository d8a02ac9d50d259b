//! What the registry shows of each crate, and what its changelog says.

use std::fs;

use super::Open;
use super::published::Package;
use crate::Outcome;
use crate::command::root;

/// Those of the registry's categories that fit what is here. It drops others without an error.
const CATEGORIES: &[&str] = &[
    "authentication",
    "caching",
    "command-line-utilities",
    "database",
    "web-programming",
    "web-programming::http-server",
];

pub(super) fn check(packages: &[Package], open: &mut Open) -> Outcome {
    let mut faults: Vec<String> = packages.iter().flat_map(faults).collect();
    faults.extend(changelog(packages, open)?);
    if packages.iter().any(|package| package.text("repository").is_empty()) {
        open.push(
            "no crate names its repository: set `repository` in [workspace.package], and inherit it"
                .to_owned(),
        );
    }
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n  ")) }
}

/// What is missing, or what the registry refuses.
fn faults(package: &Package) -> Vec<String> {
    let keywords = package.list("keywords");
    let is_keyword = |word: &&str| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '+');
        word.len() <= 20 && word.starts_with(|c: char| c.is_ascii_alphanumeric()) && word.chars().all(allowed)
    };
    let categories = package.list("categories");
    let has = |file: &str| package.folder().join(file).exists();
    let rules = [
        (!package.text("description").is_empty(), "has no description"),
        (package.text("license") == "MIT OR Apache-2.0", "is not licensed as the others are"),
        (!package.text("rust_version").is_empty(), "has no rust-version"),
        (!package.text("readme").is_empty() && has("README.md"), "has no README.md"),
        (has("LICENSE-MIT") && has("LICENSE-APACHE"), "has no texts of its licences"),
        ((1..=5).contains(&keywords.len()), "has not one to five keywords"),
        (keywords.iter().all(is_keyword), "has a keyword that the registry refuses"),
        ((1..=5).contains(&categories.len()), "has not one to five categories"),
        (categories.iter().all(|name| CATEGORIES.contains(name)), "has a category that is not in the list"),
    ];
    let broken = rules.into_iter().filter(|(holds, _)| !holds);
    broken.map(|(_, fault)| format!("{} {fault}", package.name())).collect()
}

/// All crates have one version, and it has its part in the changelog.
fn changelog(packages: &[Package], open: &mut Open) -> Result<Option<String>, String> {
    let version = packages.first().map_or("", Package::version);
    if packages.iter().any(|package| package.version() != version) {
        return Ok(Some("the crates have different versions".to_owned()));
    }
    let text = fs::read_to_string(root().join("CHANGELOG.md")).map_err(|error| error.to_string())?;
    let heading = format!("## {version}");
    let Some(rest) = text.lines().find_map(|line| line.strip_prefix(&heading)) else {
        return Ok(Some(format!("CHANGELOG.md has no `{heading}`")));
    };
    if !rest.strip_prefix(", ").is_some_and(is_date) {
        open.push(format!("CHANGELOG.md does not say when {version} comes: `{heading}, YYYY-MM-DD`"));
    }
    Ok(None)
}

fn is_date(text: &str) -> bool {
    let parts: Vec<_> = text.split('-').collect();
    let lengths: Vec<_> = parts.iter().map(|part| part.len()).collect();
    lengths == [4, 2, 2] && parts.iter().all(|part| part.chars().all(|c| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn package(keywords: &[&str], categories: &[&str]) -> Package {
        Package(json!({
            "name": "x",
            "description": "of a test",
            "license": "MIT OR Apache-2.0",
            "rust_version": "1.94",
            "readme": "README.md",
            "keywords": keywords,
            "categories": categories,
            "manifest_path": root().join("core/Cargo.toml"),
        }))
    }

    #[test]
    fn what_the_registry_refuses_is_a_fault() {
        assert_eq!(faults(&package(&["session", "actix-web"], &["database"])), [""; 0]);
        assert_eq!(
            faults(&package(&["two words"], &["database"])),
            ["x has a keyword that the registry refuses"]
        );
        assert_eq!(
            faults(&package(&["a", "b", "c", "d", "e", "f"], &["database"])),
            ["x has not one to five keywords"]
        );
        assert_eq!(
            faults(&package(&["session"], &["databases"])),
            ["x has a category that is not in the list"]
        );
    }

    #[test]
    fn a_release_has_a_date() {
        assert!(is_date("2026-11-22"));
        assert!(!is_date("unreleased") && !is_date("22-11-2026") && !is_date("2026-11"));
    }
}
