//! What is printed: tables and sentences for people, JSON for programs.

use std::error::Error as _;
use std::io::{self, Write as _};

use serde::Serialize;
use serde_json::json;
use unicode_width::UnicodeWidthStr as _;

use crate::args::Args;
use crate::error::Failure;
use crate::secrecy;

/// To whom it is printed.
#[derive(Debug)]
pub(crate) struct Output {
    json: bool,
}

/// On which side of its column a text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Left,
    Right,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// One of the two: a value for programs, on a line of its own, or a text for people.
    pub(crate) fn say(&self, value: &impl Serialize, text: impl FnOnce() -> String) -> io::Result<()> {
        if self.json { print(&serde_json::to_string(value)?) } else { print(&text()) }
    }

    /// A line for people, and nothing for programs.
    pub(crate) fn line(&self, line: &str) -> io::Result<()> {
        if self.json { Ok(()) } else { print(line) }
    }

    /// A value for programs, and nothing for people.
    pub(crate) fn value(&self, value: &impl Serialize) -> io::Result<()> {
        if self.json { print(&serde_json::to_string(value)?) } else { Ok(()) }
    }

    /// Something for people besides, on standard error.
    pub(crate) fn note(&self, note: &str) {
        if !self.json {
            eprintln!("{note}");
        }
    }

    /// A failure, on standard error, with what is behind it and what to do. `asked` is what was, where that is known.
    pub(crate) fn failure(&self, failure: &Failure, asked: Option<&Args>) {
        if failure.exit_code() == 0 {
            return;
        }
        let message = failure.to_string();
        let mut message = if failure.repeats_nothing() { message } else { secrecy::cleaned(&message) };
        let mut source = failure.source();
        while let Some(cause) = source {
            let says = cause.to_string();
            let cleaned = secrecy::cleaned(&says);
            if !message.contains(&says) && !message.contains(&cleaned) {
                message = format!("{message}: {cleaned}");
            }
            source = cause.source();
        }
        let url = asked.filter(|args| failure.is_of_the_store() && args.command.has_one_store());
        let url = url.and_then(|args| args.store.url().ok());
        let store = url.map(|url| secrecy::name_of(&url));
        let advice = failure.advice(asked);
        if self.json {
            let value =
                json!({ "error": failure.code(), "message": message, "advice": advice, "store": store });
            eprintln!("{value}");
        } else {
            // What clap says begins with a word of its own.
            let program = if matches!(failure, Failure::Typed(_)) { "" } else { "session: " };
            eprintln!("{program}{message}");
            store.iter().for_each(|store| eprintln!("  the store is {store}"));
            advice.iter().for_each(|advice| eprintln!("  {advice}"));
        }
    }
}

/// Unlike `println!` it does not panic where nobody reads any more.
fn print(line: &str) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{line}")
}

/// Rows whose columns stand below each other. They may come in parts: a column is as wide as anything in it so far.
#[derive(Debug)]
pub(crate) struct Table<const N: usize> {
    sides: [Side; N],
    widths: [usize; N],
}

impl<const N: usize> Table<N> {
    pub(crate) fn new(sides: [Side; N]) -> Self {
        Self { sides, widths: [0; N] }
    }

    /// The lines of some more rows.
    pub(crate) fn lines(&mut self, rows: &[[String; N]]) -> Vec<String> {
        for row in rows {
            for (width, cell) in self.widths.iter_mut().zip(row) {
                *width = (*width).max(cell.width());
            }
        }
        rows.iter().map(|row| self.one_line(row)).collect()
    }

    fn one_line(&self, row: &[String; N]) -> String {
        let cells = row.iter().zip(self.sides).zip(self.widths).map(|((cell, side), width)| {
            let space = " ".repeat(width.saturating_sub(cell.width()));
            match side {
                Side::Left => format!("{cell}{space}"),
                Side::Right => format!("{space}{cell}"),
            }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    }
}

/// Names and values, one pair a line.
pub(crate) fn pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let rows: Vec<_> = pairs.into_iter().map(|(name, value)| [name.to_owned(), value]).collect();
    Table::new([Side::Left, Side::Left]).lines(&rows).join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other() {
        let mut table = Table::new([Side::Left, Side::Right]);
        let row = |a: &str, b: &str| [a.to_owned(), b.to_owned()];
        assert_eq!(
            table.lines(&[row("ada", "7 B"), row("漢字漢字", "12 B")]),
            ["ada        7 B", "漢字漢字  12 B"]
        );
        assert_eq!(table.lines(&[row("x", "1 B")]), ["x          1 B"]);
    }
}
