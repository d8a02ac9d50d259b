//! Statements that wait for a connection on a thread of its own.
//!
//! The thread belongs to no runtime of the application: a store that was made on one runtime works on any other, also when the
//! first has ended. It ends, and closes its connections, when the last clone of the store is dropped and what was asked is done.

use std::thread;

use sqlx::Database;
use tokio::runtime::Builder;
use tokio::sync::{mpsc, oneshot};

use crate::engine::{Answer, Engine, Own};
use crate::error::{Failure, Fault};
use crate::statement::Statement;

/// How many statements may wait. Whoever comes then waits to be let in, and gives up when core does.
const ROOM: usize = 1024;

/// Where statements are handed in. Clones are the same queue.
pub(crate) struct Queue<DB: Database>(mpsc::Sender<Job<DB>>);

/// A statement, and who waits for its answer.
pub(crate) struct Job<DB: Database> {
    pub(crate) statement: Statement,
    reply: oneshot::Sender<Result<Answer<DB>, Failure>>,
}

/// Where statements are taken out.
pub(crate) type Jobs<DB> = mpsc::Receiver<Job<DB>>;

impl<DB: Engine> Queue<DB> {
    /// Starts a thread that serves a queue; `opens` connects, on the thread, and what it returns works until the queue ends.
    pub(crate) async fn start<T: Send + 'static, S>(
        opens: impl Future<Output = sqlx::Result<T>> + Send + 'static,
        serves: impl FnOnce(T, Jobs<DB>) -> S + Send + 'static,
    ) -> sqlx::Result<Self>
    where
        S: Future<Output = ()>,
    {
        let (queue, jobs) = mpsc::channel(ROOM);
        let (opened, open) = oneshot::channel();
        let work = move || {
            let runtime = match Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime,
                Err(error) => return drop(opened.send(Err(error.into()))),
            };
            runtime.block_on(async {
                match opens.await {
                    Err(error) => drop(opened.send(Err(error))),
                    Ok(connected) => {
                        if opened.send(Ok(())).is_ok() {
                            serves(connected, jobs).await;
                        }
                    }
                }
            });
        };
        thread::Builder::new().name(format!("sessions-{}", DB::NAME.to_lowercase())).spawn(work)?;
        // It says nothing only where it has panicked.
        open.await.unwrap_or(Err(sqlx::Error::WorkerCrashed))?;
        Ok(Self(queue))
    }
}

impl<DB: Engine> Own<DB> for Queue<DB> {
    async fn run(&self, statement: Statement) -> Result<Answer<DB>, Failure> {
        let (reply, answer) = oneshot::channel();
        let stopped = || Failure::new(Fault::Passing, sqlx::Error::WorkerCrashed);
        self.0.send(Job { statement, reply }).await.map_err(|_| stopped())?;
        answer.await.unwrap_or_else(|_| Err(stopped()))
    }
}

impl<DB: Database> Job<DB> {
    /// The visitor has gone, and the future with them, before anything was sent.
    pub(crate) fn is_given_up(&self) -> bool {
        self.reply.is_closed()
    }

    pub(crate) fn answer(self, answer: Result<Answer<DB>, Failure>) {
        // Who has gone meanwhile is not told.
        let _ = self.reply.send(answer);
    }
}

/// Tells all of them the same.
pub(crate) fn fail<DB: Database>(jobs: impl IntoIterator<Item = Job<DB>>, failure: Failure) {
    let failure = failure.of_many();
    for job in jobs {
        job.answer(Err(failure()));
    }
}

impl<DB: Database> Clone for Queue<DB> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}
