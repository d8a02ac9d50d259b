//! The crates that are published.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::Value;

use crate::command::metadata;

/// One of them, as cargo sees it.
#[derive(Debug)]
pub(super) struct Package(pub(super) Value);

impl Package {
    pub(super) fn name(&self) -> &str {
        self.text("name")
    }

    pub(super) fn version(&self) -> &str {
        self.text("version")
    }

    /// What Cargo.toml says under this key; empty where it says nothing.
    pub(super) fn text(&self, key: &str) -> &str {
        self.0[key].as_str().unwrap_or_default()
    }

    /// The same for a key that has a list.
    pub(super) fn list(&self, key: &str) -> Vec<&str> {
        self.0[key].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
    }

    pub(super) fn folder(&self) -> PathBuf {
        let manifest = PathBuf::from(self.text("manifest_path"));
        manifest.parent().map(PathBuf::from).unwrap_or_default()
    }

    /// What must be in the registry before it. A dependency of tests alone that names no version is not published with it.
    fn needs(&self) -> impl Iterator<Item = &str> {
        let all = self.0["dependencies"].as_array().into_iter().flatten();
        all.filter(|dependency| dependency["req"] != "*").filter_map(|dependency| dependency["name"].as_str())
    }
}

/// All of them, each behind those that it needs.
pub(super) fn in_order() -> Result<Vec<Package>, String> {
    let metadata = metadata()?;
    let packages = metadata["packages"].as_array().ok_or("cargo metadata names no packages")?;
    // `publish = false` is an empty list of registries.
    let published = packages.iter().filter(|package| package["publish"].is_null());
    let mut rest: Vec<_> = published.cloned().map(Package).collect();
    let mut ordered = Vec::new();
    while !rest.is_empty() {
        let waiting: BTreeSet<_> = rest.iter().map(|package| package.name().to_owned()).collect();
        let (ready, later): (Vec<_>, Vec<_>) =
            rest.into_iter().partition(|package| !package.needs().any(|name| waiting.contains(name)));
        if ready.is_empty() {
            let names: Vec<_> = waiting.into_iter().collect();
            return Err(format!("these crates need each other: {}", names.join(", ")));
        }
        ordered.extend(ready);
        rest = later;
    }
    Ok(ordered)
}

/// As cargo's arguments.
pub(super) fn arguments(packages: &[Package]) -> Vec<&str> {
    packages.iter().flat_map(|package| ["--package", package.name()]).collect()
}
