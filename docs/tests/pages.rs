//! What the pages say of this repository is so.

#![expect(clippy::unwrap_used, reason = "a test fails where it is")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: &str) -> String {
    let path = here().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The names of this folder's pages.
fn pages() -> BTreeSet<String> {
    let names = fs::read_dir(here()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| Path::new(name).extension().is_some_and(|kind| kind == "md")).collect()
}

/// What stands under a heading, to the next one of its level.
fn section<'a>(page: &'a str, heading: &str) -> &'a str {
    let (_, rest) = page.split_once(&format!("\n## {heading}\n")).unwrap_or_else(|| panic!("no {heading}"));
    rest.split("\n## ").next().unwrap()
}

/// The names in the first column of the tables of a text.
fn first_column(text: &str) -> BTreeSet<&str> {
    text.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect()
}

/// The Rust programs of a page.
fn programs(page: &str) -> impl Iterator<Item = &str> {
    let blocks = page.split("\n```rust").skip(1);
    blocks.map(|block| block.split_once('\n').unwrap().1.split("\n```").next().unwrap())
}

#[test]
fn a_quickstart_is_shown_as_it_is() {
    for (page, framework) in [
        ("start-with-axum.md", "axum"),
        ("start-with-actix-web.md", "actix"),
        ("start-with-rocket.md", "rocket"),
    ] {
        let file = text(&format!("../examples/{framework}/src/bin/quickstart-{framework}.rs"));
        let page = text(page);
        assert_eq!(programs(&page).next(), Some(file.trim_end()), "{framework}");
        assert!(file.lines().count() < 25, "{framework}: a quickstart is short");
    }
}

#[test]
fn an_example_says_in_three_lines_what_it_is() {
    let index = text("../examples/README.md");
    for example in ["axum", "actix", "rocket", "scaled", "django"] {
        let readme = text(&format!("../examples/{example}/README.md"));
        assert_eq!(readme.lines().filter(|line| !line.is_empty()).count(), 3, "{example}");
        assert!(index.contains(&format!("]({example}/README.md)")), "{example} is in the index");
    }
}

#[test]
fn every_page_is_compiled_and_in_the_index() {
    let (compiled, index) = (text("lib.rs"), text("README.md"));
    for page in pages() {
        assert!(compiled.contains(&format!("\"{page}\"")), "{page} is not in lib.rs");
        assert!(page == "README.md" || index.contains(&format!("]({page})")), "{page} is not in the index");
    }
}

#[test]
fn no_program_hides_a_line() {
    for page in pages() {
        for line in programs(&text(&page)).flat_map(str::lines).map(str::trim_start) {
            assert!(
                line != "#" && !line.starts_with("# "),
                "{page}: a reader does not see that it is hidden: {line}"
            );
        }
    }
}

#[test]
fn a_guide_ends_with_where_to_go_next() {
    for page in pages() {
        let page_text = text(&page);
        let last = page_text.trim_end().rsplit("\n\n").next().unwrap();
        let is_reference =
            ["README.md", "benchmarks.md", "reliability.md", "security.md", "stores.md"].contains(&&*page);
        assert!(is_reference || last.starts_with("Where to go next:"), "{page} ends with: {last}");
    }
}

/// A link whose text is a figure leads to a page that has it.
#[test]
fn figures_stand_on_the_page_that_they_link_to() {
    let mut figures = 0;
    for page in pages() {
        let page_text = text(&page);
        for (figure, target) in page_text.split('[').filter_map(|rest| rest.split_once("](")) {
            if figure.starts_with(|first: char| first.is_ascii_digit()) {
                let target = target.split(['#', ')']).next().unwrap();
                assert!(text(target).contains(figure), "{page}: {target} says nothing of {figure}");
                figures += 1;
            }
        }
    }
    assert!(figures > 0, "some page has figures");
}

#[test]
fn what_can_be_observed_is_listed_and_nothing_else() {
    let page = text("observing.md");
    let events = text("../core/src/event.rs");
    let cache_events = text("../backends/cached/src/event.rs");
    assert_eq!(first_column(section(&page, "The events")), names_of(&events));

    let sources = sources();
    let metrics =
        ["counter!(\"", "gauge!(\"", "histogram!(\""].map(|open| opened_by(open, &sources)).concat();
    assert_eq!(first_column(section(&page, "metrics")), metrics.iter().copied().collect());
    let spans = opened_by("span!(\"", &sources);
    assert_eq!(spans, ["session_store"], "each is named under `tracing`");

    let said = [("tracing", spans), ("metrics", names_of(&cache_events).into_iter().collect())];
    for (heading, names) in said {
        for name in names {
            assert!(section(&page, heading).contains(&format!("`{name}`")), "{heading}: {name}");
        }
    }
}

/// The names that events give themselves.
fn names_of(source: &str) -> BTreeSet<&str> {
    let (_, function) = source.split_once("pub fn name(&self)").unwrap();
    let (function, _) = function.split_once("\n    }\n").unwrap();
    function.split('"').skip(1).step_by(2).collect()
}

fn opened_by<'a>(open: &str, source: &'a str) -> Vec<&'a str> {
    source.split(open).skip(1).map(|rest| rest.split('"').next().unwrap()).collect()
}

/// The source of every crate that is published.
fn sources() -> String {
    let mut all = String::new();
    for crates in ["backends", "adapters"] {
        for krate in fs::read_dir(here().join("..").join(crates)).unwrap() {
            read_all(&krate.unwrap().path().join("src"), &mut all);
        }
    }
    read_all(&here().join("../core/src"), &mut all);
    all
}

fn read_all(folder: &Path, into: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_all(&path, into);
        } else {
            into.push_str(&fs::read_to_string(path).unwrap());
        }
    }
}
