//! How a statement gets to a database, and what is done where it does not arrive.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use session_core::store::StoreError;
use sqlx::{Database, Either, Executor, IntoArguments, Pool};
use tokio::time::timeout;

use crate::error::{Failure, Fault};
use crate::row::Bound;
use crate::table::TableName;

/// How often a statement is tried that the engine undoes to let others through. Each time somebody else's was done.
const TRIES: u32 = 10;

/// What an engine does in its own way.
pub(crate) trait Engine: Database {
    /// As what an account is read: the engine's text, where any text is text to it, else bytes.
    type Account: TryInto<String, Error: Into<Box<dyn StdError + Send + Sync>>>;
    /// The longest account that its index takes, in bytes.
    const MAX_ACCOUNT: usize;
    /// How long a statement may go unanswered, where there is a network that can swallow the answer.
    const PATIENCE: Option<Duration>;

    fn bind_account(statement: Bound<Self>, account: Option<&str>) -> Bound<Self>;
    fn rows_affected(done: &Self::QueryResult) -> u64;
    fn read_error(error: sqlx::Error) -> Failure;
}

/// Whether a statement may be sent again where it is not known whether it was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Twice {
    /// What it does, it does once.
    Harmless,
    /// The second would take the first for another's. Core knows its own writes, and asks.
    Never,
}

/// What a statement found.
pub(crate) struct Answer<DB: Database> {
    pub(crate) rows: Vec<DB::Row>,
    pub(crate) affected: u64,
}

/// A pool of connections to the database that holds a table.
pub(crate) struct Connections<DB: Database> {
    pub(crate) pool: Pool<DB>,
    pub(crate) table: Arc<TableName>,
}

impl<DB: Engine> Connections<DB>
where
    DB::Arguments: IntoArguments<DB>,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
{
    /// Runs a statement, and says what it found.
    ///
    /// Nobody asks a connection whether it still works before using it. So the first statement after the server was restarted
    /// fails: it is sent once more, on a new connection, where that is harmless.
    pub(crate) async fn run(
        &self,
        twice: Twice,
        statement: impl Fn() -> Bound<DB>,
    ) -> Result<Answer<DB>, Failure> {
        let mut may_repeat = twice == Twice::Harmless;
        let mut undone = 0;
        loop {
            let failure = match self.once(statement()).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            match failure.fault {
                Fault::Lost | Fault::ReadsOnly if may_repeat => may_repeat = false,
                Fault::Undone if undone < TRIES => undone += 1,
                _ => return Err(failure),
            }
        }
    }

    /// The error for the user.
    pub(crate) fn error(&self, failure: Failure) -> StoreError {
        failure.about(&self.table)
    }

    async fn once(&self, statement: Bound<DB>) -> Result<Answer<DB>, Failure> {
        let mut connection = self.pool.acquire().await.map_err(DB::read_error)?;
        let work = collect(&mut *connection, statement);
        let done = match DB::PATIENCE {
            None => work.await.map_err(DB::read_error),
            Some(patience) => match timeout(patience, work).await {
                Ok(done) => done.map_err(DB::read_error),
                Err(elapsed) => Err(Failure::new(Fault::Silent, elapsed)),
            },
        };
        if done.as_ref().is_err_and(|failure| failure.fault.ends_connections()) {
            drop(connection.detach());
            self.close_idle();
        }
        done
    }

    /// Closes what lies idle: it was opened before what has just broken, and would fail as many requests as there are of it.
    fn close_idle(&self) {
        for _ in 0..self.pool.num_idle() {
            if let Some(idle) = self.pool.try_acquire() {
                drop(idle.detach());
            }
        }
    }
}

async fn collect<'c, DB: Engine>(
    connection: impl Executor<'c, Database = DB>,
    statement: Bound<DB>,
) -> sqlx::Result<Answer<DB>>
where
    DB::Arguments: IntoArguments<DB>,
{
    let mut answer = Answer { rows: Vec::new(), affected: 0 };
    let mut steps = connection.fetch_many(statement);
    while let Some(step) = steps.try_next().await? {
        match step {
            Either::Left(done) => answer.affected += DB::rows_affected(&done),
            Either::Right(row) => answer.rows.push(row),
        }
    }
    Ok(answer)
}

// Not derived: that would ask for a Database that can be cloned.
impl<DB: Database> Clone for Connections<DB> {
    fn clone(&self) -> Self {
        Self { pool: self.pool.clone(), table: Arc::clone(&self.table) }
    }
}

impl<DB: Database> fmt::Debug for Connections<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections").field("table", &self.table).finish_non_exhaustive()
    }
}
