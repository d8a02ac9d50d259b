//! What is promised: every bound on a figure, in one place. `docs/benchmarks.md` says what each is about.

use crate::stack::{Case, Framework};

/// Instructions per request of ours over the bare framework's, at most, without those that hash a secret: callgrind's processor
/// has no instructions for SHA-256, and every processor that serves has.
pub(crate) fn instructions(framework: Framework, case: Case) -> u32 {
    let [untouched, cookie, read, write, new] = match framework {
        Framework::Axum => [2_200, 2_300, 5_500, 9_000, 8_500],
        Framework::Actix => [800, 1_000, 4_500, 9_000, 8_500],
        Framework::Rocket => [1_200, 1_700, 9_000, 14_500, 14_000],
    };
    match case {
        Case::Untouched => untouched,
        Case::UntouchedCookie => cookie,
        Case::Read => read,
        Case::Write => write,
        Case::New => new,
    }
}

/// Sequential waits on a store that is a server, at most.
#[cfg(feature = "stores")]
pub(crate) fn waits(case: &str) -> u32 {
    match case {
        "read" | "new" | "logout, lazily" => 1,
        "write" | "login" | "logout" => 2,
        // A handler that does not ask for the session.
        _ => 0,
    }
}

/// The processor's time per request over the bare server's of the same round, at most, on axum.
#[cfg(feature = "stores")]
pub(crate) fn cpu(store: &str, case: &str) -> Option<f64> {
    match (store, case) {
        ("memory", "read") => Some(1.25),
        ("memory", "write") => Some(1.35),
        ("redis", "read") => Some(2.1),
        ("redis", "write") => Some(2.8),
        ("postgres", "read") => Some(4.0),
        ("postgres", "write") => Some(6.8),
        _ => None,
    }
}
