//! One server, and the clients that speak to it.

use std::collections::HashMap;

use example_testing::Server;
use reqwest::header::{COOKIE, HeaderMap, HeaderValue};
use serde_json::Value;

use crate::answer::{Answer, SetCookie};
use crate::sequence::{CLIENTS, Cookie, Request, Step};

/// A server that answers.
#[derive(Debug)]
pub struct Peer {
    name: &'static str,
    server: Server,
    http: reqwest::Client,
}

impl Peer {
    /// Speaks to this server.
    ///
    /// # Panics
    ///
    /// Where there can be no HTTP client.
    pub fn new(name: &'static str, server: Server) -> Self {
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
        Self { name, server, http: http.build().expect("a client") }
    }

    /// What messages call it.
    pub fn name(&self) -> &'static str {
        self.name
    }
}

/// The clients of one sequence at one server: their cookies, and the names of what has appeared.
#[derive(Debug)]
pub(crate) struct Clients<'a> {
    peer: &'a Peer,
    /// What replaces `$`, so that no other sequence, and no other server on the same store, has this account.
    mark: String,
    /// Whether each save makes another cookie, so that its text says nothing.
    sealed: bool,
    jars: [Option<String>; CLIENTS],
    /// Cookies, in the order of their coming.
    given: Vec<String>,
    names: Names,
}

impl<'a> Clients<'a> {
    pub(crate) fn new(peer: &'a Peer, run: u64, sealed: bool) -> Self {
        let mark = format!("-{}-{run:x}", peer.name);
        Self { peer, mark, sealed, jars: Default::default(), given: Vec::new(), names: Names::default() }
    }

    pub(crate) async fn send(&mut self, step: &Step) -> Answer {
        let http = &self.peer.http;
        let url = |path: &str| self.peer.server.url(&path.replace('$', &self.mark));
        let mut out = match &step.request {
            Request::Get(path) => http.get(url(path)),
            Request::Post(path) => http.post(url(path)),
            Request::Ops { status, ops } => {
                let ops: Vec<_> = ops.iter().map(|op| self.outgoing(op)).collect();
                http.post(url(&format!("/ops?status={status}"))).body(Value::from(ops).to_string())
            }
            Request::Body(body) => http.post(url("/ops")).body(*body),
        };
        if let Some(value) = self.cookie(step) {
            out = out.header(COOKIE, HeaderValue::from_str(&value).expect("a header's text"));
        }
        let response = out.send().await.unwrap_or_else(|error| panic!("{}: {error}", self.peer.name));
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.bytes().await.unwrap_or_else(|error| panic!("{}: {error}", self.peer.name));
        self.receive(step, status, &headers, &body)
    }

    fn cookie(&self, step: &Step) -> Option<String> {
        let pair = |value: &str| format!("sessionid={value}");
        let own = self.jars[step.client].as_deref().map(pair);
        let old = |back: usize| Some(pair(self.given.iter().rev().nth(back)?));
        match step.cookie {
            Cookie::Own => own,
            Cookie::None => None,
            Cookie::Old(back) => old(back),
            Cookie::OwnAndOld(back) => match (own, old(back)) {
                (Some(own), Some(old)) => Some(format!("{own}; {old}")),
                (own, old) => own.or(old),
            },
            Cookie::Malformed(value) => Some(pair(value)),
        }
    }

    fn receive(&mut self, step: &Step, status: u16, headers: &HeaderMap, body: &[u8]) -> Answer {
        let set_cookie = SetCookie::of(headers).map(|(value, mut set_cookie)| {
            self.jars[step.client] = (!set_cookie.clears()).then(|| value.clone());
            if !set_cookie.clears() {
                set_cookie.value = if self.sealed { 0 } else { self.names.cookie(&value) };
                self.given.push(value);
            }
            set_cookie
        });
        let text = String::from_utf8_lossy(body).replace(&self.mark, "$");
        let mut results = Vec::new();
        let mut rest = String::new();
        match (&step.request, serde_json::from_str::<Value>(&text)) {
            (Request::Ops { ops, .. }, Ok(Value::Object(mut whole))) if whole.contains_key("results") => {
                if let Some(Value::Array(each)) = whole.remove("results") {
                    let named = |(op, result): (&Value, Value)| self.names.incoming(op, result);
                    results = ops.iter().zip(each).map(named).collect();
                }
                rest = Value::Object(whole).to_string();
            }
            // What a framework says where it has no route is its own affair.
            (Request::Get("/nowhere"), _) => {}
            (_, Ok(json)) => rest = json.to_string(),
            (_, Err(_)) => rest = text,
        }
        Answer::new(status, headers, set_cookie, results, rest)
    }

    fn outgoing(&self, op: &Value) -> Value {
        let mut op = op.clone();
        if let Some(Value::String(account)) = op.get_mut("account") {
            *account = account.replace('$', &self.mark);
        }
        if let Some(id) = op.get_mut("id")
            && let Some(number) = id.as_u64()
        {
            *id = self.names.key_of(number).into();
        }
        op
    }
}

/// Keys and cookies are random: what counts is which of them are the same. Each has a number, in the order of their appearance in
/// cookies.
#[derive(Debug, Default)]
struct Names {
    cookies: HashMap<String, u64>,
    keys: HashMap<String, u64>,
}

/// How long this project's tokens are, and the key at their beginning; in Django's format a token is the key.
const TOKEN: usize = 50;
const KEY: usize = 25;

impl Names {
    /// The cookie's number. Its key has one as well from then on: other answers show that.
    fn cookie(&mut self, value: &str) -> u64 {
        number(&mut self.keys, if value.len() == TOKEN { &value[..KEY] } else { value });
        number(&mut self.cookies, value)
    }

    /// The key's number; what never was in a cookie (a key that Django drew and drew again) has none.
    fn key(&self, text: &str) -> Value {
        self.keys.get(text).map_or_else(|| "another".into(), |number| (*number).into())
    }

    /// The key of this number, or what is none.
    fn key_of(&self, number: u64) -> String {
        let mut keys = self.keys.iter();
        keys.find(|(_, n)| **n == number).map_or("nobody's".to_owned(), |(text, _)| text.clone())
    }

    /// A result, with numbers for keys, and times and ages as [`Answer`] compares them.
    fn incoming(&self, op: &Value, mut result: Value) -> Value {
        let Some(ok) = result.get_mut("ok") else { return result };
        match op["op"].as_str().unwrap_or_default() {
            "session_key" => {
                if let Value::String(key) = ok {
                    *ok = self.key(key);
                }
            }
            "get_expiry_age" => *ok = crate::answer::about(ok.as_i64()),
            "get_expiry_date" => *ok = crate::answer::date(ok),
            "account_sessions" => {
                for session in ok.as_array_mut().into_iter().flatten() {
                    let id = session["id"].as_str().map(|id| self.key(id));
                    session["id"] = id.into();
                    for time in ["created", "last_active", "expires"] {
                        session[time] = crate::answer::date(&session[time]);
                    }
                }
                // Of two of the same moment either may be the first.
                if let Some(sessions) = ok.as_array_mut() {
                    sessions.sort_by_key(|session| session["id"].as_u64());
                }
            }
            _ => {}
        }
        result
    }
}

fn number(names: &mut HashMap<String, u64>, text: &str) -> u64 {
    let next = names.len() as u64;
    *names.entry(text.to_owned()).or_insert(next)
}
