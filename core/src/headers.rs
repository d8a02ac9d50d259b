//! The headers that a session adds to a response, merged with those that are there.

use std::borrow::Cow;
use std::fmt;

/// A response's headers, as an adapter shows them to core.
pub trait ResponseHeaders {
    /// Calls `each` with every value of the header, in order.
    fn each(&self, name: HeaderName, each: &mut dyn FnMut(&[u8]));
    /// Sets the header, if it is not there at all; whether that was so.
    fn set_new(&mut self, name: HeaderName, value: &'static str) -> bool;
    /// Replaces all values of the header with one.
    fn set(&mut self, name: HeaderName, value: Cow<'static, str>);
    /// Adds a value and keeps those that are there.
    fn append(&mut self, name: HeaderName, value: Cow<'static, str>);
}

/// The headers that a session adds to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(clippy::exhaustive_enums, reason = "an adapter must know each")]
pub enum HeaderName {
    /// `Cache-Control`
    CacheControl,
    /// `Set-Cookie`
    SetCookie,
    /// `Vary`
    Vary,
}

impl HeaderName {
    /// The name in lower case, for a framework that has no constant of its own.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CacheControl => "cache-control",
            Self::SetCookie => "set-cookie",
            Self::Vary => "vary",
        }
    }
}

/// What a session does to its response's headers. Made by [`Sessions::finish`](crate::Sessions::finish).
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SessionHeaders {
    pub(crate) set_cookie: Option<String>,
    pub(crate) vary: bool,
}

impl fmt::Debug for SessionHeaders {
    /// Whoever has the cookie has the session.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cookie = self.set_cookie.as_ref().map(|_| "redacted");
        f.debug_struct("SessionHeaders").field("set_cookie", &cookie).field("vary", &self.vary).finish()
    }
}

impl SessionHeaders {
    /// The value of the `Set-Cookie` to add, where there is one: it sets the session's cookie, or clears it.
    pub fn set_cookie(&self) -> Option<&str> {
        self.set_cookie.as_deref()
    }

    /// Whether the response depends on the session, and so says `Vary: Cookie`.
    pub fn vary(&self) -> bool {
        self.vary
    }

    /// Merges them into a response's headers. Cheap where there is nothing to add.
    pub fn apply(self, headers: &mut impl ResponseHeaders) {
        if self.vary
            && !headers.set_new(HeaderName::Vary, "Cookie")
            && let Some(value) = vary_with_cookie(&collect(headers, HeaderName::Vary))
        {
            headers.set(HeaderName::Vary, value);
        }
        if let Some(cookie) = self.set_cookie {
            make_private(headers);
            headers.append(HeaderName::SetCookie, cookie.into());
        }
    }
}

/// Carries over to a response what must not be lost with the one whose place it takes: its cookies, among which may be that of another
/// session, and `Vary`.
pub fn carry_over(from: &impl ResponseHeaders, to: &mut impl ResponseHeaders) {
    let mut vary = collect(to, HeaderName::Vary);
    let there = vary.len();
    for name in collect(from, HeaderName::Vary) {
        if !vary.iter().any(|known| known.eq_ignore_ascii_case(&name)) {
            vary.push(name);
        }
    }
    if vary.len() > there {
        to.set(HeaderName::Vary, vary.join(", ").into());
    }
    let mut cookies = Vec::new();
    from.each(HeaderName::SetCookie, &mut |value| cookies.push(String::from_utf8_lossy(value).into_owned()));
    if !cookies.is_empty() {
        make_private(to);
    }
    cookies.into_iter().for_each(|cookie| to.append(HeaderName::SetCookie, cookie.into()));
}

/// Whether a header is about the body that it came with, how that is sent, or where to go on. The others, which middleware has added for
/// the whole site, such as CORS, a policy or a request's id, go on to a response that takes the first one's place.
///
/// ```
/// assert!(session_core::is_of_the_body("Content-Length"));
/// assert!(!session_core::is_of_the_body("Access-Control-Allow-Origin"));
/// ```
pub fn is_of_the_body(header: &str) -> bool {
    const OF_THE_BODY: [&str; 22] = [
        "accept-ranges",
        "age",
        "cache-control",
        "connection",
        "content-disposition",
        "content-encoding",
        "content-language",
        "content-length",
        "content-location",
        "content-range",
        "content-type",
        "etag",
        "expires",
        "last-modified",
        "location",
        "pragma",
        "refresh",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "x-accel-redirect",
        "x-sendfile",
    ];
    OF_THE_BODY.iter().any(|name| name.eq_ignore_ascii_case(header))
}

