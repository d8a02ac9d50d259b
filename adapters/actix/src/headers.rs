//! A response's headers, as core sees them.

use std::borrow::Cow;

use actix_web::HttpResponse;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use session_core::{HeaderName, ResponseHeaders, is_of_the_body};

/// Keeps what must not be lost with a response whose place an error takes, and what other middleware has added.
pub(crate) fn carry_over(from: &HeaderMap, to: &mut HttpResponse) {
    let to = to.headers_mut();
    session_core::carry_over(&Headers(&mut from.clone()), &mut Headers(to));
    let own: Vec<_> = to.keys().cloned().collect();
    for (name, value) in from {
        if !is_of_the_body(name.as_str()) && !own.contains(name) {
            to.append(name.clone(), value.clone());
        }
    }
}

pub(crate) struct Headers<'a>(pub(crate) &'a mut HeaderMap);

impl ResponseHeaders for Headers<'_> {
    fn each(&self, name: HeaderName, each: &mut dyn FnMut(&[u8])) {
        self.0.get_all(constant(name)).for_each(|value| each(value.as_bytes()));
    }

    fn set_new(&mut self, name: HeaderName, value: &'static str) -> bool {
        let is_new = !self.0.contains_key(constant(name));
        if is_new {
            self.0.insert(constant(name), HeaderValue::from_static(value));
        }
        is_new
    }

    fn set(&mut self, name: HeaderName, value: Cow<'static, str>) {
        if let Some(value) = header_value(name, value) {
            self.0.insert(constant(name), value);
        }
    }

    fn append(&mut self, name: HeaderName, value: Cow<'static, str>) {
        if let Some(value) = header_value(name, value) {
            self.0.append(constant(name), value);
        }
    }
}

fn constant(name: HeaderName) -> header::HeaderName {
    match name {
        HeaderName::CacheControl => header::CACHE_CONTROL,
        HeaderName::SetCookie => header::SET_COOKIE,
        HeaderName::Vary => header::VARY,
    }
}

/// What core writes are printable characters; what it merges came out of a header.
fn header_value(name: HeaderName, value: Cow<'static, str>) -> Option<HeaderValue> {
    let mut value = match value {
        Cow::Borrowed(value) => HeaderValue::from_static(value),
        Cow::Owned(value) => HeaderValue::try_from(value).ok()?,
    };
    // So that no log which shows a response's headers shows this one.
    value.set_sensitive(name == HeaderName::SetCookie);
    Some(value)
}
