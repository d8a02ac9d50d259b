//! How a statement gets to a database, and what is done where it does not arrive.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use session_core::store::StoreError;
use sqlx::{Database, Either, Execute, Executor, Pool};
use tokio::time::timeout;

use crate::error::{Failure, Fault};
use crate::row::Bound;
use crate::statement::{Statement, Value};
use crate::table::TableName;

/// How often a statement is tried that the engine undoes to let others through. Each time somebody else's was done.
const TRIES: u32 = 10;

/// What an engine does in its own way.
pub(crate) trait Engine: Database {
    /// As what an account is read: the engine's text, where any text is text to it, else bytes.
    type Account: TryInto<String, Error: Into<Box<dyn StdError + Send + Sync>>>;
    /// Where a connection leads, and its settings.
    type Options: Clone + Send + Sync + 'static;
    /// Connections that no pool has.
    type Own: Own<Self>;
    /// The longest account that its index takes, in bytes.
    const MAX_ACCOUNT: usize;
    /// How long a statement may go unanswered, where there is a network that can swallow the answer.
    const PATIENCE: Option<Duration>;

    fn bind(statement: Bound<Self>, value: &Value) -> Bound<Self>;
    fn connect(
        options: &Self::Options,
    ) -> impl Future<Output = sqlx::Result<<Self as Database>::Connection>> + Send;
    /// Sends a statement, and reads all that it finds.
    fn fetch(
        connection: &mut <Self as Database>::Connection,
        statement: &Statement,
    ) -> impl Future<Output = sqlx::Result<Answer<Self>>> + Send;
    fn rows_affected(done: &Self::QueryResult) -> u64;
    fn read_error(error: sqlx::Error) -> Failure;
}

/// Connections that are a store's alone. The last clone takes them with it.
pub(crate) trait Own<DB: Database>: Clone + Send + Sync + 'static {
    fn run(&self, statement: Statement) -> impl Future<Output = Result<Answer<DB>, Failure>> + Send;
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

/// A way to a database.
pub(crate) enum Way<DB: Engine> {
    /// The application's.
    Pool(Pool<DB>),
    Own(DB::Own),
}

/// A way to the database that holds a table.
pub(crate) struct Connections<DB: Engine> {
    pub(crate) way: Way<DB>,
    pub(crate) table: Arc<TableName>,
}

impl<DB: Engine> Connections<DB> {
    /// Runs a statement, and says what it found.
    ///
    /// Nobody asks a connection whether it still works before using it. So the first statement after the server was restarted
    /// fails: it is sent once more, on a new connection, where that is harmless.
    pub(crate) async fn run(&self, twice: Twice, statement: Statement) -> Result<Answer<DB>, Failure> {
        let mut may_repeat = twice == Twice::Harmless;
        let mut undone = 0;
        loop {
            let failure = match self.way.once(statement.clone()).await {
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
}

impl<DB: Engine> Way<DB> {
    async fn once(&self, statement: Statement) -> Result<Answer<DB>, Failure> {
        let pool = match self {
            Self::Own(own) => return own.run(statement).await,
            Self::Pool(pool) => pool,
        };
        let mut connection = pool.acquire().await.map_err(DB::read_error)?;
        let done = ask::<DB>(&mut connection, &statement).await;
        if done.as_ref().is_err_and(|failure| failure.fault.ends_connections()) {
            drop(connection.detach());
            close_idle(pool);
        }
        done
    }
}

/// Closes what lies idle: it was opened before what has just broken, and would fail as many requests as there are of it.
fn close_idle<DB: Engine>(pool: &Pool<DB>) {
    for _ in 0..pool.num_idle() {
        if let Some(idle) = pool.try_acquire() {
            drop(idle.detach());
        }
    }
}

/// A statement on a connection, for as long as the engine's answer may take.
pub(crate) async fn ask<DB: Engine>(
    connection: &mut <DB as Database>::Connection,
    statement: &Statement,
) -> Result<Answer<DB>, Failure> {
    let work = DB::fetch(connection, statement);
    let done = match DB::PATIENCE {
        None => work.await,
        Some(patience) => match timeout(patience, work).await {
            Ok(done) => done,
            Err(elapsed) => return Err(Failure::new(Fault::Silent, elapsed)),
        },
    };
    done.map_err(DB::read_error)
}

/// Reads all that comes of a statement.
pub(crate) async fn collect<'c, 'q, DB: Engine>(
    connection: impl Executor<'c, Database = DB>,
    statement: impl Execute<'q, DB> + 'q,
) -> sqlx::Result<Answer<DB>> {
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

/// An engine's [`Engine::fetch`], where the types are known.
macro_rules! fetch {
    ($connection:expr, $statement:expr) => {{
        let statement: &$crate::statement::Statement = $statement;
        if statement.is_raw() {
            $crate::engine::collect($connection, sqlx::raw_sql(statement.sql.clone())).await
        } else {
            $crate::engine::collect($connection, statement.bound::<Self>()).await
        }
    }};
}
pub(crate) use fetch;

// Not derived: that would ask for a Database that can be cloned.
impl<DB: Engine> Clone for Way<DB> {
    fn clone(&self) -> Self {
        match self {
            Self::Pool(pool) => Self::Pool(pool.clone()),
            Self::Own(own) => Self::Own(own.clone()),
        }
    }
}

impl<DB: Engine> Clone for Connections<DB> {
    fn clone(&self) -> Self {
        Self { way: self.way.clone(), table: Arc::clone(&self.table) }
    }
}

impl<DB: Engine> fmt::Debug for Connections<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections").field("table", &self.table).finish_non_exhaustive()
    }
}
