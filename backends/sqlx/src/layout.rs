//! What a kind of table keeps of a record, and where.

use session_core::store::StoreResult;
use session_core::{Head, Record, RecordKey, Time};

use crate::engine::Engine;
use crate::row::Damaged;
use crate::statement::Statement;

/// Between a record and its row. The values that it gives a statement are those of its [`Shape`](crate::sql::Shape), in the
/// same order.
pub(crate) trait Layout<DB: Engine>: Send + Sync + 'static {
    /// Refuses a record that does not fit, before anything is written.
    fn check(record: &Record) -> StoreResult<()>;
    /// Gives a statement all columns of a record but the key.
    fn bind(statement: Statement, record: &Record) -> Statement;
    /// Gives a statement what is compared with the row.
    fn bind_was(statement: Statement, was: &Record) -> Statement;
    /// Gives a statement what a touch sets.
    fn bind_touch(statement: Statement, until: Time, now: Time) -> Statement;
    /// Gives a statement what is compared with a deadline.
    fn bind_moment(statement: Statement, at: Time) -> Statement;
    /// Reads a row.
    fn read(row: &DB::Row) -> Result<(RecordKey, Record), Damaged>;
    /// Reads a record's head.
    fn read_head(row: &DB::Row) -> Result<Head, Damaged>;
}
