//! What answers where a guard fails and the application has no catcher of its own.

use rocket::catcher::{Catcher, Handler, Result};
use rocket::http::Status;
use rocket::response::Responder;
use rocket::{Build, Request, Rocket, async_trait};

use crate::session::Error;

/// The error with which a guard has failed in this request.
pub(crate) struct Refused(Option<Error>);

impl Refused {
    pub(crate) fn note(request: &Request<'_>, error: &Error) {
        request.local_cache(|| Self(Some(error.clone())));
    }
}

#[derive(Clone)]
struct SessionErrors;

#[async_trait]
impl Handler for SessionErrors {
    async fn handle<'r>(&self, status: Status, request: &'r Request<'_>) -> Result<'r> {
        match &request.local_cache(|| Refused(None)).0 {
            Some(error) if error.status() == status => error.clone().respond_to(request),
            _ => Catcher::default().handler.handle(status, request).await,
        }
    }
}

/// Registers a catcher for each status with which a guard fails, where the application has none for all requests.
pub(crate) fn register(mut rocket: Rocket<Build>) -> Rocket<Build> {
    for code in [500, 503] {
        let caught =
            rocket.catchers().any(|other| other.base == "/" && other.code.is_none_or(|other| other == code));
        if !caught {
            let mut catcher = Catcher::new(code, SessionErrors);
            catcher.name = Some("session errors".into());
            rocket = rocket.register("/", vec![catcher]);
        }
    }
    rocket
}
