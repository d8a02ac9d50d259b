//! Connections of a store's own: those that read, and the one that writes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Sqlite, SqliteConnection};
use tokio::sync::Semaphore;

use super::writer;
use crate::engine::{Answer, Engine, Own, ask};
use crate::error::{Failure, Fault};
use crate::queue::Queue;
use crate::statement::{Reach, Statement};

/// Reads go through any of several connections, which nobody who writes holds up. Writes go through one, which commits those
/// that come together together.
#[derive(Clone)]
pub(crate) struct Connections {
    readers: Arc<Readers>,
    /// None for a database in memory: it has one connection, which does everything.
    writer: Option<Queue<Sqlite>>,
}

impl Connections {
    /// Begins with a connection that has been opened; the others are opened when they are first needed.
    pub(super) async fn to_file(
        options: SqliteConnectOptions,
        first: SqliteConnection,
        readers: u32,
    ) -> sqlx::Result<Self> {
        let readers = Readers::new(options.clone(), first, readers);
        let writer = writer::start(options, Arc::clone(&readers.idle)).await?;
        Ok(Self { readers: Arc::new(readers), writer: Some(writer) })
    }

    pub(super) fn in_memory(options: SqliteConnectOptions, only: SqliteConnection) -> Self {
        Self { readers: Arc::new(Readers::new(options, only, 1)), writer: None }
    }
}

impl Own<Sqlite> for Connections {
    async fn run(&self, statement: Statement) -> Result<Answer<Sqlite>, Failure> {
        match &self.writer {
            Some(writer) if statement.reach != Reach::Reads => writer.ask(statement).await,
            _ => self.readers.run(&statement).await,
        }
    }
}

/// How long a request waits for a connection: the one before it may be waiting for another process.
const PATIENCE: Duration = Duration::from_secs(10);

/// Those that nobody uses now.
pub(super) type Idle = Arc<Mutex<Vec<SqliteConnection>>>;

pub(super) fn lock(idle: &Idle) -> MutexGuard<'_, Vec<SqliteConnection>> {
    // Nobody panics between a push and a pop.
    idle.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Connections that are lent out. sqlx has a thread for each, and a statement is done there to its end: so one that comes back in
/// the middle of it, because the visitor has gone, is as good as any.
struct Readers {
    options: SqliteConnectOptions,
    idle: Idle,
    free: Semaphore,
}

impl Readers {
    fn new(options: SqliteConnectOptions, first: SqliteConnection, count: u32) -> Self {
        let free = Semaphore::new(count.max(1) as usize);
        Self { options, idle: Arc::new(Mutex::new(vec![first])), free }
    }

    async fn run(&self, statement: &Statement) -> Result<Answer<Sqlite>, Failure> {
        let Ok(permit) = tokio::time::timeout(PATIENCE, self.free.acquire()).await else {
            return Err(Failure::new(Fault::Passing, sqlx::Error::PoolTimedOut));
        };
        let mut lent = Lent { to: self, connection: self.idle().pop() };
        let connection = match &mut lent.connection {
            Some(connection) => connection,
            none => none.insert(Sqlite::connect(&self.options).await.map_err(Sqlite::read_error)?),
        };
        let answer = ask(connection, statement).await;
        // Before the next may come.
        drop(lent);
        drop(permit);
        answer
    }

    fn idle(&self) -> MutexGuard<'_, Vec<SqliteConnection>> {
        lock(&self.idle)
    }
}

/// Goes back also where the future is dropped.
struct Lent<'a> {
    to: &'a Readers,
    connection: Option<SqliteConnection>,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        self.to.idle().extend(self.connection.take());
    }
}
