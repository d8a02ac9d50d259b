//! What many did to sessions at once, and whether one after the other could have done it.
//!
//! Who does something notes it before and after. In the end each session is judged by itself: is there a serial order of all that
//! was done to it in which everybody would have had the answer that they had, and in which nothing comes before what had ended
//! when it began? That is linearizability; the order is searched for as Wing and Gong do, with Lowe's memory of what was tried.
//!
//! ```
//! use session_core::testing::history::{Answer, History, Operation, Secret};
//!
//! let history = History::new();
//! let secret = Some(Secret::of("the cookie that came back"));
//! let call = history.invoke("ada", "session 1", None, [Operation::Create]);
//! call.done(Answer::There { read: vec![], secret });
//! let call = history.invoke("ada", "session 1", secret, [Operation::Increment("n".into())]);
//! call.done(Answer::saved());
//! let call = history.invoke("eve", "session 1", secret, [Operation::Read("n".into())]);
//! call.done(Answer::value(Some(1)));
//! history.judge();
//! ```
//!
//! A request has two points, its load and its save, and is two steps: what it read, and what it wrote. Only what is one save is
//! one step: a read and a write of one request are not atomic, and an increment (`update`) is.
//!
//! Another process tells its history in lines ([`History::telling`]), which are [heard](History::hear) here. Moments are the
//! machine's, so all processes must be on one.

mod counters;
mod disorder;
mod search;
mod specification;
mod step;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

pub use disorder::Disorder;
pub use step::{Answer, End, Operation, Secret};

use crate::id::random_nonce;
use step::Step;

/// What was done to sessions, by whom, when, and with what answer. Clones are the same history.
#[derive(Clone, Debug, Default)]
pub struct History(Arc<Notes>);

#[derive(Default)]
struct Notes {
    steps: Mutex<BTreeMap<u64, Step>>,
    tell: Option<Tell>,
}

type Tell = Box<dyn Fn(&str) + Send + Sync>;

/// What one process tells another.
#[derive(Debug, Serialize, Deserialize)]
enum Line {
    Invoked(u64, Step),
    Ended { id: u64, end: End, at: u64 },
}

impl History {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// One that also tells each note at once, as a line without its end: for a process that may be killed.
    pub fn telling(tell: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self(Arc::new(Notes { tell: Some(Box::new(tell)), ..Notes::default() }))
    }

    /// Notes what another process has told; whether the line was of a history, and whole.
    pub fn hear(&self, line: &str) -> bool {
        serde_json::from_str(line).is_ok_and(|line| self.0.note(line))
    }

    /// Somebody is about to do this to a session, in one step. They come with this secret, or, where they need none, with the
    /// session's handle. `session` is any name that it keeps.
    ///
    /// # Panics
    ///
    /// Where the operating system gives no random bytes.
    pub fn invoke(
        &self,
        who: impl Into<String>,
        session: impl Into<String>,
        secret: Option<Secret>,
        operations: impl IntoIterator<Item = Operation>,
    ) -> Call {
        let id = random_nonce().expect("random bytes");
        let step = Step {
            who: who.into(),
            session: session.into(),
            secret,
            operations: operations.into_iter().collect(),
            invoked: moment(),
            ended: u64::MAX,
            end: End::Unknown,
        };
        self.0.tell(Line::Invoked(id, step));
        Call { notes: Arc::clone(&self.0), id }
    }

    /// Judges every session by itself.
    ///
    /// # Panics
    ///
    /// With a readable history, where a session's has no serial order; and where one is too large to be judged.
    pub fn judge(&self) {
        if let Err(disorder) = self.check() {
            panic!("{disorder}");
        }
    }

    /// As [`judge`](Self::judge), without a panic.
    pub fn check(&self) -> Result<(), Disorder> {
        self.sessions().values().try_for_each(|steps| search::check(steps))
    }

    /// Judges what can be judged in one pass over any number of steps: a counter that is only incremented, from 0 on, is never less
    /// than what was acknowledged before it was read, nor more than what was begun by then; no reader finds less than one before; and
    /// nobody opens a session after its end was acknowledged.
    ///
    /// # Panics
    ///
    /// Where one of these does not hold.
    pub fn judge_counters(&self) {
        if let Err(disorder) = self.sessions().values().try_for_each(|steps| counters::check(steps)) {
            panic!("{disorder}");
        }
    }

    /// The sessions that something was done to.
    pub fn names(&self) -> BTreeSet<String> {
        self.0.lock().values().map(|step| step.session.clone()).collect()
    }

    /// How many writes were answered with success.
    pub fn acknowledged(&self) -> usize {
        let is_done = |step: &&Step| matches!(step.end, End::Done(_)) && !step.only_looks();
        self.0.lock().values().filter(is_done).count()
    }

    /// How many steps were noted.
    pub fn len(&self) -> usize {
        self.0.lock().len()
    }

    /// Whether nothing was noted.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The steps of each session, in the order in which they were invoked.
    fn sessions(&self) -> BTreeMap<String, Vec<Step>> {
        let mut sessions: BTreeMap<String, Vec<Step>> = BTreeMap::new();
        for step in self.0.lock().values() {
            sessions.entry(step.session.clone()).or_default().push(step.clone());
        }
        sessions.values_mut().for_each(|steps| steps.sort_by_key(|step| step.invoked));
        sessions
    }
}

impl Notes {
    fn tell(&self, line: Line) {
        if let Some(tell) = &self.tell {
            tell(&serde_json::to_string(&line).expect("a line is JSON"));
        }
        self.note(line);
    }

    fn note(&self, line: Line) -> bool {
        let mut steps = self.lock();
        match line {
            Line::Invoked(id, step) => steps.insert(id, step).is_none(),
            Line::Ended { id, end, at } => steps.get_mut(&id).is_some_and(|step| {
                step.ended = if end == End::Unknown { u64::MAX } else { at };
                step.end = end;
                true
            }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Step>> {
        self.steps.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Notes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notes").field("steps", &self.lock().len()).finish_non_exhaustive()
    }
}

/// A step under way. Dropped, as by a task that is cancelled, its outcome stays unknown.
#[derive(Debug)]
#[must_use = "say how it ended; what is dropped may have been done or not"]
pub struct Call {
    notes: Arc<Notes>,
    id: u64,
}

impl Call {
    /// It was answered.
    pub fn done(self, answer: Answer) {
        self.ended(End::Done(answer));
    }

    /// It surely had no effect.
    pub fn failed(self) {
        self.ended(End::Failed);
    }

    /// It may have its effect at any time from its beginning to the end of the history, or never.
    pub fn unknown(self) {
        self.ended(End::Unknown);
    }

    /// It ended so.
    pub fn ended(self, end: End) {
        self.notes.tell(Line::Ended { id: self.id, end, at: moment() });
    }
}

/// By the machine's clock, in nanoseconds; and in one process each is later than the one before it, whatever the clock says: two
/// processors may read it a little apart, and what is done in memory takes less than that.
fn moment() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);

    let now = clock();
    let last = LAST.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |last| Some(now.max(last + 1)));
    last.map_or(now, |last| now.max(last + 1))
}

/// The same in every process of the machine, and never set back.
#[cfg(unix)]
fn clock() -> u64 {
    use rustix::time::{ClockId, clock_gettime};

    let since = clock_gettime(ClockId::Monotonic);
    since.tv_sec.unsigned_abs() * 1_000_000_000 + since.tv_nsec.unsigned_abs()
}

/// The same in every process of the machine. Whoever sets it meanwhile spoils the history of several.
#[cfg(not(unix))]
fn clock() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
