//! Links in Markdown: where each leads is there.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::command::root;

/// What is wrong with the links of this page.
pub(crate) fn faults(page: &Path, text: &str) -> Vec<String> {
    let wrong = targets(text).filter_map(|target| Some((target, fault(page, text, target)?)));
    wrong.map(|(target, fault)| format!("{}: {fault}: {target}", page.display())).collect()
}

/// What is wrong with a link: nothing, or what its author should know.
fn fault(page: &Path, text: &str, target: &str) -> Option<&'static str> {
    if target.contains("://") {
        return (!is_external(target)).then_some("not an address of the form https://host/…");
    }
    let (file, heading) = target.split_once('#').unwrap_or((target, ""));
    let path = match file {
        "" => page.to_owned(),
        file => page.parent().unwrap_or(Path::new("")).join(file),
    };
    if !root().join(&path).exists() {
        return Some("no such file");
    }
    let is_page = path.extension().is_some_and(|kind| kind == "md");
    if heading.is_empty() || !is_page {
        return None;
    }
    let there = if file.is_empty() { text.to_owned() } else { fs::read_to_string(root().join(path)).ok()? };
    (!anchors(&there).iter().any(|anchor| anchor == heading)).then_some("no such heading")
}

/// The targets of a page's links. What stands in code is no link.
fn targets(text: &str) -> impl Iterator<Item = &str> {
    let prose = prose(text).flat_map(|line| line.split('`').step_by(2));
    // A link's text may be code, so its end may be in another part than its beginning.
    prose.flat_map(|part| part.split("](").skip(1)).filter_map(|rest| rest.split(')').next())
}

/// The lines outside of fenced blocks.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut fenced = false;
    text.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        fenced ^= is_fence;
        !fenced && !is_fence
    })
}

/// Whether it may be a page elsewhere; nobody is asked.
fn is_external(target: &str) -> bool {
    let Some(rest) = target.strip_prefix("https://") else { return false };
    let host = rest.split(['/', '#', '?']).next().unwrap_or_default();
    host.contains('.')
        && host.chars().all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-')
        && !target.contains(char::is_whitespace)
}

/// What GitHub makes of a page's headings.
fn anchors(text: &str) -> Vec<String> {
    let mut seen = BTreeMap::<String, usize>::new();
    let headings = prose(text)
        .filter_map(|line| line.trim_start_matches('#').strip_prefix(' ').filter(|_| line.starts_with('#')));
    headings
        .map(|heading| {
            let anchor = anchor(heading);
            let before = seen.entry(anchor.clone()).or_default();
            *before += 1;
            if *before == 1 { anchor } else { format!("{anchor}-{}", *before - 1) }
        })
        .collect()
}

/// Small letters, figures, `-` and `_`; spaces become `-`; of a link its text stays.
fn anchor(heading: &str) -> String {
    let mut text = String::new();
    for (number, part) in heading.split("](").enumerate() {
        text.push_str(if number == 0 { part } else { part.split_once(')').map_or("", |(_, after)| after) });
    }
    let kept = text.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_become_github_s_anchors() {
        let page = "# Two requests at once\n\n## `SameSite`, and why\n```sh\n# no heading\n```\n## [Redis](x.md)!\n## Redis\n#no";
        assert_eq!(anchors(page), ["two-requests-at-once", "samesite-and-why", "redis", "redis-1"]);
    }

    #[test]
    fn links_are_found_outside_of_code() {
        let page =
            "[a](a.md) and [`b`](b.md#c), `[no](no.md)`\n```\n[no](no.md)\n```\n[d](https://example.org/d)";
        assert_eq!(targets(page).collect::<Vec<_>>(), ["a.md", "b.md#c", "https://example.org/d"]);
    }

    #[test]
    fn a_dead_link_is_a_fault() {
        let page = Path::new("README.md");
        let dead = |target: &str| !faults(page, &format!("## Here\n[x]({target})")).is_empty();
        for target in [
            "nowhere.md",
            "#there",
            "docs/stores.md#no-such-heading",
            "http://example.org",
            "https://example",
        ] {
            assert!(dead(target), "{target}");
        }
        for target in [
            "#here",
            "docs/stores.md",
            "docs/stores.md#at-scale",
            "https://example.org/a#b",
            "core/src/lib.rs#L1",
        ] {
            assert!(!dead(target), "{target}");
        }
    }
}
