//! How far a long command is: a moving line on a terminal, nothing elsewhere.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A line on standard error that goes when this does. Clones are the same line.
#[derive(Clone, Debug)]
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Shows nothing where standard error is no terminal.
    pub(crate) fn begin(doing: &'static str) -> Self {
        let bar = ProgressBar::new_spinner().with_message(doing);
        let style = ProgressStyle::with_template(
            "{spinner:.cyan} {msg}  {prefix}  {per_sec}  {elapsed_precise:.dim}",
        );
        if let Ok(style) = style {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(100));
        Self(bar)
    }

    /// So many have been looked at or removed; and what there is to say of them.
    pub(crate) fn at(&self, count: u64, says: impl FnOnce() -> String) {
        self.0.set_position(count);
        if !self.0.is_hidden() {
            self.0.set_prefix(says());
        }
    }

    /// How many there were at last.
    pub(crate) fn count(&self) -> u64 {
        self.0.position()
    }

    pub(crate) fn end(&self) {
        self.0.finish_and_clear();
    }
}
