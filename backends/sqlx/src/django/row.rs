//! The rows of Django's table, for every engine (D109).

use session_core::django::record_of;
use session_core::store::{StoreError, StoreErrorKind, StoreResult};
use session_core::{Head, Record, RecordKey, Time};
use sqlx::{ColumnIndex, Decode, Type};

use super::moment;
use crate::engine::Engine;
use crate::layout::Layout;
use crate::row::{Columns, Damaged};
use crate::sql::Shape;
use crate::statement::Statement;

/// A table with a key, a text and a deadline. All else stands in the text, which only core reads.
pub(crate) struct Django;

/// What one engine says of a date and of a text.
pub(crate) struct Words {
    /// The place of a date, given as text in UTC.
    pub(crate) moment: &'static str,
    /// The column `expire_date` as such a text.
    pub(crate) date: &'static str,
    /// That the column `session_data` has the same bytes.
    pub(crate) same_text: &'static str,
}

impl Django {
    pub(crate) fn shape(words: &Words) -> Shape {
        let moment = words.moment.to_owned();
        Shape {
            select: format!("session_data, {} AS deadline, session_key", words.date),
            // Its version is made from the text, so that is read too.
            head: format!("session_data, {} AS deadline, session_key", words.date),
            columns: vec![("session_data", "?".to_owned()), ("expire_date", moment.clone())],
            deadline: "expire_date",
            unchanged: words.same_text.to_owned(),
            touched: format!("expire_date = {moment}"),
            moment,
            accounts: false,
        }
    }
}

impl<DB: Engine> Layout<DB> for Django
where
    for<'c> &'c str: ColumnIndex<DB::Row>,
    for<'q> String: Decode<'q, DB> + Type<DB>,
{
    fn check(record: &Record) -> StoreResult<()> {
        text(record).map(drop)
    }

    fn bind(statement: Statement, record: &Record) -> Statement {
        // It has been checked; what is no text is no text of any row either.
        statement.text(text(record).unwrap_or_default()).text(moment::to_text(record.expires_at))
    }

    fn bind_was(statement: Statement, was: &Record) -> Statement {
        statement.text(text(was).unwrap_or_default())
    }

    fn bind_touch(statement: Statement, until: Time, _: Time) -> Statement {
        statement.text(moment::to_text(until))
    }

    fn bind_moment(statement: Statement, at: Time) -> Statement {
        statement.text(moment::to_text(at))
    }

    fn read(row: &DB::Row) -> Result<(RecordKey, Record), Damaged> {
        let (key, row) = Columns::of(row)?;
        let deadline: String = row.get("deadline")?;
        let expires_at = moment::from_text(&deadline).map_err(|error| row.damaged("expire_date", error))?;
        let data: String = row.get("session_data")?;
        Ok((key, record_of(data, expires_at)))
    }

    fn read_head(row: &DB::Row) -> Result<Head, Damaged> {
        <Self as Layout<DB>>::read(row).map(|(_, record)| record.head())
    }
}

fn text(record: &Record) -> StoreResult<&str> {
    const WHAT: &str = "what is stored in Django's table is text: give the store its format with `AnyStore::with_django_format`";
    std::str::from_utf8(&record.data)
        .map_err(|error| StoreError::new(StoreErrorKind::Misconfigured, WHAT).with_source(error))
}
