//! How many crates an application gets with `session-axum`: its page says so, and none is added unnoticed.

use std::collections::BTreeSet;
use std::fs;

use crate::command::{output, root};

const PAGE: &str = "adapters/axum/README.md";

/// What stands before the number there.
const BEFORE: &str = "With default features it brings ";

/// What is wrong with the number: nothing, or what to do.
pub(crate) fn fault() -> Result<Option<String>, String> {
    let there = count()?;
    let page = fs::read_to_string(root().join(PAGE)).map_err(|error| format!("{PAGE}: {error}"))?;
    let after = page.split_once(BEFORE).map_or("", |(_, after)| after);
    let said = after.split(' ').next().unwrap_or_default();
    if said == there.to_string() {
        return Ok(None);
    }
    Ok(Some(format!(
        "{PAGE} has to say \"{BEFORE}{there} crates\", if each of them is worth it; it says `{said}`"
    )))
}

/// With what it needs to be built, and itself. On one system, because each has libraries of its own.
fn count() -> Result<usize, String> {
    let tree = output(
        "cargo",
        &[
            "tree",
            "--package=session-axum",
            "--edges=normal,build",
            "--target=x86_64-unknown-linux-gnu",
            "--prefix=none",
            "--no-dedupe",
        ],
    )?;
    // Name and version; behind them stands what kind of crate it is, or where.
    let crates: BTreeSet<_> = tree.lines().map(|line| line.split(' ').take(2).collect::<Vec<_>>()).collect();
    Ok(crates.len())
}
