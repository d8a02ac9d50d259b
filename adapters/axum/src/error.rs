//! Errors as responses.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

/// The result of a handler that uses a session.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of a session, as a response: the status and JSON of [`session_core::Error`], unless the layer says otherwise
/// ([`SessionLayer::on_error`](crate::SessionLayer::on_error)).
#[derive(Debug)]
pub struct Error(session_core::Error);

impl Error {
    /// What went wrong.
    pub fn kind(&self) -> &session_core::Error {
        &self.0
    }
}

impl From<session_core::Error> for Error {
    fn from(error: session_core::Error) -> Self {
        Self(error)
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let json = [(header::CONTENT_TYPE, "application/json")];
        let mut response = (status, json, Body::from(self.0.to_json())).into_response();
        // The layer outside the handler finds the error here, and may show it in the application's own way.
        response.extensions_mut().insert(Shown(Arc::new(self.0)));
        response
    }
}

/// The error that a response shows.
#[derive(Clone)]
pub(crate) struct Shown(pub(crate) Arc<session_core::Error>);
