//! Where blocking is allowed, and who waits for whom.

use std::sync::Arc;
use std::time::{Duration, Instant};

use session_core::RecordKey;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::task::spawn_blocking;

use crate::error::{Error, Result};
use crate::folder::{fan_out, shard_of};
use crate::lock::SHARDS;

/// How long a verb waits for another process that holds a lock: as long as the SQLite store does.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

pub(crate) type Gate = Arc<Mutex<()>>;

/// Before the locks between processes: of all tasks that want one, one waits for it on a thread, and the others wait here, where
/// waiting costs nothing. So no number of requests for one session takes the threads of the others (T35).
#[derive(Debug)]
pub(crate) struct Gates(Box<[Gate]>);

impl Gates {
    pub(crate) fn new() -> Self {
        Self((0..SHARDS).map(|_| Gate::default()).collect())
    }

    pub(crate) fn of(&self, key: &RecordKey) -> Gate {
        Arc::clone(&self.0[shard_of(fan_out(key))])
    }
}

/// Runs work on a thread that may block, behind its gate. It is told how much of the patience is left: if a lock is stuck, all who
/// want it are told at the same time.
pub(crate) async fn run<T: Send + 'static>(
    gate: Option<Gate>,
    patience: Duration,
    work: impl FnOnce(Duration) -> Result<T> + Send + 'static,
) -> Result<T> {
    let deadline = Instant::now() + patience;
    let pass = match gate {
        Some(gate) => Some(gate.lock_owned().await),
        None => None,
    };
    // A request that is cancelled leaves its verb running: it is done or not, never half, and holds its place until then.
    let work = spawn_blocking(move || {
        let _pass: Option<OwnedMutexGuard<()>> = pass;
        work(deadline.saturating_duration_since(Instant::now()))
    });
    match work.await {
        Ok(done) => done,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => Err(Error::ShuttingDown),
    }
}
