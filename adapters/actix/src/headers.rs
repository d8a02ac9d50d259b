//! A response's headers, as core sees them.

use actix_web::HttpResponse;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use session_core::ResponseHeaders;

/// Keeps what must not be lost with a response whose place an error takes.
pub(crate) fn carry_over(from: &HeaderMap, to: &mut HttpResponse) {
    session_core::carry_over(&Headers(&mut from.clone()), &mut Headers(to.headers_mut()));
}

pub(crate) struct Headers<'a>(pub(crate) &'a mut HeaderMap);

impl ResponseHeaders for Headers<'_> {
    fn each(&self, name: &'static str, each: &mut dyn FnMut(&[u8])) {
        self.0.get_all(name).for_each(|value| each(value.as_bytes()));
    }

    // What core writes are printable characters; what it merges came out of a header.
    fn set(&mut self, name: &'static str, value: String) {
        if let Ok(value) = HeaderValue::try_from(value) {
            self.0.insert(HeaderName::from_static(name), value);
        }
    }

    fn append(&mut self, name: &'static str, value: String) {
        if let Ok(value) = HeaderValue::try_from(value) {
            self.0.append(HeaderName::from_static(name), value);
        }
    }
}
