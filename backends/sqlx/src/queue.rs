//! Statements that wait for a connection.

use sqlx::Database;
use tokio::sync::{mpsc, oneshot};

use crate::engine::{Answer, Engine};
use crate::error::{Failure, Fault};
use crate::statement::Statement;

/// How many statements may wait. Whoever comes then waits to be let in, and gives up when core does.
const ROOM: usize = 1024;

/// Where statements are handed in. Clones are the same queue.
pub(crate) struct Queue<DB: Database>(mpsc::Sender<Job<DB>>);

/// A statement, and who waits for its answer.
pub(crate) struct Job<DB: Database> {
    pub(crate) statement: Statement,
    pub(crate) reply: Reply<DB>,
}

/// Who waits for an answer.
pub(crate) struct Reply<DB: Database>(oneshot::Sender<Result<Answer<DB>, Failure>>);

/// Where statements are taken out. They end when the last clone of the queue is dropped.
pub(crate) type Jobs<DB> = mpsc::Receiver<Job<DB>>;

impl<DB: Engine> Queue<DB> {
    pub(crate) fn new() -> (Self, Jobs<DB>) {
        let (queue, jobs) = mpsc::channel(ROOM);
        (Self(queue), jobs)
    }

    /// Whether nobody takes statements out any more.
    #[cfg(any(feature = "postgres", feature = "mysql"))]
    pub(crate) fn is_closed(&self) -> bool {
        self.0.is_closed()
    }

    /// Hands a statement in; gives it back where nobody takes any out.
    pub(crate) async fn hand_in(&self, statement: Statement) -> Result<Promise<DB>, Statement> {
        let (reply, answer) = oneshot::channel();
        let job = Job { statement, reply: Reply(reply) };
        self.0.send(job).await.map_err(|mpsc::error::SendError(job)| job.statement)?;
        Ok(Promise(answer))
    }

    /// Hands a statement in, and waits for what it finds.
    pub(crate) async fn ask(&self, statement: Statement) -> Result<Answer<DB>, Failure> {
        match self.hand_in(statement).await {
            Ok(promise) => promise.kept().await,
            Err(_) => Err(Failure::new(Fault::Passing, sqlx::Error::WorkerCrashed)),
        }
    }
}

/// What a statement will find.
pub(crate) struct Promise<DB: Database>(oneshot::Receiver<Result<Answer<DB>, Failure>>);

impl<DB: Database> Promise<DB> {
    /// Who had the statement may have ended with its runtime: whether it was done is not known then.
    pub(crate) async fn kept(self) -> Result<Answer<DB>, Failure> {
        self.0.await.unwrap_or_else(|_| Err(Failure::new(Fault::Lost, sqlx::Error::WorkerCrashed)))
    }
}

impl<DB: Database> Reply<DB> {
    /// The visitor has gone, and the future with them.
    pub(crate) fn is_given_up(&self) -> bool {
        self.0.is_closed()
    }

    pub(crate) fn give(self, answer: Result<Answer<DB>, Failure>) {
        // Who has gone meanwhile is not told.
        let _ = self.0.send(answer);
    }
}

/// Tells all of them the same.
pub(crate) fn fail<DB: Database>(jobs: impl IntoIterator<Item = Job<DB>>, failure: Failure) {
    let failure = failure.of_many();
    for job in jobs {
        job.reply.give(Err(failure()));
    }
}

impl<DB: Database> Clone for Queue<DB> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}
