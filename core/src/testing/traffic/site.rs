//! What all clients share: the sessions, the weather, and how they fared.

use std::fmt;
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::{RECOVERY, Seen};
use crate::error::Error;
use crate::sessions::Sessions;
use crate::testing::history::History;

pub(super) struct Site {
    pub(super) sessions: Sessions,
    pub(super) history: History,
    pub(super) stop: AtomicBool,
    weather: Mutex<Weather>,
}

impl Site {
    pub(super) fn new(sessions: &Sessions, history: &History) -> Self {
        Self {
            sessions: sessions.clone(),
            history: history.clone(),
            stop: AtomicBool::default(),
            weather: Mutex::default(),
        }
    }

    pub(super) fn weather(&self) -> MutexGuard<'_, Weather> {
        self.weather.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn seen(&self) -> Seen {
        self.weather().seen.clone()
    }
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Site").field("weather", &self.weather()).finish_non_exhaustive()
    }
}

/// When requests may fail, and what became of them.
#[derive(Debug, Default)]
pub(super) struct Weather {
    /// How many troubles there have been.
    troubles: u32,
    /// Since when there is none.
    peace: Option<Instant>,
    /// Nobody has succeeded since.
    recovers: bool,
    pub(super) seen: Seen,
}

/// A request under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Began {
    at: Instant,
    /// It may not fail, unless there is trouble before it ends.
    troubles: Option<u32>,
}

impl Weather {
    pub(super) fn trouble(&mut self) {
        self.troubles += 1;
        self.peace = None;
    }

    pub(super) fn peace(&mut self) {
        self.peace = Some(Instant::now());
        self.recovers = true;
    }

    pub(super) fn begin(&self) -> Began {
        let at = Instant::now();
        let is_well = self.troubles == 0 || self.peace.is_some_and(|peace| at >= peace + RECOVERY);
        Began { at, troubles: is_well.then_some(self.troubles) }
    }

    /// Notes how a request ended, and whether it wrote.
    ///
    /// # Panics
    ///
    /// Where it failed, and should not have.
    pub(super) fn end(&mut self, began: Began, error: Option<&Error>, has_written: bool) {
        let took = began.at.elapsed();
        self.seen.requests += 1;
        self.seen.slowest = self.seen.slowest.max(took);
        self.seen.acknowledged += u64::from(has_written);
        if let Some(error) = error {
            self.seen.failed += 1;
            let since = self.peace.map(|peace| peace.elapsed());
            assert_ne!(
                began.troubles,
                Some(self.troubles),
                "a request failed after {took:?}, {since:?} after the trouble's end: {error}: {error:?}"
            );
        } else if self.recovers && self.peace.is_some_and(|peace| began.at >= peace) {
            self.recovers = false;
            let recovery = self.peace.map_or(Duration::ZERO, |peace| peace.elapsed());
            self.seen.recovery = self.seen.recovery.max(recovery);
        }
    }
}
