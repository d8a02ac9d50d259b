//! `cargo xtask screenshots`: the pictures of the demos in the README.

use std::fs;
use std::process::Command;

use crate::Outcome;
use crate::command::{cargo, root, run as run_command, target};
use crate::packages::BROWSER;

/// Where they are.
const FOLDER: &str = "docs/screenshots";

/// The demos, and of each another page in a theme: the pages are the same in all of them.
const PICTURES: &[(&str, &str, &str)] =
    &[("axum", "/", "light"), ("actix", "/cart", "dark"), ("rocket", "/devices", "light")];

pub(crate) fn run() -> Outcome {
    BROWSER.provide()?;
    let packages = ["testing", "axum", "actix", "rocket"].map(|name| format!("--package=example-{name}"));
    let arguments: Vec<_> = ["build"].into_iter().chain(packages.iter().map(String::as_str)).collect();
    cargo(&arguments, &[])?;
    let folder = root().join(FOLDER);
    fs::create_dir_all(&folder).map_err(|error| format!("{FOLDER}: {error}"))?;
    let program = |name: &str| target().join("debug").join(name);
    for (demo, path, theme) in PICTURES {
        eprintln!("\n==> {FOLDER}/{demo}.png");
        let mut screenshot = Command::new(program("screenshot"));
        screenshot.arg(program(&format!("example-{demo}"))).args([path, theme]);
        run_command(screenshot.arg(folder.join(format!("{demo}.png"))))?;
    }
    Ok(())
}
