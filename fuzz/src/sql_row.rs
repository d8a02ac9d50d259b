//! A row of session-sqlx, in SQLite, where a column holds a value of any type.
//!
//! The columns stand one behind the other, each as a byte that says its type, and what that has: eight bytes of an integer or a real
//! number, a length of two bytes and a text or bytes. What the input has no more of stays as it was.

use session_core::store::{Filter, SessionStore as _};
use session_core::testing::store::sample;
use session_core::{AnyStore, Record};
use session_sqlx::SqliteStore;
use sqlx::AssertSqlSafe;
use sqlx::sqlite::{SqlitePool, SqlitePoolOptions};

use crate::visits::{NOW, settings, token, use_record, wait};

const COLUMNS: [&str; 9] =
    ["seq", "nonce", "created_at", "last_active", "expires_at", "account", "secret", "details", "data"];

/// A table of one row, which is written again and again.
struct Table {
    pool: SqlitePool,
    store: SqliteStore,
    record: Record,
}

impl Table {
    async fn new() -> Self {
        let only = SqlitePoolOptions::new().max_connections(1).min_connections(1);
        let pool = only.connect("sqlite::memory:").await.expect("a database in memory");
        let store = SqliteStore::from_pool(pool.clone());
        store.migrate().await.expect("a table");
        let record = sample(&AnyStore::new(store.clone()), NOW);
        Self { pool, store, record }
    }

    /// The row as it should be, and then as the input has it, where its table takes that.
    async fn write(&self, mut input: &[u8]) {
        sqlx::query("DELETE FROM sessions").execute(&self.pool).await.expect("a table");
        let _ = self.store.insert(token().key(), &self.record, NOW).await.expect("there is room");
        for column in COLUMNS {
            let Some(value) = Value::split_off(&mut input) else { return };
            let place = if matches!(value, Value::Text(_)) { "CAST(? AS TEXT)" } else { "?" };
            let update = sqlx::query(AssertSqlSafe(format!("UPDATE sessions SET {column} = {place}")));
            let update = match value {
                Value::Integer(number) => update.bind(number),
                Value::Real(number) => update.bind(number),
                Value::Text(bytes) | Value::Bytes(bytes) => update.bind(bytes),
            };
            update.execute(&self.pool).await.ok();
        }
    }
}

/// What SQLite keeps. A text need not be UTF-8.
enum Value {
    Integer(i64),
    Real(f64),
    Text(Vec<u8>),
    Bytes(Vec<u8>),
}

impl Value {
    fn split_off(input: &mut &[u8]) -> Option<Self> {
        let kind = input.split_off_first()? % 4;
        if kind < 2 {
            let number = *input.split_off(..8)?.first_chunk()?;
            return Some(if kind == 0 {
                Self::Integer(i64::from_be_bytes(number))
            } else {
                Self::Real(f64::from_be_bytes(number))
            });
        }
        let length = u16::from_be_bytes(*input.split_off(..2)?.first_chunk()?);
        let bytes = input.split_off(..input.len().min(length.into()))?.to_vec();
        Some(if kind == 2 { Self::Text(bytes) } else { Self::Bytes(bytes) })
    }

    fn append_to(&self, output: &mut Vec<u8>) {
        let (kind, content) = match self {
            Self::Integer(number) => (0, number.to_be_bytes().to_vec()),
            Self::Real(number) => (1, number.to_be_bytes().to_vec()),
            Self::Text(bytes) => (2, with_length(bytes)),
            Self::Bytes(bytes) => (3, with_length(bytes)),
        };
        output.push(kind);
        output.extend(content);
    }
}

fn with_length(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    [&length.to_be_bytes(), &bytes[..length.into()]].concat()
}

pub(crate) fn run(input: &[u8]) {
    thread_local! {
        static TABLE: Table = wait(Table::new());
    }
    let record = TABLE.with(|table| {
        wait(async {
            table.write(input).await;
            let token = token();
            table.store.head(token.key(), NOW).await.ok();
            let page = table.store.page(Filter::All, None, 2.try_into().expect("two"), NOW).await;
            let record = table.store.load(token.key(), NOW).await;
            if let (Ok(page), Ok(record)) = (page, &record) {
                let listed = page.records.into_iter().map(|(_, record)| record).next();
                assert_eq!(&listed, record, "it is listed as it is loaded");
            }
            record.ok().flatten()
        })
    });
    if let Some(record) = record {
        assert!(record.expires_at > NOW, "what has expired is not there");
        wait(use_record(record, settings()));
    }
}

pub(crate) fn hostile() -> Vec<Vec<u8>> {
    let record = wait(Table::new()).record;
    let good = || {
        let number = |at: session_core::Time| Value::Integer(at.as_millis());
        [
            Value::Integer(record.version.seq.cast_signed()),
            Value::Integer(record.version.nonce.cast_signed()),
            number(record.created_at),
            number(record.last_active),
            number(record.expires_at),
            Value::Text(b"ada".to_vec()),
            Value::Bytes(vec![7; 32]),
            Value::Bytes(record.details.encode()),
            Value::Bytes(record.data.to_vec()),
        ]
    };
    let written = |values: &[Value]| {
        let mut row = Vec::new();
        values.iter().for_each(|value| value.append_to(&mut row));
        row
    };
    let with = |at: usize, value: Value| {
        let mut values = good();
        values[at] = value;
        written(&values)
    };
    vec![
        written(&good()),
        with(0, Value::Real(f64::NAN)),
        with(2, Value::Integer(i64::MIN)),
        with(4, Value::Integer(i64::MAX)),
        with(5, Value::Text(vec![0xFF, 0])),
        with(5, Value::Bytes(vec![0; 3])),
        with(6, Value::Bytes(vec![7; 31])),
        with(7, Value::Text(b"details".to_vec())),
        with(8, Value::Bytes(b"[".repeat(60_000))),
        with(8, Value::Bytes([&b"{\"a\":"[..], &b"[".repeat(60_000)].concat())),
    ]
}
