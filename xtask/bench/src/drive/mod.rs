//! Requests to servers within this process, for callgrind to count: no socket, no other process, nothing but what a request costs.

mod actix;
mod axum;
mod rocket;

use std::hint::black_box;

use crate::Outcome;
use crate::stack::{Case, Framework, Stack};

/// How many requests of each kind come first, which are not counted: what is made at the first use is made by then.
const WARM_UP: u32 = 20;

#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The framework, and what keeps sessions on it
    stack: Stack,
    /// What each request does
    case: Case,
    /// How many
    requests: u32,
    /// Where sessions live
    #[arg(long, value_name = "URL", default_value = "memory:")]
    store: String,
    /// Every other case too, after that one
    #[arg(long)]
    all: bool,
}

pub fn run(args: &Args) -> Outcome {
    match args.stack.framework() {
        Framework::Axum => axum::run(args),
        Framework::Actix => actix::run(args),
        Framework::Rocket => rocket::run(args),
    }
}

impl Args {
    /// Each request with its number among those of its case, and the case.
    fn requests(&self) -> impl Iterator<Item = (u32, Case)> {
        let last = WARM_UP + self.requests;
        let others = Case::ALL.into_iter().filter(|case| self.all && *case != self.case);
        [self.case].into_iter().chain(others).flat_map(move |case| (1..=last).map(move |n| (n, case)))
    }

    /// Called when a request has been answered: what is between two marks is what callgrind is asked for.
    fn answered(&self, n: u32) {
        if n == WARM_UP || n == WARM_UP + self.requests {
            bench_mark();
        }
    }
}

/// Callgrind writes down what it has counted since the last time as this is entered: see `--dump-before` in `callgrind.rs`.
#[inline(never)]
fn bench_mark() {
    black_box(());
}

/// What is sent as the `Cookie` header. A bare server gave none, and gets one all the same: what it takes to send it is no session's.
fn cookie_of(set_cookie: Option<&str>) -> String {
    let none = || format!("sessionid={}", "x".repeat(50));
    set_cookie.map_or_else(none, pair)
}

/// The pair for a `Cookie` header out of a `Set-Cookie`.
pub fn pair(set_cookie: &str) -> String {
    set_cookie.split(';').next().unwrap_or_default().to_owned()
}
