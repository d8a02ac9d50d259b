//! What was measured, in the pages of `docs` that show it: each table between its two marks; and the plot.

mod machine;
mod plot;

use std::path::{Path, PathBuf};

use crate::Outcome;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where the measurements have put their tables
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// Where the pages are
    #[arg(long, value_name = "FOLDER")]
    docs: PathBuf,
}

const PAGES: [&str; 2] = ["benchmarks.md", "choosing-a-store.md"];

/// Before a table stands its name, and behind it is the end.
const MARK: &str = "<!-- measured: ";
const END: &str = "<!-- end -->";

pub(crate) fn run(args: &Args) -> Outcome {
    for page in PAGES.map(|page| args.docs.join(page)) {
        let text = std::fs::read_to_string(&page)?;
        std::fs::write(&page, with_tables(&text, &args.out)?)?;
    }
    let instructions = args.out.join("instructions.tsv");
    if instructions.exists() {
        plot::draw(&std::fs::read_to_string(instructions)?, &args.docs.join("benchmarks.svg"))?;
    }
    Ok(())
}

/// The page with the newest tables; what was not measured stays.
fn with_tables(text: &str, out: &Path) -> Result<String, Box<dyn std::error::Error>> {
    let (mut new, mut rest) = (String::new(), text);
    while let Some(start) = rest.find(MARK) {
        let (before, marked) = rest.split_at(start);
        let name = marked[MARK.len()..].split(" -->").next().unwrap_or_default();
        let end = marked.find(END).ok_or_else(|| format!("no end behind `measured: {name}`"))?;
        let (old, behind) = marked.split_at(end);
        new.push_str(before);
        match table(name, out)? {
            Some(table) => {
                new.push_str(&format!("{MARK}{name} -->\n\n{}\n\n", table.trim()));
            }
            None => new.push_str(old),
        }
        new.push_str(END);
        rest = &behind[END.len()..];
    }
    Ok(new + rest)
}

fn table(name: &str, out: &Path) -> std::io::Result<Option<String>> {
    if name == "machine" {
        return Ok(Some(machine::description()));
    }
    match std::fs::read_to_string(out.join(format!("{name}.md"))) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        table => table.map(Some),
    }
}
