//! What is done to a response.

use std::borrow::Cow;

use rocket::http::Header;
use rocket::response::Responder;
use rocket::{Request, Response};
use session_core::{HeaderName, ResponseHeaders, carry_over, is_of_the_body};

use crate::session::Error;

/// Puts the error in place of what the handler has answered. What other fairings have added stays.
pub(crate) fn replace<'r>(response: &mut Response<'r>, error: Error, request: &'r Request<'_>) {
    let status = error.status();
    let mut page = error.respond_to(request).unwrap_or_else(|_| Response::build().status(status).finalize());
    carry_over(&Headers(response), &mut Headers(&mut page));
    let own: Vec<_> = page.headers().iter().map(|header| header.name().to_string()).collect();
    for header in response.headers().iter() {
        let name = header.name();
        if !is_of_the_body(name.as_str()) && !own.iter().any(|own| name == own) {
            page.adjoin_header(Header::new(name.to_string(), header.value().to_owned()));
        }
    }
    *response = page;
}

pub(crate) struct Headers<'a, 'r>(pub(crate) &'a mut Response<'r>);

impl ResponseHeaders for Headers<'_, '_> {
    fn each(&self, name: HeaderName, each: &mut dyn FnMut(&[u8])) {
        self.0.headers().get(name.as_str()).for_each(|value| each(value.as_bytes()));
    }

    fn set_new(&mut self, name: HeaderName, value: &'static str) -> bool {
        let is_new = !self.0.headers().contains(name.as_str());
        if is_new {
            self.0.set_raw_header(name.as_str(), value);
        }
        is_new
    }

    fn set(&mut self, name: HeaderName, value: Cow<'static, str>) {
        self.0.set_raw_header(name.as_str(), value);
    }

    fn append(&mut self, name: HeaderName, value: Cow<'static, str>) {
        self.0.adjoin_raw_header(name.as_str(), value);
    }
}
