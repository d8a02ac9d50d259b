//! `cargo xtask tidy`: what no compiler checks.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use crate::command::{metadata, output, root};
use crate::{Outcome, dependencies, links};

pub(crate) fn run() -> Outcome {
    eprintln!("\n==> tidy");
    let files = tracked_files()?;
    let mut faults = Vec::new();
    edges_are_documented(&mut faults)?;
    faults.extend(dependencies::fault()?);
    nothing_is_left_undone(&files, &mut faults);
    links_lead_somewhere(&files, &mut faults);
    files_have_one_subject(&files, &mut faults);
    tests_that_are_named_exist(&files, &mut faults);
    secrets_have_nothing_derived(&files, &mut faults);
    if faults.is_empty() { Ok(()) } else { Err(format!("not tidy:\n  {}", faults.join("\n  "))) }
}

/// Which crate depends on which is the design: `ARCHITECTURE.md` lists each edge with its reason, and no other exists.
fn edges_are_documented(faults: &mut Vec<String>) -> Outcome {
    let metadata = metadata()?;
    let packages = metadata["packages"].as_array().ok_or("cargo metadata names no packages")?;
    let names: BTreeSet<_> = packages.iter().filter_map(|package| package["name"].as_str()).collect();
    let mut there = BTreeSet::new();
    for package in packages {
        let normal = package["dependencies"].as_array().into_iter().flatten().filter(|d| d["kind"].is_null());
        for to in normal.filter_map(|dependency| dependency["name"].as_str()).filter(|to| names.contains(to))
        {
            there.insert(format!("{} -> {to}", package["name"].as_str().unwrap_or_default()));
        }
    }
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).map_err(|error| error.to_string())?;
    let edge = |line: &str| Some(line.strip_prefix("- `")?.split_once('`')?.0.to_owned());
    let listed: BTreeSet<_> = text.lines().filter_map(edge).filter(|edge| edge.contains(" -> ")).collect();
    faults.extend(there.difference(&listed).map(|edge| format!("ARCHITECTURE.md does not list `{edge}`")));
    faults.extend(
        listed.difference(&there).map(|edge| format!("ARCHITECTURE.md lists `{edge}`, which is not there")),
    );
    Ok(())
}

fn nothing_is_left_undone(files: &[PathBuf], faults: &mut Vec<String>) {
    // Put together here, so that this file is not found.
    let marks = [
        ["TO", "DO"],
        ["FIX", "ME"],
        ["todo", "!("],
        ["unimplemented", "!("],
        ["#[ign", "ore"],
        ["```ign", "ore"],
    ];
    let marks: Vec<String> = marks.iter().map(|halves| halves.concat()).collect();
    for (path, text) in read(files, &["rs", "md", "toml", "html"]) {
        for (number, line) in text.lines().enumerate() {
            if let Some(mark) = marks.iter().find(|mark| line.contains(*mark)) {
                faults.push(format!("{}:{}: {mark}", path.display(), number + 1));
            }
        }
    }
}

/// A link in Markdown leads to a file that is there, and to a heading that is in it.
fn links_lead_somewhere(files: &[PathBuf], faults: &mut Vec<String>) {
    for (path, text) in read(files, &["md"]) {
        faults.extend(links::faults(path, &text));
    }
}

fn files_have_one_subject(files: &[PathBuf], faults: &mut Vec<String>) {
    const LONGEST: usize = 600;
    for (path, text) in read(files, &["rs"]) {
        let lines = text.lines().count();
        if lines > LONGEST {
            faults.push(format!("{} has {lines} lines: it holds two things", path.display()));
        }
    }
}

/// The last column of each table in `docs/security.md` names tests.
fn tests_that_are_named_exist(files: &[PathBuf], faults: &mut Vec<String>) {
    let sources: String = read(files, &["rs"]).map(|(_, text)| text).collect();
    let page = PathBuf::from("docs/security.md");
    for (_, text) in read(std::slice::from_ref(&page), &["md"]) {
        let columns = text.lines().filter_map(|line| line.strip_suffix('|')?.rsplit('|').next());
        let quoted = columns.flat_map(|column| column.split('`').skip(1).step_by(2));
        // A case that is run for several engines has a parameter for them.
        let is_there =
            |name: &str| ['(', '<'].iter().any(|next| sources.contains(&format!("fn {name}{next}")));
        let missing = quoted.filter(|name| !name.contains('…') && !is_there(name));
        faults.extend(missing.map(|name| format!("{}: no test `{name}`", page.display())));
    }
}

/// A derived `==` ends at the first difference, and how soon tells how much of a guess was right; a derived `Debug` shows all.
fn secrets_have_nothing_derived(files: &[PathBuf], faults: &mut Vec<String>) {
    let sources = files.iter().filter(|path| path.starts_with("core/src") || path.starts_with("backends"));
    let sources: Vec<_> = sources.filter(|path| !path.starts_with("core/src/testing")).cloned().collect();
    for (path, text) in read(&sources, &["rs"]) {
        for (derived, declared) in text.lines().zip(text.lines().skip(1)) {
            let is_secret = declared.contains("struct ") && declared.contains("Secret");
            for name in ["PartialEq", "Debug", "Hash"] {
                if is_secret && derived.starts_with("#[derive(") && derived.contains(name) {
                    faults.push(format!("{}: `{declared}` derives {name}", path.display()));
                }
            }
        }
    }
}

/// The files of these kinds, with their texts.
fn read<'a>(files: &'a [PathBuf], kinds: &'a [&str]) -> impl Iterator<Item = (&'a PathBuf, String)> {
    let of_kind = |path: &&PathBuf| path.extension().is_some_and(|kind| kinds.iter().any(|k| kind == *k));
    files.iter().filter(of_kind).filter_map(|path| Some((path, fs::read_to_string(root().join(path)).ok()?)))
}

/// What git tracks, and what it would if it were added.
fn tracked_files() -> Result<Vec<PathBuf>, String> {
    let list = output("git", &["ls-files", "--cached", "--others", "--exclude-standard"])?;
    Ok(list.lines().map(PathBuf::from).collect())
}
