//! The one connection that writes, and commits together what comes together.
//!
//! While a group is being committed, the next gathers. So the more requests write, the fewer commits each of them costs; and a
//! request that writes alone waits for nobody. An answer is given when its group is committed, and to all of a group that could
//! not be.

use std::ops::Range;
use std::thread;
use std::{iter, mem};

use futures_util::TryStreamExt as _;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{
    AssertSqlSafe, Connection as _, Either, Executor as _, SqlSafeStr, SqlStr, Sqlite, SqliteConnection,
};

use super::own::{Idle, lock};
use super::writer_thread;
use crate::engine::{Answer, Engine, ask};
use crate::error::{Failure, Fault};
use crate::queue::{Job, Jobs, Queue, fail};
use crate::statement::Reach;

/// How many jobs a group may have: a bound on how long the first of them waits for the last.
const GROUP: usize = 128;

/// How many statements stand in one text: each size is prepared once, and kept.
const TEXT: usize = 32;

/// How many texts are kept prepared.
const PREPARED: usize = 96;

/// Starts the thread of the connection that writes. In the end it closes those that have read, too.
pub(super) async fn start(options: SqliteConnectOptions, readers: Idle) -> sqlx::Result<Queue<Sqlite>> {
    // So that a whole text's results have room, and the connection's thread never waits for who reads them.
    let options = options.statement_cache_capacity(PREPARED).row_buffer_size(2 * TEXT);
    let opens = {
        let options = options.clone();
        async move { Sqlite::connect(&options).await }
    };
    writer_thread::start(opens, |connection, jobs| {
        Writer { options, connection: Some(connection), readers }.serve(jobs)
    })
    .await
}

type Outcome = Result<Answer<Sqlite>, Failure>;

struct Writer {
    options: SqliteConnectOptions,
    /// None where the last one was left in a state that nobody knows.
    connection: Option<SqliteConnection>,
    readers: Idle,
}

impl Writer {
    async fn serve(mut self, mut jobs: Jobs<Sqlite>) {
        while let Some(first) = jobs.recv().await {
            let (group, alone): (Vec<_>, Vec<_>) = gather(first, &mut jobs)
                .into_iter()
                .filter(|job| !job.reply.is_given_up())
                .partition(|job| job.statement.reach == Reach::WritesOne);
            self.write(group).await;
            for job in alone {
                let outcome = self.one(&job).await;
                job.reply.give(outcome);
            }
        }
        // The log goes into the database with the last connection, but not with two at once; where it does not, the next one finds it.
        let readers = mem::take(&mut *lock(&self.readers));
        for connection in readers.into_iter().chain(self.connection) {
            let _ = connection.close().await;
        }
    }

    async fn write(&mut self, mut group: Vec<Job<Sqlite>>) {
        if group.len() > 1 {
            // Statements of one kind stand together. All of these are under way at once: no order among them was promised.
            group.sort_by(|a, b| a.statement.sql.as_str().cmp(b.statement.sql.as_str()));
            match self.together(&group).await {
                Ok(affected) => {
                    for (job, affected) in group.into_iter().zip(affected) {
                        job.reply.give(Ok(Answer { rows: Vec::new(), affected }));
                    }
                    return;
                }
                Err(Undone::All(failure)) => return fail(group, failure),
                Err(Undone::One) => {}
            }
        }
        self.one_by_one(group).await;
    }

