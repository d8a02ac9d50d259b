//! What is sent: sequences of requests, drawn at random.

use proptest::collection::vec;
use proptest::prelude::{BoxedStrategy, Just, Strategy, any, prop_oneof};
use proptest::sample::select;
use serde_json::{Value, json};

/// How many clients there are, each with its own cookie jar.
pub const CLIENTS: usize = 3;

/// One request of a sequence.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Step {
    /// Who sends it.
    pub client: usize,
    /// With which cookie.
    pub cookie: Cookie,
    /// What.
    pub request: Request,
}

/// The cookie that goes with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cookie {
    /// What a browser would send: the one it has, if any.
    Own,
    /// None.
    None,
    /// One that some client was given before, of which only the number counts: the last one but so many. It may have ended since.
    Old(usize),
    /// The own one, then an old one under the same name.
    OwnAndOld(usize),
    /// What was never given to anybody.
    Malformed(&'static str),
}

/// A request without its cookie.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Request {
    /// `GET` of this path.
    Get(&'static str),
    /// `POST` to this path; `$` in it stands for what makes the names of this run its own.
    Post(&'static str),
    /// `POST /ops` with this status and these operations. `$` in an account's name as above; an `id` that is a number stands for the
    /// handle that appeared with this number.
    Ops {
        /// What to answer with.
        status: u16,
        /// What to do.
        ops: Vec<Value>,
    },
    /// `POST /ops` with a body that is no array of operations.
    Body(&'static str),
}

/// Whom the sequences are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is nobody else")]
pub enum Audience {
    /// The playgrounds: whatever they do, they do alike.
    Playgrounds,
    /// A Django too: without what only this project has (devices), and without what the contract leaves open (what `/read`
    /// answers where no number is).
    Django,
}

/// Sequences of one to twelve requests.
pub fn sequences(audience: Audience) -> impl Strategy<Value = Vec<Step>> {
    vec(step(audience), 1..=12)
}

fn step(audience: Audience) -> impl Strategy<Value = Step> {
    (0..CLIENTS, cookie(), request(audience)).prop_map(|(client, cookie, request)| Step {
        client,
        cookie,
        request,
    })
}

fn cookie() -> BoxedStrategy<Cookie> {
    const MALFORMED: &[&str] = &[
        "",
        "x",
        "short",
        "\"\"",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", // of the right form, and nobody's
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",                   // and in Django's
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "../../etc/passwd",
        "e30:1r31eq:V0zhXyqaeSiXnlEQJVh5I3Tjp7U3uQESH5gHoaFBmW8", // signed with another key
        "a=b=c",
    ];
    prop_oneof![
        14 => Just(Cookie::Own),
        1 => Just(Cookie::None),
        2 => (0..4_usize).prop_map(Cookie::Old),
        1 => (0..4_usize).prop_map(Cookie::OwnAndOld),
        1 => select(MALFORMED).prop_map(Cookie::Malformed),
    ]
    .boxed()
}

fn request(audience: Audience) -> BoxedStrategy<Request> {
    let status = prop_oneof![8 => Just(200), 1 => Just(302), 1 => Just(404), 2 => Just(500), 1 => Just(503)];
    let ops = (status, vec(op(audience), 0..=5)).prop_map(|(status, ops)| Request::Ops { status, ops });
    let bodies = select(&["", "{", "{}", "null", "[1]", "[{\"op\":1}]", "[{}]", "[[]]", "\u{fc}"][..]);
    prop_oneof![
        16 => ops,
        5 => select(&["/untouched", "/read", "/write", "/write", "/healthz", "/nowhere"][..]).prop_map(Request::Get),
        3 => select(&["/login/ada$", "/login/bob$", "/logout"][..]).prop_map(Request::Post),
        1 => bodies.prop_map(Request::Body),
    ]
    .boxed()
}

fn op(audience: Audience) -> BoxedStrategy<Value> {
    let common = prop_oneof![
        12 => values(),
        4 => whole(),
        3 => state(),
        3 => expiry(),
        2 => logins(),
        1 => wrong(),
    ];
    match audience {
        Audience::Playgrounds => prop_oneof![12 => common, 2 => devices(), 1 => loose()].boxed(),
        Audience::Django => common.boxed(),
    }
}

fn key() -> impl Strategy<Value = &'static str> {
    select(&["a", "a", "b", "b", "c", "\u{fc} \u{1F36A}", ""][..])
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        6 => any::<i16>().prop_map(|number| json!(number)),
        1 => Just(Value::Null),
        1 => Just(json!(1.5)),
        1 => Just(json!(true)),
        1 => Just(json!(u64::MAX)),
        2 => Just(json!("text")),
        1 => Just(json!("\u{e4}\u{20ac}\u{1F36A}\"\\\u{1}\u{7f}")),
        1 => Just(json!([1, [2], {"x": null}])),
        1 => Just(json!({"z": 1, "a": {"b": []}})),
        1 => Just(json!("long and dull ".repeat(100))),
    ]
}

