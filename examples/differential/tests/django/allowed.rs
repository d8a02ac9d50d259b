//! Where we do otherwise than Django on purpose: the only differences that are let through.

use std::sync::atomic::{AtomicU64, Ordering};

use example_differential::{Answer, Aspect, Cookie, Difference, Exchange, Request, SetCookie, Verdict};
use serde_json::Value;

/// One difference that we want.
#[derive(Debug)]
struct Allowed {
    /// The line of the reference that it is about, and what differs.
    what: &'static str,
    /// What it explains.
    kind: Kind,
    met: AtomicU64,
}

#[derive(Debug)]
enum Kind {
    /// This one aspect, and nothing follows from it.
    Aspect(fn(&Exchange<'_>, &Difference) -> bool),
    /// What happens to the cookie and what goes with it, after which the two sides' sessions are not the same any more: the sequence
    /// ends.
    Headers(fn(&Exchange<'_>) -> bool),
    /// The same for the whole answer.
    Answer(fn(&Exchange<'_>) -> bool),
}

/// The list, with how often each entry was met.
#[derive(Debug)]
pub(crate) struct List(Vec<Allowed>);

impl List {
    /// What holds wherever sessions are stored.
    pub(crate) fn new() -> Self {
        use Kind::{Answer, Aspect, Headers};
        let list = [
            ("T7: our Set-Cookie comes with `Cache-Control: private`", Aspect(private)),
            ("D54: our removal has HttpOnly too", Aspect(removal_is_http_only)),
            ("D35: of a deadline that has passed the age is 0, not negative", Aspect(negative_age)),
            ("the contract leaves open in which words a body is refused", Aspect(words)),
            ("D14, D23: Django does not load for `is_empty` and `session_key`", Aspect(asked_of_unknown)),
            ("D15, D16: until ours is saved, `session_key` is as it was", Aspect(key_until_saved)),
            (
                "D16, D57: of what Django saves in a failure the key reaches no cookie",
                Aspect(key_without_cookie),
            ),
            ("D15: our key stays when the token is renewed", Aspect(key_stays)),
            ("D93: in signed cookies our key is null, as the contract says", Aspect(no_key_in_cookies)),
            (
                "D93, D94: in signed cookies Django takes a save, and a bad cookie, for a change",
                Aspect(not_a_change),
            ),
            ("D46, D47: Django refuses `clear` and `save` of what it did not load", Answer(unread_unknown)),
            ("D63: ours ends when it is saved after its deadline", Answer(saved_in_the_past)),
            ("D61: Django makes an empty session of an unknown one that was marked", Headers(marked_unknown)),
            ("D62: a key renewed just now neither ends nor begins a session", Answer(superseded)),
            ("D65: of two cookies Django takes the last, we what opens", Answer(two_cookies)),
            ("D2: asked for is loaded: a dead cookie goes though nothing is read", Headers(dead_cookie)),
            ("D27: Django removes what is no key though nobody asks", Headers(no_key_unasked)),
            ("D53, D57: we leave a dead cookie where the answer failed", Headers(dead_cookie_in_failure)),
            ("D13, D57: our flush holds though the answer failed", Headers(flush_in_failure)),
            ("D16, D57: saved before a failure: ours is kept; renewed: not done", Headers(saved_in_failure)),
            ("D63: for a negative age we set no cookie", Headers(negative_cookie)),
            ("D93: a save of nothing new makes no cookie of ours", Headers(saved_nothing_new)),
            ("D94: Django replaces a bad cookie by an empty session", Headers(bad_cookie)),
            (
                "D94: but where a pop was the first to look, it forgets that it has",
                Headers(bad_cookie_popped),
            ),
            ("D98: we renew the key at each login", Headers(same_account)),
            ("D98: another login and `clear`: ours is an empty session", Headers(cleared_after_login)),
        ];
        Self(list.into_iter().map(|(what, kind)| Allowed { what, kind, met: AtomicU64::new(0) }).collect())
    }

    /// Every difference must be in the list.
    pub(crate) fn judge(&self, exchange: &Exchange<'_>, differences: &[Difference]) -> Verdict {
        let parts = self.0.iter().find(|allowed| match allowed.kind {
            Kind::Aspect(_) => false,
            Kind::Headers(is) | Kind::Answer(is) => is(exchange),
        });
        for difference in differences {
            let explains = |kind: &Kind| matches!(kind, Kind::Aspect(is) if is(exchange, difference));
            let covers = |allowed: &Allowed| match allowed.kind {
                Kind::Aspect(_) => false,
                Kind::Headers(_) => is_header(difference.aspect),
                Kind::Answer(_) => true,
            };
            match self.0.iter().find(|allowed| explains(&allowed.kind)) {
                Some(allowed) => _ = allowed.met.fetch_add(1, Ordering::Relaxed),
                None if parts.is_some_and(covers) => {}
                None => return Verdict::Fault,
            }
        }
        parts.map_or(Verdict::Agreed, |allowed| {
            allowed.met.fetch_add(1, Ordering::Relaxed);
            Verdict::Parted
        })
    }

    /// Says how often each was met.
    pub(crate) fn report(&self) {
        for Allowed { what, met, .. } in &self.0 {
            let met = met.load(Ordering::Relaxed);
            if met > 0 {
                eprintln!("met {met} times: {what}");
            }
        }
    }
}

fn is_header(aspect: Aspect) -> bool {
    let cookie = matches!(aspect, Aspect::Cookie | Aspect::Attributes | Aspect::MaxAge | Aspect::Expires);
    cookie || matches!(aspect, Aspect::Vary | Aspect::CacheControl)
}

fn private(exchange: &Exchange<'_>, difference: &Difference) -> bool {
    difference.aspect == Aspect::CacheControl
        && exchange.first.cache_control.is_empty()
        && (exchange.other.cache_control.iter().eq(["private"])) == exchange.other.set_cookie.is_some()
}

fn removal_is_http_only(exchange: &Exchange<'_>, difference: &Difference) -> bool {
    let cookies = exchange.first.set_cookie.as_ref().zip(exchange.other.set_cookie.as_ref());
    difference.aspect == Aspect::Attributes
        && cookies.is_some_and(|(django, ours)| {
            let mut more = django.attributes.clone();
            more.insert("HttpOnly".to_owned());
            django.clears() && ours.clears() && more == ours.attributes
        })
}

fn negative_age(exchange: &Exchange<'_>, difference: &Difference) -> bool {
    let Aspect::Result(number) = difference.aspect else { return false };
    let [django, ours] = [exchange.first, exchange.other].map(|answer| ok(answer, number)["about"].as_i64());
    is_op(exchange, number, "get_expiry_age") && django.is_some_and(|age| age < 0) && ours == Some(0)
}

fn negative_cookie(exchange: &Exchange<'_>) -> bool {
    let age = exchange.first.set_cookie.as_ref().and_then(|cookie| cookie.max_age);
    age.is_some_and(|age| age < 0) && !sets(exchange.other)
}

/// Ours has ended then, in the middle of the request.
fn saved_in_the_past(exchange: &Exchange<'_>) -> bool {
    let ops = ops(exchange);
    let is_past = |op: &Value| {
        let at = op["at"].as_str().is_some_and(|at| at.starts_with("2001"));
        op["op"] == "set_expiry" && (at || op["in"].as_i64().is_some_and(|seconds| seconds < 0))
    };
    let past = ops.iter().position(is_past);
    past.is_some_and(|at| ops[at..].iter().any(|op| op["op"] == "save"))
}

fn marked_unknown(exchange: &Exchange<'_>) -> bool {
    let marks = ops(exchange).iter().any(|op| op["op"] == "set_modified");
    marks && sets(exchange.first) && clears(exchange.other)
}

fn not_a_change(exchange: &Exchange<'_>, difference: &Difference) -> bool {
    let Aspect::Result(number) = difference.aspect else { return false };
    exchange.name == "cookies"
        && is_op(exchange, number, "modified")
        && (matches!(exchange.step.cookie, Cookie::Malformed(_))
            || (0..number).any(|before| is_op(exchange, before, "save")))
}

fn words(exchange: &Exchange<'_>, difference: &Difference) -> bool {
    let says = |body: &str| serde_json::from_str::<Value>(body).is_ok_and(|body| body["error"].is_string());
    difference.aspect == Aspect::Body
        && matches!(exchange.step.request, Request::Body(_))
        && says(&exchange.first.body)
        && says(&exchange.other.body)
}

fn asked_of_unknown(exchange: &Exchange<'_>, difference: &Difference) -> bool {
    let Aspect::Result(number) = difference.aspect else { return false };
    let [django, ours] = [exchange.first, exchange.other].map(|answer| ok(answer, number));
    let is_empty = is_op(exchange, number, "is_empty") && *django == false && *ours == true;
    let key = is_op(exchange, number, "session_key") && !django.is_null() && ours.is_null();
    (is_empty || key) && exchange.step.cookie != Cookie::None
}

fn no_key_in_cookies(exchange: &Exchange<'_>, difference: &Difference) -> bool {
    let Aspect::Result(number) = difference.aspect else { return false };
    exchange.name == "cookies"
        && is_op(exchange, number, "session_key")
        && ok(exchange.other, number).is_null()
}

/// Django makes a key in the middle of a request, we with the save.
fn key_until_saved(exchange: &Exchange<'_>, difference: &Difference) -> bool {
    let Aspect::Result(number) = difference.aspect else { return false };
    let asks = is_op(exchange, number, "session_key") || is_op(exchange, number, "is_empty");
    asks && (0..number).any(|before| RENEWS.iter().any(|op| is_op(exchange, before, op)))
}

fn key_without_cookie(exchange: &Exchange<'_>, difference: &Difference) -> bool {
    let Aspect::Result(number) = difference.aspect else { return false };
    exchange.first.status >= 500
        && exchange.first.set_cookie.is_none()
        && is_op(exchange, number, "session_key")
        && *ok(exchange.first, number) == "another"
}

/// Ours is a handle, which a list of devices shows: only its secret is renewed.
fn key_stays(exchange: &Exchange<'_>, difference: &Difference) -> bool {
    let Aspect::Result(number) = difference.aspect else { return false };
    let is_null = |answer: &Answer| ok(answer, number).is_null();
    exchange.name == "native"
        && is_op(exchange, number, "session_key")
        && (renewed(exchange) || renews(&exchange.step.request))
        && is_null(exchange.first) == is_null(exchange.other)
}

fn dead_cookie(exchange: &Exchange<'_>) -> bool {
    exchange.first.set_cookie.is_none() && !exchange.first.varies && clears(exchange.other)
}

fn unread_unknown(exchange: &Exchange<'_>) -> bool {
    let unread = |op: &Value| op["op"] == "clear" || op["op"] == "save";
    is_interrupted(exchange.first) && ops(exchange).iter().any(unread) && exchange.other.status != 400
}

fn no_key_unasked(exchange: &Exchange<'_>) -> bool {
    let is_key = |value: &str| value.len() >= 8;
    let malformed = matches!(exchange.step.cookie, Cookie::Malformed(value) if !is_key(value));
    malformed && clears(exchange.first) && exchange.other.set_cookie.is_none() && !exchange.other.varies
}

/// Within its grace; Django's own format has none.
fn superseded(exchange: &Exchange<'_>) -> bool {
    let interrupted = is_interrupted(exchange.other);
    let left = clears(exchange.first) && exchange.other.set_cookie.is_none() && exchange.other.status < 500;
    exchange.name == "native" && renewed(exchange) && (interrupted || left)
}

fn saved_nothing_new(exchange: &Exchange<'_>) -> bool {
    exchange.name == "cookies"
        && ops(exchange).iter().any(|op| op["op"] == "save")
        && sets(exchange.first)
        && exchange.other.set_cookie.is_none()
}

fn bad_cookie(exchange: &Exchange<'_>) -> bool {
    exchange.name == "cookies" && sets(exchange.first) && clears(exchange.other)
}

fn bad_cookie_popped(exchange: &Exchange<'_>) -> bool {
    exchange.name == "cookies"
        && ops(exchange).iter().any(|op| op["op"] == "pop")
        && exchange.first.set_cookie.is_none()
        && clears(exchange.other)
}

fn cleared_after_login(exchange: &Exchange<'_>) -> bool {
    let ops = ops(exchange);
    let login = ops.iter().position(|op| op["op"] == "login");
    login.is_some_and(|at| ops[at..].iter().any(|op| op["op"] == "clear"))
        && !sets(exchange.first)
        && sets(exchange.other)
}

fn dead_cookie_in_failure(exchange: &Exchange<'_>) -> bool {
    exchange.first.status >= 500 && clears(exchange.first) && exchange.other.set_cookie.is_none()
}

fn flush_in_failure(exchange: &Exchange<'_>) -> bool {
    let flushes = |op: &Value| ["flush", "logout", "login"].iter().any(|name| op["op"] == **name);
    exchange.first.status >= 500
        && exchange.first.set_cookie.is_none()
        && clears(exchange.other)
        && ops(exchange).iter().any(flushes)
}

/// In Django some operations reach the store at once, whatever the answer becomes.
fn saved_in_failure(exchange: &Exchange<'_>) -> bool {
    exchange.first.status >= 500
        && ops(exchange).iter().any(|op| op["op"] == "save" || RENEWS.iter().any(|name| op["op"] == **name))
        && exchange.first.status == exchange.other.status
}

fn two_cookies(exchange: &Exchange<'_>) -> bool {
    matches!(exchange.step.cookie, Cookie::OwnAndOld(_))
}

fn same_account(exchange: &Exchange<'_>) -> bool {
    let logs_in = |request: &Request| match request {
        Request::Post(path) => path.starts_with("/login"),
        Request::Ops { ops, .. } => ops.iter().any(|op| op["op"] == "login"),
        _ => false,
    };
    let both = exchange.first.set_cookie.as_ref().zip(exchange.other.set_cookie.as_ref());
    let renews = both.is_some_and(|(django, ours): (&SetCookie, &SetCookie)| django.value < ours.value);
    renews
        && logs_in(&exchange.step.request)
        && exchange.before.iter().any(|(step, ..)| logs_in(&step.request))
}

const RENEWS: &[&str] = &["cycle_key", "login"];

fn ops<'a>(exchange: &Exchange<'a>) -> &'a [Value] {
    if let Request::Ops { ops, .. } = &exchange.step.request { ops } else { &[] }
}

fn is_op(exchange: &Exchange<'_>, number: usize, name: &str) -> bool {
    ops(exchange).get(number).is_some_and(|op| op["op"] == name)
}

/// A result; null also where there is none, or an error.
fn ok(answer: &Answer, number: usize) -> &Value {
    answer.results.get(number).map_or(&Value::Null, |result| &result["ok"])
}

fn clears(answer: &Answer) -> bool {
    answer.set_cookie.as_ref().is_some_and(SetCookie::clears)
}

fn sets(answer: &Answer) -> bool {
    answer.set_cookie.is_some() && !clears(answer)
}

/// Whether some earlier request renewed a key.
fn renewed(exchange: &Exchange<'_>) -> bool {
    exchange.before.iter().any(|(step, ..)| renews(&step.request))
}

fn renews(request: &Request) -> bool {
    match request {
        Request::Post(path) => path.starts_with("/login"),
        Request::Ops { ops, .. } => ops.iter().any(|op| RENEWS.iter().any(|name| op["op"] == **name)),
        _ => false,
    }
}

fn is_interrupted(answer: &Answer) -> bool {
    let body = serde_json::from_str::<Value>(&answer.body);
    answer.status == 400 && body.is_ok_and(|body| body["error"] == "session_interrupted")
}