fn collect(headers: &impl ResponseHeaders, name: HeaderName) -> Vec<String> {
    let mut parts = Vec::new();
    headers.each(name, &mut |value| parts.extend(split_list(&String::from_utf8_lossy(value))));
    parts
}

/// Splits a list header at its commas, but not within a quoted string: `no-cache="Set-Cookie, X"` is one directive.
fn split_list(value: &str) -> Vec<String> {
    let mut quoted = false;
    let mut escaped = false;
    value
        .split(|c| {
            let within = quoted;
            match c {
                _ if escaped => escaped = false,
                '\\' if quoted => escaped = true,
                '"' => quoted = !quoted,
                _ => {}
            }
            c == ',' && !within
        })
        .map(|part| part.trim().to_owned())
        .filter(|part| !part.is_empty())
        .collect()
}

/// The merged `Vary`, or `None` where what is there says it already (D64, T8).
fn vary_with_cookie(names: &[String]) -> Option<Cow<'static, str>> {
    if names.iter().any(|name| name == "*") {
        return (names.len() > 1).then_some("*".into());
    }
    if names.iter().any(|name| name.eq_ignore_ascii_case("cookie")) {
        return None;
    }
    Some(names.iter().map(String::as_str).chain(["Cookie"]).collect::<Vec<_>>().join(", ").into())
}

/// No shared cache may keep a response that carries a cookie (T7, C28). Where the application has said that one may, it should know.
fn make_private(headers: &mut impl ResponseHeaders) {
    if headers.set_new(HeaderName::CacheControl, "private") {
        return;
    }
    let directives = collect(headers, HeaderName::CacheControl);
    if let Some(value) = private(&directives) {
        headers.set(HeaderName::CacheControl, value);
    }
    #[cfg(feature = "tracing")]
    if directives.iter().any(|directive| is_for_everybody(directive)) {
        tracing::warn!(
            event = "made_private",
            "a response for shared caches carries a session's cookie, and was made private: say so in its handler, or let it \
             leave the session alone"
        );
    }
}

/// The merged `Cache-Control`, or `None` where what is there says it already. It begins with what matters: what stands behind an open
/// quote may not be read.
fn private(directives: &[String]) -> Option<Cow<'static, str>> {
    let is_private = |directive: &String| directive.eq_ignore_ascii_case("private");
    if directives.iter().any(is_private) && !directives.iter().any(|directive| is_for_everybody(directive)) {
        return None;
    }
    let kept = directives.iter().filter(|directive| !is_private(directive) && !is_for_everybody(directive));
    Some(["private"].into_iter().chain(kept.map(String::as_str)).collect::<Vec<_>>().join(", ").into())
}

