//! Hostile input for everything of this project that reads what others wrote. No input may make it panic, or take long, or need
//! much memory.
//!
//! A [`Target`] is a plain function over bytes. `cargo test -p session-fuzz` runs each over its corpus, over what it says itself
//! is hostile (bombs, which are made and not stored), and over changed copies of both. `libfuzzer/` is the same functions for
//! cargo-fuzz, which looks for input on its own.
//!
//! All of it is reached as an application reaches it: a cookie by a request, a record by a store, a setting by its JSON. Only what
//! lies behind a server of Redis has a door, `session_redis::fuzzing`.

// In the order of how far away the author of the input is: any browser, who has a key, who can write to the store, the operator.
mod cookie_header;
mod token;

mod django_cookie;
mod sealed_cookie;

mod django_file;
mod file_record;
mod redis_record;
mod sql_row;
mod stored_session;

mod response_headers;
mod settings;
mod store_url;

mod django;
mod visits;

/// One reader of bytes.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Target {
    /// As its corpus is called, and its file in `libfuzzer/fuzz_targets`.
    pub name: &'static str,
    /// Reads these bytes, and panics where what it read is wrong.
    pub run: fn(&[u8]),
    /// What is too large to be stored, or too binary to be written by hand.
    pub hostile: fn() -> Vec<Vec<u8>>,
}

macro_rules! targets {
    ($($name:ident)+) => { &[$(Target { name: stringify!($name), run: $name::run, hostile: $name::hostile }),+] };
}

/// Every target.
pub const TARGETS: &[Target] = targets! {
    cookie_header token
    django_cookie sealed_cookie
    django_file file_record redis_record sql_row stored_session
    response_headers settings store_url
};

/// Runs the target of this name.
///
/// # Panics
///
/// Where there is none, or it has found a fault.
pub fn run(name: &str, input: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name).expect("a target of this name");
    (target.run)(input);
}
