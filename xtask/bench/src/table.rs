//! What a measurement says: a page of Markdown tables, and which of its figures are beyond their bounds.

use std::fmt::{Display, Write as _};
use std::path::PathBuf;

use crate::Outcome;

/// Where a measurement's page goes, besides the screen.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Out {
    /// Also writes the tables into a file of this folder
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

/// A measurement's tables.
#[derive(Debug, Default)]
pub(crate) struct Page {
    text: String,
    over: Vec<String>,
}

/// One table of a page.
#[derive(Debug)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Out {
    /// Writes one more file into the folder.
    pub(crate) fn write(&self, file: &str, text: &str) -> std::io::Result<()> {
        let Some(folder) = &self.out else { return Ok(()) };
        std::fs::create_dir_all(folder)?;
        std::fs::write(folder.join(file), text)
    }
}

impl Page {
    #[cfg(feature = "stores")]
    pub(crate) fn paragraph(&mut self, text: impl Display) {
        let _ = writeln!(self.text, "{text}\n");
    }

    pub(crate) fn table(&mut self, table: &Table) {
        let _ = writeln!(self.text, "{table}");
    }

    /// A figure beside what it may be at most. `what` says which it is, where it is over.
    pub(crate) fn bounded(&mut self, what: impl Display, figure: f64, bound: f64, digits: usize) -> String {
        let (shown, limit) = (number(figure, digits), number(bound, digits));
        if figure <= bound {
            return format!("{shown} (≤ {limit} ok)");
        }
        self.over.push(format!("{what}: {shown}, at most {limit}"));
        format!("**{shown}** (≤ {limit} over)")
    }

    /// A figure beside what it must be at least.
    #[cfg(feature = "stores")]
    pub(crate) fn at_least(&mut self, what: impl Display, figure: f64, bound: f64, digits: usize) -> String {
        let (shown, limit) = (number(figure, digits), number(bound, digits));
        if figure >= bound {
            return format!("{shown} (≥ {limit} ok)");
        }
        self.over.push(format!("{what}: {shown}, at least {limit}"));
        format!("**{shown}** (≥ {limit} under)")
    }

    /// Prints the page, and writes it into a file of this name; an error where a figure is beyond its bound.
    pub(crate) fn finish(self, name: &str, out: &Out) -> Outcome {
        println!("{}", self.text.trim_end());
        out.write(&format!("{name}.md"), &self.text)?;
        if self.over.is_empty() {
            Ok(())
        } else {
            Err(format!("beyond the bound:\n  {}", self.over.join("\n  ")).into())
        }
    }
}

impl Table {
    pub(crate) fn new(columns: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { rows: vec![columns.into_iter().map(Into::into).collect()] }
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = impl Into<String>>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }
}

impl Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (n, row) in self.rows.iter().enumerate() {
            writeln!(f, "| {} |", row.join(" | "))?;
            if n == 0 {
                writeln!(f, "|{}", " --- |".repeat(row.len()))?;
            }
        }
        Ok(())
    }
}

/// A whole number, with commas.
#[cfg(feature = "stores")]
pub(crate) fn count(count: usize) -> String {
    grouped(&count.to_string())
}

/// With so many digits behind the point, and commas before it.
pub(crate) fn number(figure: f64, digits: usize) -> String {
    grouped(&format!("{figure:.digits$}"))
}

fn grouped(plain: &str) -> String {
    let (sign, plain) = plain.strip_prefix('-').map_or(("", plain), |rest| ("-", rest));
    let (whole, rest) = plain.split_at(plain.find('.').unwrap_or(plain.len()));
    let mut grouped = String::new();
    for (n, digit) in whole.chars().enumerate() {
        if n > 0 && (whole.len() - n).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{sign}{grouped}{rest}")
}
