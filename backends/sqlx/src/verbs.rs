//! The verbs of a store, for every engine.

use std::marker::PhantomData;
use std::num::NonZeroU32;
use std::sync::Arc;

use session_core::store::{
    Capabilities, Cursor, Filter, Inserted, Page, Replaced, Select, StoreError, StoreErrorKind, StoreResult,
};
use session_core::{Head, Record, RecordKey, Time};
use sqlx::{ColumnIndex, Decode, SqlStr, Type};

use crate::engine::{Answer, Connections, Engine, Twice, Way};
use crate::error::{Failure, Fault};
use crate::layout::Layout;
use crate::row::{self, Native};
use crate::sql::{Accounts, Insert, Sql};
use crate::statement::{Reach, Statement};
use crate::table::TableName;

/// A table of sessions, of the kind `L`. Each verb is one statement outside any transaction.
pub(crate) struct Verbs<DB: Engine, L = Native> {
    connections: Connections<DB>,
    sql: Arc<Sql>,
    pub(crate) capabilities: Capabilities,
    kind: PhantomData<fn() -> L>,
}

fn reads(sql: &SqlStr) -> Statement {
    Statement::new(sql, Reach::Reads)
}

fn writes(sql: &SqlStr) -> Statement {
    Statement::new(sql, Reach::WritesOne)
}

fn writes_many(sql: &SqlStr) -> Statement {
    Statement::new(sql, Reach::WritesMany)
}

impl<DB: Engine, L> Verbs<DB, L> {
    pub(crate) fn new(way: Way<DB>, table: TableName, sql: Sql, capabilities: Capabilities) -> Self {
        let connections = Connections { way, table: Arc::new(table) };
        Self { connections, sql: Arc::new(sql), capabilities, kind: PhantomData }
    }

    pub(crate) fn way(&self) -> &Way<DB> {
        &self.connections.way
    }

    pub(crate) fn table(&self) -> &TableName {
        &self.connections.table
    }
}

