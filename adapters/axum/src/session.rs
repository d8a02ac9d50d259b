//! The session, and its errors as responses.

use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

session_core::adapter_types!();

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.kind().status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let json = [(header::CONTENT_TYPE, "application/json")];
        let mut response = (status, json, Body::from(self.kind().to_json())).into_response();
        // The layer outside the handler finds the error here, and may show it in the application's own way.
        response.extensions_mut().insert(self);
        response
    }
}
