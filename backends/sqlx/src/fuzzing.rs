//! What the fuzzer of this project reaches without a server. It is for nobody else, and may change at any time.

use session_core::store::StoreError;

use crate::error::Failure;
use crate::table::TableName;

/// Why this is no address of a database; `None` where it is one.
pub fn refuses(url: &str) -> Option<String> {
    let read: Result<(), Failure> = match url.split(':').next().unwrap_or_default() {
        #[cfg(feature = "postgres")]
        "postgres" | "postgresql" => crate::postgres::reads(url),
        #[cfg(feature = "mysql")]
        "mysql" | "mariadb" => crate::mysql::reads(url),
        #[cfg(feature = "sqlite")]
        _ => crate::sqlite::reads(url),
        #[cfg(not(feature = "sqlite"))]
        _ => Ok(()),
    };
    let refused: Option<StoreError> = read.err().map(|failure| failure.about(&TableName::default()));
    refused.map(|error| format!("{error} {error:?}"))
}