    /// A group in one transaction, and how many rows each of it found.
    async fn together(&mut self, group: &[Job<Sqlite>]) -> Result<Vec<u64>, Undone> {
        let connection = connection(&mut self.connection, &self.options).await.map_err(Undone::All)?;
        let mut done = Vec::with_capacity(group.len() + 2);
        for (text, jobs) in texts(group) {
            let values = group[jobs].iter().flat_map(|job| job.statement.values());
            let bound = values.fold(sqlx::query(text), Sqlite::bind);
            let mut steps = connection.fetch_many(bound);
            loop {
                match steps.try_next().await {
                    Ok(None) => break,
                    Ok(Some(Either::Left(step))) => done.push(Sqlite::rows_affected(&step)),
                    Ok(Some(Either::Right(_))) => {}
                    Err(error) => {
                        drop(steps);
                        self.roll_back().await;
                        // BEGIN comes first, and COMMIT last.
                        let of_all = done.is_empty() || done.len() > group.len();
                        return Err(if of_all {
                            Undone::All(Sqlite::read_error(error))
                        } else {
                            Undone::One
                        });
                    }
                }
            }
        }
        done.pop();
        done.remove(0);
        Ok(done)
    }

    /// Each job in a transaction of its own, so that what is wrong with one of them is told to nobody else.
    async fn one_by_one(&mut self, group: Vec<Job<Sqlite>>) {
        let mut rest = group.into_iter();
        while let Some(job) = rest.next() {
            match self.one(&job).await {
                // Another process does not stop writing. Each of them would wait for it as long.
                Err(failure) if failure.fault == Fault::Passing => {
                    return fail(iter::once(job).chain(rest), failure);
                }
                outcome => job.reply.give(outcome),
            }
        }
    }

    async fn one(&mut self, job: &Job<Sqlite>) -> Outcome {
        ask(connection(&mut self.connection, &self.options).await?, &job.statement).await
    }

    /// Ends a transaction that has failed. SQLite has already ended it where a disk is full, and says so; whatever else happens, the
    /// connection must not go on inside it.
    async fn roll_back(&mut self) {
        let Some(connection) = &mut self.connection else { return };
        let ended = match connection.execute("ROLLBACK").await {
            Ok(_) => true,
            Err(sqlx::Error::Database(error)) => error.message().contains("no transaction is active"),
            Err(_) => false,
        };
        if !ended {
            self.connection = None;
        }
    }
}

/// Why a group was undone.
enum Undone {
    /// It could not begin, or not be committed.
    All(Failure),
    /// One of its statements could not be run.
    One,
}

/// What is sent for a group, in the order of its jobs, each with those whose values it takes.
fn texts(group: &[Job<Sqlite>]) -> Vec<(SqlStr, Range<usize>)> {
    let mut texts = Vec::new();
    let mut sent = 0;
    for of_a_kind in group.chunk_by(|a, b| a.statement.sql.as_str() == b.statement.sql.as_str()) {
        for jobs in of_a_kind.chunks(TEXT) {
            let begin = if sent == 0 { "BEGIN IMMEDIATE;" } else { "" };
            let statements = format!("{};", jobs[0].statement.sql.as_str()).repeat(jobs.len());
            let jobs = sent..sent + jobs.len();
            let commit = if jobs.end == group.len() { "COMMIT" } else { "" };
            sent = jobs.end;
            // What is repeated is a statement of this crate's own.
            texts.push((AssertSqlSafe(format!("{begin}{statements}{commit}")).into_sql_str(), jobs));
        }
    }
    texts
}

/// The first job, and those that have come or are about to.
fn gather(first: Job<Sqlite>, jobs: &mut Jobs<Sqlite>) -> Vec<Job<Sqlite>> {
    let mut group = vec![first];
    loop {
        let before = group.len();
        while let Some(job) = (group.len() < GROUP).then(|| jobs.try_recv().ok()).flatten() {
            group.push(job);
        }
        // Those who were answered last write again now, where there is somebody to run them.
        if group.len() == before {
            return group;
        }
        thread::yield_now();
    }
}

async fn connection<'a>(
    present: &'a mut Option<SqliteConnection>,
    options: &SqliteConnectOptions,
) -> Result<&'a mut SqliteConnection, Failure> {
    match present {
        Some(connection) => Ok(connection),
        none => Ok(none.insert(Sqlite::connect(options).await.map_err(Sqlite::read_error)?)),
    }
}
