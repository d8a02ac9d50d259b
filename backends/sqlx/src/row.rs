//! The rows of this project's own table, for every engine.

use std::error::Error as StdError;

use session_core::store::{StoreError, StoreErrorKind, StoreResult};
use session_core::{Details, Head, Record, RecordKey, SecretHash, Time, Version};
use sqlx::query::Query;
use sqlx::{ColumnIndex, Database, Decode, Row, Type};

use crate::engine::Engine;
use crate::error::too_long;
use crate::layout::Layout;
use crate::sql::Shape;
use crate::statement::Statement;

/// A statement with its values.
pub(crate) type Bound<DB> = Query<'static, DB, <DB as Database>::Arguments>;

/// A table that has a column for everything that a store orders by, compares or indexes.
pub(crate) struct Native;

impl Native {
    /// A version's `seq` and `nonce` are two columns. SQL has no unsigned integers: the same 64 bits are kept as signed ones,
    /// which are compared for equality and nothing else.
    pub(crate) fn shape() -> Shape {
        let columns = [
            "seq",
            "nonce",
            "created_at",
            "last_active",
            "expires_at",
            "account",
            "secret",
            "details",
            "data",
        ];
        Shape {
            select: format!("{}, session_key", columns.join(", ")),
            head: "seq, nonce, last_active, expires_at, session_key".to_owned(),
            columns: columns.map(|name| (name, "?".to_owned())).into(),
            deadline: "expires_at",
            moment: "?".to_owned(),
            unchanged: "seq = ? AND nonce = ?".to_owned(),
            touched: "expires_at = ?, last_active = ?".to_owned(),
            accounts: true,
        }
    }
}

impl<DB: Engine> Layout<DB> for Native
where
    for<'c> &'c str: ColumnIndex<DB::Row>,
    for<'q> i64: Decode<'q, DB> + Type<DB>,
    for<'q> String: Decode<'q, DB> + Type<DB>,
    for<'q> Vec<u8>: Decode<'q, DB> + Type<DB>,
    for<'q> DB::Account: Decode<'q, DB> + Type<DB>,
{
    /// An account that an index cannot hold is told so.
    fn check(record: &Record) -> StoreResult<()> {
        match &record.account {
            Some(account) if account.len() > DB::MAX_ACCOUNT => Err(too_long(DB::MAX_ACCOUNT)),
            _ => Ok(()),
        }
    }

    fn bind(statement: Statement, record: &Record) -> Statement {
        <Self as Layout<DB>>::bind_was(statement, record)
            .millis(record.created_at)
            .millis(record.last_active)
            .millis(record.expires_at)
            .account(record.account.as_deref())
            .optional_bytes(record.secret.as_ref().map(|hash| &hash.as_bytes()[..]))
            .bytes(record.details.encode())
            .bytes(record.data.clone())
    }

    fn bind_was(statement: Statement, was: &Record) -> Statement {
        statement.number(was.version.seq.cast_signed()).number(was.version.nonce.cast_signed())
    }

    fn bind_touch(statement: Statement, until: Time, now: Time) -> Statement {
        statement.millis(until).millis(now)
    }

    fn bind_moment(statement: Statement, at: Time) -> Statement {
        statement.millis(at)
    }

    fn read(row: &DB::Row) -> Result<(RecordKey, Record), Damaged> {
        read(row)
    }

    fn read_head(row: &DB::Row) -> Result<Head, Damaged> {
        let (_, row) = Columns::of(row)?;
        let (last_active, expires_at) = (row.get("last_active")?, row.get("expires_at")?);
        Ok(Head {
            version: version(&row)?,
            last_active: Time::from_millis(last_active),
            expires_at: Time::from_millis(expires_at),
        })
    }
}

