//! The session, and its errors as responses.

use std::io::Cursor;
use std::sync::Arc;

use rocket::Request;
use rocket::http::{ContentType, Status};
use rocket::response::{self, Responder, Response};

session_core::adapter_types!();

/// How the application shows an error of a session.
#[derive(Clone)]
pub(crate) struct ErrorPage(pub(crate) Arc<Page>);

pub(crate) type Page =
    dyn for<'r> Fn(&session_core::Error, &'r Request<'_>) -> response::Result<'static> + Send + Sync;

/// The status of an error whose page the application has made: the page may have any other.
struct Shown(Option<Status>);

impl ErrorPage {
    /// The error's, where the response is its page.
    pub(crate) fn status_behind(request: &Request<'_>, response: &Response<'_>) -> Status {
        let shown = request.rocket().state::<Self>().and_then(|_| request.local_cache(|| Shown(None)).0);
        shown.map_or(response.status(), |error| error.max(response.status()))
    }
}

impl Error {
    pub(crate) fn status(&self) -> Status {
        Status::new(self.kind().status())
    }
}

impl<'r> Responder<'r, 'static> for Error {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        if let Some(ErrorPage(page)) = request.rocket().state() {
            request.local_cache(|| Shown(Some(self.status())));
            return page(self.kind(), request);
        }
        let json = self.kind().to_json();
        let mut response = Response::build();
        response
            .status(self.status())
            .header(ContentType::JSON)
            .sized_body(json.len(), Cursor::new(json))
            .ok()
    }
}
