//! What came back, so that it can be compared: random texts are numbers by now, and times are the same within seconds.

use std::collections::BTreeSet;
use std::fmt::{self, Debug};
use std::time::UNIX_EPOCH;

use reqwest::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderName, SET_COOKIE, VARY};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Seconds by which two servers' times may differ that answer at once, on a machine that does more than that. Every time in the
/// sequences is further away from any other.
const SAME: i64 = 20;

/// What an answer says.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Each operation's result.
    pub results: Vec<Value>,
    /// The body where it has no results.
    pub body: String,
    /// What happens to the cookie.
    pub set_cookie: Option<SetCookie>,
    /// Whether `Vary` says `Cookie`.
    pub varies: bool,
    /// The directives of `Cache-Control`.
    pub cache_control: BTreeSet<String>,
    /// Whether the body is JSON.
    pub is_json: bool,
}

/// A `Set-Cookie` of the session's cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SetCookie {
    /// The number of the text.
    pub value: u64,
    /// Seconds; 0 or less removes it.
    pub max_age: Option<i64>,
    /// The date of `Expires`, in seconds since 1970.
    pub expires: Option<i64>,
    /// All others.
    pub attributes: BTreeSet<String>,
}

impl SetCookie {
    /// The one of these headers, and the cookie's text.
    ///
    /// # Panics
    ///
    /// Where there are several, or it is no cookie.
    pub fn of(headers: &HeaderMap) -> Option<(String, Self)> {
        let all: Vec<_> = headers.get_all(SET_COOKIE).iter().collect();
        assert!(all.len() <= 1, "one Set-Cookie at most: {all:?}");
        let mut parts = all.first()?.to_str().expect("text").split(';').map(str::trim);
        let value = parts.next().and_then(|pair| pair.strip_prefix("sessionid=")).expect("the session's");
        let mut cookie = Self { value: 0, max_age: None, expires: None, attributes: BTreeSet::new() };
        for part in parts {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            match &*name.to_ascii_lowercase() {
                "max-age" => cookie.max_age = Some(value.parse().expect("a number")),
                "expires" => cookie.expires = Some(http_date(value)),
                _ => assert!(cookie.attributes.insert(part.to_owned()), "twice: {part}"),
            }
        }
        Some((value.to_owned(), cookie))
    }

    /// Whether it makes the browser forget the cookie.
    pub fn clears(&self) -> bool {
        self.max_age.is_some_and(|age| age <= 0)
    }
}

fn http_date(text: &str) -> i64 {
    let date = httpdate::parse_http_date(text).unwrap_or_else(|_| panic!("no date: {text}"));
    let since = date.duration_since(UNIX_EPOCH).expect("after 1970");
    i64::try_from(since.as_secs()).expect("a date")
}

impl Answer {
    pub(crate) fn new(
        status: u16,
        headers: &HeaderMap,
        set_cookie: Option<SetCookie>,
        results: Vec<Value>,
        body: String,
    ) -> Self {
        let list = |name: HeaderName| -> BTreeSet<String> {
            let values = headers.get_all(name);
            let values = values.iter().filter_map(|value| value.to_str().ok());
            values.flat_map(|value| value.split(',')).map(|item| item.trim().to_ascii_lowercase()).collect()
        };
        Self {
            status,
            results,
            body,
            set_cookie,
            varies: list(VARY).contains("cookie"),
            cache_control: list(CACHE_CONTROL),
            is_json: list(CONTENT_TYPE).iter().any(|kind| kind.starts_with("application/json")),
        }
    }

    /// In what two answers differ.
    pub(crate) fn differences(&self, other: &Self) -> Vec<Difference> {
        let mut all = Differences(Vec::new());
        all.note(Aspect::Status, self.status == other.status, &self.status, &other.status);
        all.note(Aspect::Body, self.body == other.body, &self.body, &other.body);
        let json = self.is_json == other.is_json;
        all.note(Aspect::ContentType, json, &self.is_json, &other.is_json);
        for number in 0..self.results.len().max(other.results.len()) {
            let (a, b) = (self.results.get(number), other.results.get(number));
            let same = a.zip(b).is_some_and(|(a, b)| same(a, b));
            let text = |result: Option<&Value>| Plain(result.map_or("nothing".to_owned(), Value::to_string));
            all.note(Aspect::Result(number), same, &text(a), &text(b));
        }
        let effect = |answer: &Self| match &answer.set_cookie {
            None => Plain("left".to_owned()),
            Some(cookie) if cookie.clears() => Plain("cleared".to_owned()),
            Some(cookie) => Plain(format!("set to #{}", cookie.value)),
        };
        let (a, b) = (effect(self), effect(other));
        all.note(Aspect::Cookie, a.0 == b.0, &a, &b);
        if let (Some(a), Some(b)) = (&self.set_cookie, &other.set_cookie) {
            all.note(Aspect::Attributes, a.attributes == b.attributes, &a.attributes, &b.attributes);
            all.note(Aspect::MaxAge, near(a.max_age, b.max_age), &a.max_age, &b.max_age);
            all.note(Aspect::Expires, near(a.expires, b.expires), &a.expires, &b.expires);
        }
        all.note(Aspect::Vary, self.varies == other.varies, &self.varies, &other.varies);
        let cache = (&self.cache_control, &other.cache_control);
        all.note(Aspect::CacheControl, cache.0 == cache.1, cache.0, cache.1);
        all.0
    }
}

