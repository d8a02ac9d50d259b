//! What makes a whole answer of the playground an error.

use session_core::Error;

/// Why no operation's result is answered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlaygroundError {
    /// The body is no JSON array of operations.
    #[error("{0}")]
    Malformed(String),
    /// The store cannot be reached, or another request ended the session.
    #[error(transparent)]
    Session(#[from] Error),
}

impl PlaygroundError {
    /// The HTTP status of the answer.
    pub fn status(&self) -> u16 {
        match self {
            Self::Malformed(_) => 400,
            Self::Session(error) => error.status(),
        }
    }

    /// The body of the answer, `application/json`.
    pub fn to_json(&self) -> String {
        match self {
            Self::Malformed(reason) => serde_json::json!({ "error": reason }).to_string(),
            Self::Session(error) => error.to_json(),
        }
    }
}
