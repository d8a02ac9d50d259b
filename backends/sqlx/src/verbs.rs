//! The verbs of a store, for every engine.

use std::num::NonZeroU32;
use std::sync::Arc;

use session_core::store::{Capabilities, Cursor, Filter, Inserted, Page, Replaced, Select, StoreResult};
use session_core::{Record, RecordKey, Time};
use sqlx::{
    AssertSqlSafe, ColumnIndex, Database, Decode, Encode, Executor, IntoArguments, Pool, SqlStr, Type,
};

use crate::engine::{Answer, Connections, Engine, Twice};
use crate::error::{Failure, Fault};
use crate::row::{self, Bound};
use crate::sql::{Insert, Sql};
use crate::table::TableName;

/// A table of sessions. Each verb is one statement outside any transaction.
pub(crate) struct Verbs<DB: Database> {
    connections: Connections<DB>,
    sql: Arc<Sql>,
    pub(crate) capabilities: Capabilities,
}

fn query<DB: Database>(sql: &SqlStr) -> Bound<DB> {
    sqlx::query(sql.clone())
}

impl<DB: Engine> Verbs<DB> {
    pub(crate) fn new(pool: Pool<DB>, table: TableName, sql: Sql, capabilities: Capabilities) -> Self {
        let connections = Connections { pool, table: Arc::new(table) };
        Self { connections, sql: Arc::new(sql), capabilities }
    }

    pub(crate) fn pool(&self) -> &Pool<DB> {
        &self.connections.pool
    }

    pub(crate) fn table(&self) -> &TableName {
        &self.connections.table
    }
}

