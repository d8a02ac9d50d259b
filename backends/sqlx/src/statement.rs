//! A statement with its values, before any engine has seen it.

use bytes::Bytes;
use session_core::{RecordKey, Time};
use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

use crate::engine::Engine;
use crate::row::Bound;

/// What is asked of a database. It is plain data, so that it can wait in a queue for a connection, and be sent again.
#[derive(Clone)]
pub(crate) struct Statement {
    pub(crate) sql: SqlStr,
    #[cfg_attr(not(feature = "sqlite"), allow(dead_code, reason = "to a server all connections are alike"))]
    pub(crate) reach: Reach,
    /// In the order of their places; none where the SQL is sent as it is, several statements in one text.
    values: Option<Vec<Value>>,
}

/// What a statement may touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    Reads,
    /// Writes the row of one key.
    WritesOne,
    /// Writes as many rows as there are, or the schema: others need not wait for it to have their answers.
    WritesMany,
}

#[derive(Clone)]
pub(crate) enum Value {
    Number(i64),
    Text(Option<String>),
    Bytes(Option<Bytes>),
    /// As the engine keeps it.
    Account(Option<String>),
}

impl Statement {
    pub(crate) fn new(sql: &SqlStr, reach: Reach) -> Self {
        Self { sql: sql.clone(), reach, values: Some(Vec::with_capacity(16)) }
    }

    /// One or more statements without values. The caller has written all of it, but for names that are made of words.
    pub(crate) fn raw(sql: String) -> Self {
        Self { sql: AssertSqlSafe(sql).into_sql_str(), reach: Reach::WritesMany, values: None }
    }

    pub(crate) fn is_raw(&self) -> bool {
        self.values.is_none()
    }

    pub(crate) fn values(&self) -> &[Value] {
        self.values.as_deref().unwrap_or_default()
    }

    pub(crate) fn key(self, key: &RecordKey) -> Self {
        self.text(key.as_str())
    }

    pub(crate) fn text(self, text: impl Into<String>) -> Self {
        self.with(Value::Text(Some(text.into())))
    }

    pub(crate) fn optional_text(self, text: Option<&str>) -> Self {
        self.with(Value::Text(text.map(str::to_owned)))
    }

    pub(crate) fn number(self, number: i64) -> Self {
        self.with(Value::Number(number))
    }

    pub(crate) fn millis(self, at: Time) -> Self {
        self.number(at.as_millis())
    }

    pub(crate) fn bytes(self, bytes: impl Into<Bytes>) -> Self {
        self.with(Value::Bytes(Some(bytes.into())))
    }

    pub(crate) fn optional_bytes(self, bytes: Option<&[u8]>) -> Self {
        self.with(Value::Bytes(bytes.map(Bytes::copy_from_slice)))
    }

    pub(crate) fn account(self, account: Option<&str>) -> Self {
        self.with(Value::Account(account.map(str::to_owned)))
    }

    /// As sqlx takes it.
    pub(crate) fn bound<DB: Engine>(&self) -> Bound<DB> {
        self.values().iter().fold(sqlx::query(self.sql.clone()), DB::bind)
    }

    fn with(mut self, value: Value) -> Self {
        self.values.get_or_insert_default().push(value);
        self
    }
}
