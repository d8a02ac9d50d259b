//! How far a long command is: a moving line on a terminal, nothing elsewhere.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use session_core::RecordKey;

const LINE: &str = "{spinner:.cyan} {msg}  {prefix}  {elapsed_precise:.dim}";
const BAR: &str =
    "{spinner:.cyan} {msg}  {bar:30.cyan/dim} {percent:>3} %  {prefix}  {elapsed_precise:.dim}, {eta} left";

/// The parts into which a store's keys are divided, each of which has about as many.
const PARTS: u64 = 36 * 36 * 36;

/// A line on standard error that goes when this does. Clones are the same line.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    walk: Arc<Mutex<Walk>>,
}

/// A way through the keys of a store.
#[derive(Clone, Copy, Debug)]
enum Walk {
    NotBegun,
    /// From the first to the last: this part is reached.
    InOrder(u64),
    /// Nobody knows how far it is.
    AnyHow,
}

impl Progress {
    /// Shows nothing where standard error is no terminal.
    pub(crate) fn begin(doing: &'static str) -> Self {
        let bar = ProgressBar::new_spinner().with_message(doing).with_style(style(LINE));
        bar.enable_steady_tick(Duration::from_millis(100));
        Self { bar, walk: Arc::new(Mutex::new(Walk::NotBegun)) }
    }

    /// What there is to say of what was done.
    pub(crate) fn says(&self, says: impl FnOnce() -> String) {
        if !self.bar.is_hidden() {
            self.bar.set_prefix(says());
        }
    }

    /// A walk through all sessions has met this one.
    pub(crate) fn has_reached(&self, key: &RecordKey) {
        let mut walk = self.walk.lock().unwrap_or_else(PoisonError::into_inner);
        let next = walk.then(part_of(key));
        match (*walk, next) {
            (Walk::NotBegun, _) => {
                self.bar.set_length(PARTS);
                self.bar.set_style(style(BAR));
            }
            (Walk::InOrder(_), Walk::AnyHow) => self.bar.set_style(style(LINE)),
            _ => {}
        }
        if let Walk::InOrder(part) = next {
            self.bar.set_position(part);
        }
        *walk = next;
    }

    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }
}

impl Walk {
    fn then(self, part: u64) -> Self {
        match self {
            Self::InOrder(before) if part < before => Self::AnyHow,
            Self::NotBegun | Self::InOrder(_) => Self::InOrder(part),
            Self::AnyHow => Self::AnyHow,
        }
    }
}

/// In which of the [`PARTS`] a key is: its first letters and digits, in the order in which stores have them.
fn part_of(key: &RecordKey) -> u64 {
    let rank = |c: &u8| match c {
        b'0'..=b'9' => u64::from(c - b'0'),
        b'a'..=b'z' => u64::from(c - b'a') + 10,
        _ => 35,
    };
    key.as_str().as_bytes().iter().take(3).map(rank).fold(0, |part, rank| part * 36 + rank)
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(keys: &[&str]) -> Walk {
        let part = |key: &&str| {
            part_of(&format!("{key}bcdefghijklmnopqrstuvwxyz012345")[..32].parse().expect("a key"))
        };
        keys.iter().map(part).fold(Walk::NotBegun, Walk::then)
    }

    #[test]
    fn a_walk_in_the_order_of_the_keys_shows_how_far_it_is() {
        assert!(matches!(walk(&["000"]), Walk::InOrder(0)));
        assert!(matches!(walk(&["00a", "9zz", "i00"]), Walk::InOrder(part) if part == PARTS / 2));
        assert!(matches!(walk(&["zzz", "zzz"]), Walk::InOrder(part) if part == PARTS - 1));
    }

    /// As Redis has them.
    #[test]
    fn a_walk_in_any_order_shows_nothing() {
        assert!(matches!(walk(&["i00", "a00", "z00"]), Walk::AnyHow));
    }
}