/// A time or an age, which is the same as another within seconds.
pub(crate) fn about(seconds: Option<i64>) -> Value {
    json!({ "about": seconds })
}

/// An RFC 3339 date of a result; what is none stays.
pub(crate) fn date(value: &Value) -> Value {
    let parsed = value.as_str().and_then(|text| OffsetDateTime::parse(text, &Rfc3339).ok());
    parsed.map_or_else(|| value.clone(), |date| about(Some(date.unix_timestamp())))
}

fn near(a: Option<i64>, b: Option<i64>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a.abs_diff(b) <= SAME.unsigned_abs(),
        (a, b) => a == b,
    }
}

fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Object(x), Value::Object(y)) if x.contains_key("about") && y.contains_key("about") => {
            near(a["about"].as_i64(), b["about"].as_i64())
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (a, b) => a == b,
    }
}

/// What differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Aspect {
    /// The status.
    Status,
    /// A body without results.
    Body,
    /// JSON or not.
    ContentType,
    /// The result of the operation of this number.
    Result(usize),
    /// Whether the cookie is set, and to which, or cleared, or left.
    Cookie,
    /// Attributes of two cookies, but for the next two.
    Attributes,
    /// `Max-Age` of two cookies.
    MaxAge,
    /// `Expires` of two cookies.
    Expires,
    /// `Vary: Cookie`.
    Vary,
    /// `Cache-Control`.
    CacheControl,
}

/// One difference between two answers.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Difference {
    /// What differs.
    pub aspect: Aspect,
    /// What the first server says.
    pub first: String,
    /// What the other one says.
    pub other: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {} / {}", self.aspect, self.first, self.other)
    }
}

struct Differences(Vec<Difference>);

impl Differences {
    fn note(&mut self, aspect: Aspect, same: bool, first: &dyn Debug, other: &dyn Debug) {
        if !same {
            let (first, other) = (format!("{first:?}"), format!("{other:?}"));
            self.0.push(Difference { aspect, first, other });
        }
    }
}

/// A text without quotes.
struct Plain(String);

impl Debug for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(headers: &[(&'static str, &str)], results: Vec<Value>) -> Answer {
        let headers =
            headers.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
        let headers: HeaderMap = headers.collect();
        let cookie = SetCookie::of(&headers).map(|(_, cookie)| cookie);
        Answer::new(200, &headers, cookie, results, String::new())
    }

    fn aspects(a: &Answer, b: &Answer) -> Vec<Aspect> {
        a.differences(b).into_iter().map(|difference| difference.aspect).collect()
    }

    #[test]
    fn every_aspect_is_seen() {
        let plain = answer(&[], vec![json!({"ok": 1})]);
        assert_eq!(aspects(&plain, &plain), []);
        assert_eq!(aspects(&plain, &answer(&[], vec![json!({"ok": 2})])), [Aspect::Result(0)]);
        assert_eq!(aspects(&plain, &answer(&[], vec![])), [Aspect::Result(0)]);
        assert_eq!(aspects(&plain, &Answer { status: 500, ..plain.clone() }), [Aspect::Status]);
        assert_eq!(aspects(&plain, &Answer { body: "x".to_owned(), ..plain.clone() }), [Aspect::Body]);
        let with = |headers: &[(&'static str, &str)]| answer(headers, vec![json!({"ok": 1})]);
        assert_eq!(aspects(&plain, &with(&[("vary", "Accept, COOKIE")])), [Aspect::Vary]);
        assert_eq!(aspects(&plain, &with(&[("cache-control", "private")])), [Aspect::CacheControl]);
        assert_eq!(aspects(&plain, &with(&[("content-type", "application/json")])), [Aspect::ContentType]);
        assert_eq!(aspects(&plain, &with(&[("set-cookie", "sessionid=x; Path=/")])), [Aspect::Cookie]);
    }

    #[test]
    fn a_cookie_s_attributes_have_no_order_and_its_times_no_precision() {
        let cookie = |text| answer(&[("set-cookie", text)], vec![]);
        let one = cookie("sessionid=x; Path=/; HttpOnly; Max-Age=60; Expires=Sun, 06 Dec 2026 02:52:12 GMT");
        let other =
            cookie("sessionid=x; expires=Sun, 06 Dec 2026 02:52:14 GMT; Max-Age=61; HttpOnly; Path=/");
        assert_eq!(aspects(&one, &other), []);
        let differs = cookie("sessionid=x; Path=/a; Max-Age=600");
        assert_eq!(aspects(&one, &differs), [Aspect::Attributes, Aspect::MaxAge, Aspect::Expires]);
        let cleared = cookie("sessionid=; Path=/; HttpOnly; Max-Age=0");
        assert!(aspects(&one, &cleared).contains(&Aspect::Cookie));
    }

    #[test]
    fn times_in_results_are_the_same_within_seconds() {
        let at = |text| vec![json!({"ok": [{"created": date(&json!(text)), "n": 1}]})];
        let one = answer(&[], at("2026-12-06T02:52:12.352Z"));
        assert_eq!(aspects(&one, &answer(&[], at("2026-12-06T03:52:13+01:00"))), []);
        assert_eq!(aspects(&one, &answer(&[], at("2026-12-06T02:53:12Z"))), [Aspect::Result(0)]);
    }
}