impl<DB: Engine> Verbs<DB>
where
    DB::Arguments: IntoArguments<DB>,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    for<'c> &'c str: ColumnIndex<DB::Row>,
    for<'q> i64: Encode<'q, DB> + Decode<'q, DB> + Type<DB>,
    for<'q> &'q str: Encode<'q, DB> + Type<DB>,
    for<'q> Option<&'q str>: Encode<'q, DB> + Type<DB>,
    for<'q> &'q [u8]: Encode<'q, DB> + Type<DB>,
    for<'q> Option<&'q [u8]>: Encode<'q, DB> + Type<DB>,
    for<'q> String: Decode<'q, DB> + Type<DB>,
    for<'q> Vec<u8>: Decode<'q, DB> + Type<DB>,
    for<'q> DB::Account: Decode<'q, DB> + Type<DB>,
{
    pub(crate) async fn insert(&self, key: &RecordKey, record: &Record, now: Time) -> StoreResult<Inserted> {
        self.check(record)?;
        let row = |sql| row::bind(query(sql), record).bind(key.as_str());
        let inserted = match &self.sql.insert {
            Insert::Upsert(sql) => self.try_write(Twice::Never, || row(sql).bind(now.as_millis())).await,
            Insert::ThenReplace { insert, expired } => {
                match self.try_write(Twice::Never, || row(insert)).await {
                    Err(Failure { fault: Fault::KeyTaken, .. }) => {
                        // Nothing to replace also where a purge was faster: then this key is free again, and core draws another.
                        self.try_write(Twice::Never, || row(expired).bind(now.as_millis())).await
                    }
                    other => other,
                }
            }
        };
        let inserted = inserted.map_err(|failure| self.connections.error(failure))?;
        Ok(if inserted == 0 { Inserted::Taken } else { Inserted::Done })
    }

    pub(crate) async fn load(&self, key: &RecordKey, now: Time) -> StoreResult<Option<Record>> {
        let load = || query(&self.sql.load).bind(key.as_str()).bind(now.as_millis());
        let rows = self.read(load).await?;
        Ok(rows.first().map(row::read).transpose()?.map(|(_, record)| record))
    }

    pub(crate) async fn replace(
        &self,
        key: &RecordKey,
        to: &RecordKey,
        record: &Record,
        was: &Record,
        now: Time,
    ) -> StoreResult<Replaced> {
        self.check(record)?;
        let replace = || {
            let replace = if key == to {
                row::bind(query(&self.sql.replace), record)
            } else {
                row::bind(query(&self.sql.replace_and_move), record).bind(to.as_str())
            };
            row::bind_version(replace.bind(key.as_str()), was.version).bind(now.as_millis())
        };
        if self.write(Twice::Never, replace).await? > 0 {
            return Ok(Replaced::Done);
        }
        // The version was not there, and no writer makes it twice: what is read now is another, or nothing.
        let there = self.load(key, now).await?;
        Ok(there.map_or(Replaced::Gone, |record| Replaced::Conflict(Box::new(record))))
    }

    pub(crate) async fn touch(
        &self,
        key: &RecordKey,
        until: Time,
        was: &Record,
        now: Time,
    ) -> StoreResult<bool> {
        let touch = || {
            let to = query(&self.sql.touch).bind(until.as_millis()).bind(now.as_millis());
            row::bind_version(to.bind(key.as_str()), was.version).bind(now.as_millis())
        };
        Ok(self.write(Twice::Harmless, touch).await? > 0)
    }

    /// Where the connection broke, a second removal may find nothing left to count.
    pub(crate) async fn remove(&self, what: Select<'_>, now: Time) -> StoreResult<u64> {
        let remove = || {
            match what {
                Select::One(key) => query(&self.sql.remove_one).bind(key.as_str()),
                Select::Presented(key, secret) => {
                    query(&self.sql.remove_presented).bind(key.as_str()).bind(&secret.as_bytes()[..])
                }
                Select::Account { account, except } => {
                    DB::bind_account(query(&self.sql.remove_account), Some(account))
                        .bind(except.map(RecordKey::as_str))
                }
            }
            .bind(now.as_millis())
        };
        self.write(Twice::Harmless, remove).await
    }

    pub(crate) async fn page(
        &self,
        of: Filter<'_>,
        after: Option<Cursor>,
        limit: NonZeroU32,
        now: Time,
    ) -> StoreResult<Page> {
        // No key is before the empty one. One row more than is wanted says whether there are more.
        let after = after.as_ref().map_or("", Cursor::as_str);
        let page = || {
            match of {
                Filter::All => query(&self.sql.page_all),
                Filter::Account(account) => DB::bind_account(query(&self.sql.page_account), Some(account)),
            }
            .bind(after)
            .bind(now.as_millis())
            .bind(i64::from(limit.get()) + 1)
        };
        let rows = self.read(page).await?;
        let records = rows.iter().take(limit.get() as usize).map(row::read).collect::<Result<Vec<_>, _>>()?;
        let last = records.last().filter(|_| rows.len() > records.len());
        let next = last.map(|(key, _)| Cursor::new(key.as_str()));
        Ok(Page { records, next })
    }

    pub(crate) async fn purge(&self, now: Time, batch: NonZeroU32) -> StoreResult<u64> {
        let purge = || query(&self.sql.purge).bind(now.as_millis()).bind(i64::from(batch.get()));
        self.write(Twice::Harmless, purge).await
    }

    pub(crate) async fn ping(&self) -> StoreResult<()> {
        self.read(|| query(&self.sql.ping)).await.map(drop)
    }

    /// Creates what this SQL says, which does nothing where it is there, and looks whether that is a table of sessions.
    pub(crate) async fn create(&self, schema: String) -> StoreResult<()> {
        // The name in it is made of words, and the rest is this crate's own.
        let created = sqlx::raw_sql(AssertSqlSafe(schema)).execute(self.pool()).await;
        created.map_err(|error| self.connections.error(DB::read_error(error)))?;
        self.ping().await
    }

    /// Whether the table is there, with its columns.
    #[cfg(any(feature = "postgres", feature = "mysql"))]
    pub(crate) async fn is_there(&self) -> StoreResult<bool> {
        match self.connections.run(Twice::Harmless, || query(&self.sql.ping)).await {
            Ok(_) => Ok(true),
            Err(Failure { fault: Fault::NoTable, .. }) => Ok(false),
            Err(failure) => Err(self.connections.error(failure)),
        }
    }

    /// An account that an index cannot hold is told so, before anything is written.
    fn check(&self, record: &Record) -> StoreResult<()> {
        if record.account.as_ref().is_some_and(|account| account.len() > DB::MAX_ACCOUNT) {
            let reason = format!("this store takes {} bytes", DB::MAX_ACCOUNT);
            return Err(self.connections.error(Failure::new(Fault::LongAccount, reason)));
        }
        Ok(())
    }

    async fn read(&self, statement: impl Fn() -> Bound<DB>) -> StoreResult<Vec<DB::Row>> {
        match self.connections.run(Twice::Harmless, statement).await {
            Ok(Answer { rows, .. }) => Ok(rows),
            Err(failure) => Err(self.connections.error(failure)),
        }
    }

    /// Runs a statement that writes, and says how many rows it found.
    async fn write(&self, twice: Twice, statement: impl Fn() -> Bound<DB>) -> StoreResult<u64> {
        self.try_write(twice, statement).await.map_err(|failure| self.connections.error(failure))
    }

    async fn try_write(&self, twice: Twice, statement: impl Fn() -> Bound<DB>) -> Result<u64, Failure> {
        self.connections.run(twice, statement).await.map(|answer| answer.affected)
    }
}