fn read<R: Row<Database: Engine>>(row: &R) -> Result<(RecordKey, Record), Damaged>
where
    for<'c> &'c str: ColumnIndex<R>,
    for<'r> i64: Decode<'r, R::Database> + Type<R::Database>,
    for<'r> String: Decode<'r, R::Database> + Type<R::Database>,
    for<'r> Vec<u8>: Decode<'r, R::Database> + Type<R::Database>,
    for<'r> <R::Database as Engine>::Account: Decode<'r, R::Database> + Type<R::Database>,
{
    let (key, row) = Columns::of(row)?;
    let account: Option<<R::Database as Engine>::Account> = row.get("account")?;
    let account = account.map(TryInto::try_into).transpose();
    let secret: Option<Vec<u8>> = row.get("secret")?;
    let secret = secret.map(<[u8; 32]>::try_from).transpose();
    let details: Vec<u8> = row.get("details")?;
    let data: Vec<u8> = row.get("data")?;
    let record = Record {
        version: version(&row)?,
        created_at: Time::from_millis(row.get("created_at")?),
        last_active: Time::from_millis(row.get("last_active")?),
        expires_at: Time::from_millis(row.get("expires_at")?),
        account: account.map_err(|error| row.damaged("account", error))?,
        secret: secret
            .map_err(|_| row.damaged("secret", "a SHA-256 has 32 bytes"))?
            .map(SecretHash::from_bytes),
        details: Details::decode(&details).map_err(|error| row.damaged("details", error))?,
        data: data.into(),
    };
    Ok((key, record))
}

fn version<R: Row<Database: Engine>>(row: &Columns<'_, R>) -> Result<Version, Damaged>
where
    for<'c> &'c str: ColumnIndex<R>,
    for<'r> i64: Decode<'r, R::Database> + Type<R::Database>,
{
    let (seq, nonce): (i64, i64) = (row.get("seq")?, row.get("nonce")?);
    Ok(Version { seq: seq.cast_unsigned(), nonce: nonce.cast_unsigned() })
}

/// The key of a row as it stands there, whatever it is.
pub(crate) fn key_text<'r, R: Row>(row: &'r R) -> Result<String, Damaged>
where
    for<'c> &'c str: ColumnIndex<R>,
    String: Decode<'r, R::Database> + Type<R::Database>,
{
    Columns { row, key: None }.get("session_key")
}

/// A row that knows which one it is, for its errors.
pub(crate) struct Columns<'r, R> {
    row: &'r R,
    key: Option<RecordKey>,
}

impl<'r, R: Row> Columns<'r, R> {
    pub(crate) fn of(row: &'r R) -> Result<(RecordKey, Self), Damaged>
    where
        for<'c> &'c str: ColumnIndex<R>,
        String: Decode<'r, R::Database> + Type<R::Database>,
    {
        let row = Self { row, key: None };
        let key: String = row.get("session_key")?;
        let key = key.parse().map_err(|error| row.damaged("session_key", error))?;
        Ok((key, Self { key: Some(key), ..row }))
    }

    pub(crate) fn get<T>(&self, column: &'static str) -> Result<T, Damaged>
    where
        for<'c> &'c str: ColumnIndex<R>,
        T: Decode<'r, R::Database> + Type<R::Database>,
    {
        self.row.try_get(column).map_err(|error| self.damaged(column, error))
    }

    pub(crate) fn damaged(
        &self,
        column: &'static str,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Damaged {
        Damaged { column, key: self.key, source: source.into() }
    }
}

/// A row holds what no store of this project writes. What it holds is not told; of its key, what `Debug` shows.
#[derive(Debug, thiserror::Error)]
#[error("the column `{column}` of {} is damaged, or was written by a later version of this library", self.row())]
pub(crate) struct Damaged {
    column: &'static str,
    key: Option<RecordKey>,
    source: Box<dyn StdError + Send + Sync>,
}

impl Damaged {
    fn row(&self) -> String {
        self.key.map_or_else(|| "a row".to_owned(), |key| format!("the row {key:?}"))
    }
}

impl From<Damaged> for StoreError {
    fn from(damaged: Damaged) -> Self {
        let says = format!("a stored session cannot be read, and was left as it is: {damaged}");
        StoreError::new(StoreErrorKind::Undecodable, says).with_source(damaged.source)
    }
}
