//! How long each of many requests took.

use std::time::Duration;

use crate::table::number;

#[derive(Debug)]
pub(crate) struct Times {
    pub(crate) count: usize,
    pub(crate) median: Duration,
    /// Of a hundred one takes longer.
    pub(crate) rare: Duration,
    pub(crate) slowest: Duration,
}

impl Times {
    pub(crate) fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let at = |hundredths: usize| times.get(times.len() * hundredths / 100).copied().unwrap_or_default();
        let (median, rare) = (at(50), at(99));
        Self { count: times.len(), median, rare, slowest: times.last().copied().unwrap_or_default() }
    }

    pub(crate) fn show(&self) -> [String; 2] {
        [self.median, self.rare].map(|time| format!("{} µs", number(time.as_secs_f64() * 1e6, 0)))
    }
}