// Not derived: that would ask for a Database that can be cloned.
impl<DB: Database> Clone for Verbs<DB> {
    fn clone(&self) -> Self {
        Self {
            connections: self.connections.clone(),
            sql: Arc::clone(&self.sql),
            capabilities: self.capabilities,
        }
    }
}

/// Makes a type with [`Verbs`] in `verbs` a store.
macro_rules! is_a_store {
    ($store:ident) => {
        impl std::fmt::Debug for $store {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let table = self.verbs.table().to_string();
                f.debug_struct(stringify!($store)).field("table", &table).finish_non_exhaustive()
            }
        }

        impl session_core::store::SessionStore for $store {
            fn capabilities(&self) -> session_core::store::Capabilities {
                self.verbs.capabilities
            }

            async fn insert(
                &self,
                key: &session_core::RecordKey,
                record: &session_core::Record,
                now: session_core::Time,
            ) -> session_core::store::StoreResult<session_core::store::Inserted> {
                self.verbs.insert(key, record, now).await
            }

            async fn load(
                &self,
                key: &session_core::RecordKey,
                now: session_core::Time,
            ) -> session_core::store::StoreResult<Option<session_core::Record>> {
                self.verbs.load(key, now).await
            }

            async fn replace(
                &self,
                key: &session_core::RecordKey,
                to: &session_core::RecordKey,
                record: &session_core::Record,
                was: &session_core::Record,
                now: session_core::Time,
            ) -> session_core::store::StoreResult<session_core::store::Replaced> {
                self.verbs.replace(key, to, record, was, now).await
            }

            async fn touch(
                &self,
                key: &session_core::RecordKey,
                until: session_core::Time,
                was: &session_core::Record,
                now: session_core::Time,
            ) -> session_core::store::StoreResult<bool> {
                self.verbs.touch(key, until, was, now).await
            }

            async fn remove(
                &self,
                what: session_core::store::Select<'_>,
                now: session_core::Time,
            ) -> session_core::store::StoreResult<u64> {
                self.verbs.remove(what, now).await
            }

            async fn page(
                &self,
                of: session_core::store::Filter<'_>,
                after: Option<session_core::store::Cursor>,
                limit: std::num::NonZeroU32,
                now: session_core::Time,
            ) -> session_core::store::StoreResult<session_core::store::Page> {
                self.verbs.page(of, after, limit, now).await
            }

            async fn purge(
                &self,
                now: session_core::Time,
                batch: std::num::NonZeroU32,
            ) -> session_core::store::StoreResult<u64> {
                self.verbs.purge(now, batch).await
            }

            async fn ping(&self) -> session_core::store::StoreResult<()> {
                self.verbs.ping().await
            }
        }
    };
}
pub(crate) use is_a_store;