impl<DB: Engine, L: Layout<DB>> Verbs<DB, L>
where
    for<'c> &'c str: ColumnIndex<DB::Row>,
    for<'q> String: Decode<'q, DB> + Type<DB>,
{
    pub(crate) async fn insert(&self, key: &RecordKey, record: &Record, now: Time) -> StoreResult<Inserted> {
        L::check(record)?;
        let row = |sql| L::bind(writes(sql), record).key(key);
        let expired = |sql| L::bind_moment(row(sql), now);
        let inserted = match &self.sql.insert {
            Insert::Upsert(sql) => self.try_write(Twice::Never, expired(sql)).await,
            Insert::ThenReplace { insert, expired: replace } => {
                match self.try_write(Twice::Never, row(insert)).await {
                    Err(Failure { fault: Fault::KeyTaken, .. }) => {
                        // Nothing to replace also where a purge was faster: then this key is free again, and core draws another.
                        self.try_write(Twice::Never, expired(replace)).await
                    }
                    other => other,
                }
            }
        };
        let inserted = inserted.map_err(|failure| self.connections.error(failure))?;
        Ok(if inserted == 0 { Inserted::Taken } else { Inserted::Done })
    }

    pub(crate) async fn load(&self, key: &RecordKey, now: Time) -> StoreResult<Option<Record>> {
        let load = L::bind_moment(reads(&self.sql.load).key(key), now);
        let rows = self.read(load).await?;
        Ok(rows.first().map(L::read).transpose()?.map(|(_, record)| record))
    }

    pub(crate) async fn head(&self, key: &RecordKey, now: Time) -> StoreResult<Option<Head>> {
        let head = L::bind_moment(reads(&self.sql.head).key(key), now);
        let rows = self.read(head).await?;
        Ok(rows.first().map(L::read_head).transpose()?)
    }

    pub(crate) async fn replace(
        &self,
        key: &RecordKey,
        to: &RecordKey,
        record: &Record,
        was: &Record,
        now: Time,
    ) -> StoreResult<Replaced> {
        L::check(record)?;
        let replace = if key == to {
            L::bind(writes(&self.sql.replace), record)
        } else {
            L::bind(writes(&self.sql.replace_and_move), record).key(to)
        };
        let replace = L::bind_moment(L::bind_was(replace.key(key), was), now);
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
        let to = L::bind_touch(writes(&self.sql.touch), until, now).key(key);
        let touch = L::bind_moment(L::bind_was(to, was), now);
        Ok(self.write(Twice::Harmless, touch).await? > 0)
    }

    /// Where the connection broke, a second removal may find nothing left to count.
    pub(crate) async fn remove(&self, what: Select<'_>, now: Time) -> StoreResult<u64> {
        let remove = match what {
            Select::One(key) => writes(&self.sql.remove_one).key(key),
            Select::Presented(key, secret) => {
                writes(&self.accounts()?.remove_presented).key(key).optional_bytes(Some(secret.as_bytes()))
            }
            Select::Account { account, except } => writes_many(&self.accounts()?.remove_account)
                .account(Some(account))
                .optional_text(except.map(RecordKey::as_str)),
        };
        let remove = L::bind_moment(remove, now);
        self.write(Twice::Harmless, remove).await
    }

    pub(crate) async fn page(
        &self,
        of: Filter<'_>,
        after: Option<Cursor>,
        limit: NonZeroU32,
        now: Time,
    ) -> StoreResult<Page> {
        let (sql, account) = match of {
            Filter::All => (&self.sql.page_all, None),
            Filter::Account(account) => (&self.accounts()?.page_account, Some(account)),
        };
        // A cursor may have been in a URL meanwhile. What is no key is not sent: engines refuse this and that in a text.
        if after.as_ref().is_some_and(|after| after.as_str().parse::<RecordKey>().is_err()) {
            const NOT_OURS: &str = "this is no place in a list of sessions: begin at the beginning";
            return Err(StoreError::new(StoreErrorKind::Unsupported, NOT_OURS));
        }
        // No key is before the empty one. One row more than is wanted says whether there are more.
        let after = after.as_ref().map_or("", Cursor::as_str);
        let page = reads(sql);
        let page = if account.is_some() { page.account(account) } else { page };
        let page = L::bind_moment(page.text(after), now).number(i64::from(limit.get()) + 1);
        let rows = self.read(page).await?;
        let shown = &rows[..rows.len().min(limit.get() as usize)];
        let mut page = Page::default();
        for row in shown {
            match L::read(row) {
                Ok(read) => page.records.push(read),
                Err(_) => page.unreadable += 1,
            }
        }
        let last = shown.last().filter(|_| rows.len() > shown.len());
        page.next = last.map(row::key_text).transpose()?.map(Cursor::new);
        Ok(page)
    }

    pub(crate) async fn purge(&self, now: Time, batch: NonZeroU32) -> StoreResult<u64> {
        let purge = L::bind_moment(writes_many(&self.sql.purge), now).number(i64::from(batch.get()));
        self.write(Twice::Harmless, purge).await
    }

    pub(crate) async fn ping(&self) -> StoreResult<()> {
        self.read(reads(&self.sql.ping)).await.map(drop)
    }

    /// Creates what this SQL says, which does nothing where it is there, and looks whether that is a table of sessions.
    pub(crate) async fn create(&self, schema: String) -> StoreResult<()> {
        // Where it was broken off, it is begun again.
        self.write(Twice::Harmless, Statement::raw(schema)).await?;
        self.ping().await
    }

    /// Whether the table is there, with its columns.
    #[cfg(any(feature = "postgres", feature = "mysql", feature = "django"))]
    pub(crate) async fn is_there(&self) -> StoreResult<bool> {
        match self.connections.run(Twice::Harmless, reads(&self.sql.ping)).await {
            Ok(_) => Ok(true),
            Err(Failure { fault: Fault::NoTable, .. }) => Ok(false),
            Err(failure) => Err(self.connections.error(failure)),
        }
    }

    fn accounts(&self) -> StoreResult<&Accounts> {
        const NONE: &str = "Django's table has no column for accounts and secrets: its sessions are found by their keys alone";
        self.sql.accounts.as_ref().ok_or_else(|| StoreError::new(StoreErrorKind::Unsupported, NONE))
    }

    async fn read(&self, statement: Statement) -> StoreResult<Vec<DB::Row>> {
        match self.connections.run(Twice::Harmless, statement).await {
            Ok(Answer { rows, .. }) => Ok(rows),
            Err(failure) => Err(self.connections.error(failure)),
        }
    }

    /// Runs a statement that writes, and says how many rows it found.
    async fn write(&self, twice: Twice, statement: Statement) -> StoreResult<u64> {
        self.try_write(twice, statement).await.map_err(|failure| self.connections.error(failure))
    }

    async fn try_write(&self, twice: Twice, statement: Statement) -> Result<u64, Failure> {
        self.connections.run(twice, statement).await.map(|answer| answer.affected)
    }
}

// Not derived: that would ask for a Database that can be cloned.
impl<DB: Engine, L> Clone for Verbs<DB, L> {
    fn clone(&self) -> Self {
        Self {
            connections: self.connections.clone(),
            sql: Arc::clone(&self.sql),
            capabilities: self.capabilities,
            kind: PhantomData,
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

            async fn head(
                &self,
                key: &session_core::RecordKey,
                now: session_core::Time,
            ) -> session_core::store::StoreResult<Option<session_core::Head>> {
                self.verbs.head(key, now).await
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