fn is_for_everybody(directive: &str) -> bool {
    let name = directive.split('=').next().unwrap_or_default().trim();
    name.eq_ignore_ascii_case("public") || name.eq_ignore_ascii_case("s-maxage")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Headers(Vec<(HeaderName, String)>);

    impl ResponseHeaders for Headers {
        fn each(&self, name: HeaderName, each: &mut dyn FnMut(&[u8])) {
            self.0.iter().filter(|(n, _)| *n == name).for_each(|(_, v)| each(v.as_bytes()));
        }
        fn set_new(&mut self, name: HeaderName, value: &'static str) -> bool {
            let is_new = self.0.iter().all(|(n, _)| *n != name);
            if is_new {
                self.0.push((name, value.to_owned()));
            }
            is_new
        }
        fn set(&mut self, name: HeaderName, value: Cow<'static, str>) {
            self.0.retain(|(n, _)| *n != name);
            self.0.push((name, value.into_owned()));
        }
        fn append(&mut self, name: HeaderName, value: Cow<'static, str>) {
            self.0.push((name, value.into_owned()));
        }
    }

    fn merged(name: HeaderName, values: &[&str]) -> Vec<String> {
        let mut headers = Headers(values.iter().map(|v| (name, (*v).to_owned())).collect());
        SessionHeaders { set_cookie: Some("s=1".to_owned()), vary: true }.apply(&mut headers);
        headers.0.into_iter().filter(|(n, _)| *n == name).map(|(_, v)| v).collect()
    }

    /// D64, T8: appended in order, without regard to case, once; `*` stays.
    #[test]
    fn vary_is_merged() {
        for (there, want) in [
            (&[][..], &["Cookie"][..]),
            (&[""], &["Cookie"]),
            (&["Accept-Encoding"], &["Accept-Encoding, Cookie"]),
            (&["Accept", "Origin"], &["Accept, Origin, Cookie"]),
            (&["cOOkie"], &["cOOkie"]),
            (&["Accept, COOKIE"], &["Accept, COOKIE"]),
            (&[" * "], &[" * "]),
            (&["Accept, *"], &["*"]),
        ] {
            assert_eq!(merged(HeaderName::Vary, there), want, "{there:?}");
        }
    }

    /// T7, T8, C28: no response with our cookie is for a shared cache.
    #[test]
    fn a_response_with_our_cookie_is_private() {
        for (there, want) in [
            (&[][..], &["private"][..]),
            (&["public, max-age=60"], &["private, max-age=60"]),
            (&["PUBLIC", "S-MaxAge=60"], &["private"]),
            (&["Private"], &["Private"]),
            (&["private, s-maxage=1"], &["private"]),
            (&["no-store"], &["private, no-store"]),
            (&["max-age=60, x=\"y"], &["private, max-age=60, x=\"y"]),
            (
                &["private=\"x, public\", no-cache=\"Set-Cookie\""],
                &["private, private=\"x, public\", no-cache=\"Set-Cookie\""],
            ),
        ] {
            assert_eq!(merged(HeaderName::CacheControl, there), want, "{there:?}");
        }
    }

    /// T7.
    #[cfg(feature = "tracing")]
    #[test]
    fn a_page_for_everybody_that_gets_a_cookie_is_warned_of() {
        use std::io::{Read as _, Seek as _};
        use std::sync::Arc;

        let warned = |directives: &[&str]| {
            let mut log = tempfile::tempfile().unwrap();
            let writer = Arc::new(log.try_clone().unwrap());
            let subscriber = tracing_subscriber::fmt().with_writer(writer).finish();
            tracing::subscriber::with_default(subscriber, || merged(HeaderName::CacheControl, directives));
            log.rewind().unwrap();
            let mut text = String::new();
            log.read_to_string(&mut text).unwrap();
            text.contains("WARN") && text.contains("made_private")
        };
        assert!(warned(&["public, max-age=60"]) && warned(&["s-maxage=60"]));
        assert!(!warned(&[]) && !warned(&["no-store"]) && !warned(&["private"]));
    }

    #[test]
    fn our_cookie_leaves_the_others_alone() {
        assert_eq!(merged(HeaderName::SetCookie, &["theme=dark"]), ["theme=dark", "s=1"]);
    }

    /// An error that takes a response's place does not take another session's cookie with it.
    #[test]
    fn cookies_outlive_the_response_that_an_error_replaces() {
        let header = |(name, value): &(HeaderName, &str)| (*name, (*value).to_owned());
        let headers = |all: &[_]| Headers(all.iter().map(header).collect());
        let from = headers(&[
            (HeaderName::SetCookie, "adminsid=1"),
            (HeaderName::Vary, "Accept, cookie"),
            (HeaderName::CacheControl, "public"),
            (HeaderName::SetCookie, "theme=dark"),
        ]);
        let mut to = headers(&[(HeaderName::Vary, "Cookie"), (HeaderName::SetCookie, "own=1")]);
        carry_over(&from, &mut to);
        to.0.sort();
        let want = headers(&[
            (HeaderName::CacheControl, "private"),
            (HeaderName::SetCookie, "adminsid=1"),
            (HeaderName::SetCookie, "own=1"),
            (HeaderName::SetCookie, "theme=dark"),
            (HeaderName::Vary, "Cookie, Accept"),
        ]);
        assert_eq!(to.0, want.0);

        let mut to = headers(&[(HeaderName::CacheControl, "max-age=1"), (HeaderName::Vary, "Cookie")]);
        carry_over(&headers(&[(HeaderName::Vary, "COOKIE")]), &mut to);
        assert_eq!(to.0, headers(&[(HeaderName::CacheControl, "max-age=1"), (HeaderName::Vary, "Cookie")]).0);
    }

    #[test]
    fn nothing_to_add_changes_nothing() {
        let mut headers = Headers(vec![
            (HeaderName::Vary, "Accept".to_owned()),
            (HeaderName::CacheControl, "public".to_owned()),
        ]);
        SessionHeaders::default().apply(&mut headers);
        assert_eq!(headers.0.len(), 2);
    }
}
