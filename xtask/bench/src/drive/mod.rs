//! Requests to servers within this process, for callgrind to count: `run(n)` twice with different `n`, and the difference is what
//! so many requests cost, without what it takes to begin.

mod actix;
mod axum;
mod rocket;

use clap::ValueEnum;

use crate::Outcome;

/// A framework, and what answers sessions on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Stack {
    AxumBare,
    AxumNoop,
    AxumOurs,
    AxumTowerSessions,
    ActixBare,
    ActixNoop,
    ActixOurs,
    ActixSession,
    RocketBare,
    RocketOurs,
}

/// What a request does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Case {
    Untouched,
    UntouchedCookie,
    Read,
    Write,
    New,
}

impl Case {
    fn path(self) -> &'static str {
        match self {
            Self::Untouched | Self::UntouchedCookie => "/untouched",
            Self::Read => "/read",
            Self::Write | Self::New => "/write",
        }
    }

    fn has_cookie(self) -> bool {
        !matches!(self, Self::Untouched | Self::New)
    }
}

pub(crate) fn run(stack: Stack, case: Case, requests: u32) -> Outcome {
    match stack {
        Stack::AxumBare | Stack::AxumNoop | Stack::AxumOurs | Stack::AxumTowerSessions => {
            axum::run(stack, case, requests)
        }
        Stack::ActixBare | Stack::ActixNoop | Stack::ActixOurs | Stack::ActixSession => {
            actix::run(stack, case, requests)
        }
        Stack::RocketBare | Stack::RocketOurs => rocket::run(stack, case, requests),
    }
}

/// The pair for a `Cookie` header out of a `Set-Cookie`.
fn pair(set_cookie: &str) -> String {
    set_cookie.split(';').next().unwrap_or_default().to_owned()
}