/// Operations on one value.
fn values() -> BoxedStrategy<Value> {
    prop_oneof![
        3 => key().prop_map(|key| json!({"op": "get", "key": key})),
        1 => (key(), value()).prop_map(|(key, value)| json!({"op": "get", "key": key, "default": value})),
        6 => (key(), value()).prop_map(|(key, value)| json!({"op": "set", "key": key, "value": value})),
        2 => key().prop_map(|key| json!({"op": "delete", "key": key})),
        1 => key().prop_map(|key| json!({"op": "pop", "key": key})),
        1 => (key(), value()).prop_map(|(key, value)| json!({"op": "pop", "key": key, "default": value})),
        1 => (key(), value()).prop_map(|(key, value)| json!({"op": "setdefault", "key": key, "value": value})),
        1 => (key(), value(), key(), value()).prop_map(
            |(a, first, b, second)| json!({"op": "update", "values": {a: first, b: second}}),
        ),
        1 => Just(json!({"op": "update", "values": {}})),
        2 => Just(json!({"op": "increment", "key": "n"})),
        1 => (key(), -9..9_i32).prop_map(|(key, by)| json!({"op": "increment", "key": key, "by": by})),
        1 => key().prop_map(|key| json!({"op": "contains", "key": key})),
    ]
    .boxed()
}

/// Operations on the whole session.
fn whole() -> BoxedStrategy<Value> {
    let names =
        ["keys", "items", "items", "clear", "flush", "cycle_key", "cycle_key", "save", "set_modified"];
    select(names.to_vec()).prop_map(|name| json!({"op": name})).boxed()
}

/// Questions about it, and the test cookie.
fn state() -> BoxedStrategy<Value> {
    let names = [
        "is_empty",
        "session_key",
        "session_key",
        "modified",
        "set_test_cookie",
        "test_cookie_worked",
        "delete_test_cookie",
    ];
    select(names.to_vec()).prop_map(|name| json!({"op": name})).boxed()
}

fn expiry() -> BoxedStrategy<Value> {
    let set = [
        json!({"seconds": 3600}),
        json!({"seconds": 2_592_000}),
        json!({"seconds": 0}),
        json!({"in": 7200}),
        json!({"in": -60}),
        json!({"at": "2099-12-31T23:59:59Z"}),
        json!({"at": "2099-12-31T23:59:59.250+01:00"}),
        json!({"at": "2001-01-01T00:00:00Z"}),
        json!({"browser_close": true}),
        json!({}),
    ];
    let ask = ["get_expiry_age", "get_expiry_date", "get_expire_at_browser_close"];
    prop_oneof![
        3 => select(set.to_vec()).prop_map(|mut op| {
            op["op"] = json!("set_expiry");
            op
        }),
        2 => select(ask.to_vec()).prop_map(|name| json!({"op": name})),
    ]
    .boxed()
}

fn logins() -> BoxedStrategy<Value> {
    let ops = [
        json!({"op": "login", "account": "ada$"}),
        json!({"op": "login", "account": "bob$"}),
        json!({"op": "logout"}),
        json!({"op": "account"}),
        json!({"op": "account"}),
    ];
    select(ops.to_vec()).boxed()
}

/// What is no operation, or has wrong arguments.
fn wrong() -> BoxedStrategy<Value> {
    let ops = [
        json!({"op": "nonsense"}),
        json!({"op": ""}),
        json!({"op": "get"}),
        json!({"op": "get", "key": 1}),
        json!({"op": "set", "key": "a"}),
        json!({"op": "set", "key": "_a", "value": 1}),
        json!({"op": "update", "values": [1]}),
        json!({"op": "increment", "key": "n", "by": "1"}),
        json!({"op": "set_expiry", "seconds": "1"}),
        json!({"op": "set_expiry", "at": "tomorrow"}),
        json!({"op": "set_expiry", "browser_close": false}),
        json!({"op": "set_expiry", "seconds": 60, "in": 60}),
        json!({"op": "login"}),
        json!({"op": "login", "account": ""}),
        json!({"op": "sleep_ms", "ms": -1}),
    ];
    select(ops.to_vec()).boxed()
}

/// What only this project has.
fn devices() -> BoxedStrategy<Value> {
    prop_oneof![
        2 => Just(json!({"op": "account_sessions"})),
        1 => Just(json!({"op": "account_sessions", "account": "ada$"})),
        1 => (0..6_u8).prop_map(|number| json!({"op": "revoke", "id": number})),
        1 => Just(json!({"op": "revoke", "id": "nobody's"})),
        1 => Just(json!({"op": "revoke_others"})),
    ]
    .boxed()
}

/// What the contract leaves open, but not to each playground on its own.
fn loose() -> BoxedStrategy<Value> {
    let ops = [
        json!({"op": "set", "key": "n", "value": "no number"}),
        json!({"op": "set", "key": "n", "value": 1.5}),
        json!({"op": "set_expiry", "seconds": -60}),
        json!({"op": "set_expiry", "seconds": 90.5}),
        json!({"op": "set_expiry", "in": 1e300}),
        json!({"op": "set", "key": "big", "value": "0123456789abcdef".repeat(1000)}),
        json!({"op": "update", "values": {"a": 1, "_b": 2}}),
        json!({"op": "sleep_ms", "ms": 1}),
    ];
    select(ops.to_vec()).boxed()
}
