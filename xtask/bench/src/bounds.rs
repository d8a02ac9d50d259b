//! What is promised: every bound on a figure, in one place. `docs/benchmarks.md` says what each is about.

use crate::stack::{Case, Framework};

/// Instructions per request of ours over the bare framework's, without those that hash a secret: callgrind's processor has no
/// instructions for SHA-256, and every processor that serves has.
pub(crate) struct Instructions {
    /// What it comes to in the largest of the builds, with the peers and without, in one folder and in another, and three percent, within
    /// which counts repeat.
    pub(crate) most: f64,
    /// What the project aims at: a prototype with the same promises, but no more, needs about so many.
    pub(crate) aim: f64,
}

pub(crate) fn instructions(framework: Framework, case: Case) -> Instructions {
    let (most, aim) = match framework {
        Framework::Axum => ([2_770, 2_770, 10_570, 18_650, 15_620], [2_200, 2_300, 5_500, 9_000, 8_500]),
        Framework::Actix => ([1_190, 1_190, 9_050, 18_440, 15_590], [800, 1_000, 4_500, 9_000, 8_500]),
        Framework::Rocket => ([1_340, 1_510, 10_540, 29_080, 27_330], [1_200, 1_700, 9_000, 14_500, 14_000]),
    };
    let of = |figures: [u32; 5]| f64::from(figures[case as usize]);
    Instructions { most: of(most), aim: of(aim) }
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

/// How many times the writes of a plain pool of sqlx's SQLite makes, at least, with this setting of `synchronous`.
#[cfg(feature = "stores")]
pub(crate) fn group_commit(synchronous: &str) -> f64 {
    if synchronous == "full" { 6.0 } else { 3.0 }
}

/// A session in the memory store, just after its table has grown, in bytes, at most.
#[cfg(feature = "stores")]
pub(crate) const MEMORY_BYTES: f64 = 200.0;

/// How long the memory store works at most while it holds a lock, in microseconds.
#[cfg(feature = "stores")]
pub(crate) const MEMORY_STEP: f64 = 1_000.0;

/// A look-up in the memory store among the most sessions against one among the fewest. Both execute the same instructions, but
/// there each of four dependent reads misses the processor's caches, here none does. What a miss costs is the machine's: 8.9 and 12.2 have
/// been seen.
#[cfg(feature = "stores")]
pub(crate) const MEMORY_LOOK_UP: f64 = 16.0;

/// How much longer a request may take among the most sessions than among the fewest. A tree of five million keys is one level
/// deeper than one of a thousand, and does not lie in the processor's caches; a search through all would be thousands of times slower.
#[cfg(feature = "stores")]
pub(crate) const GROWTH: f64 = 2.0;

/// How far above linear a larger session may be: what is measured on a busy machine is not more exact.
#[cfg(feature = "stores")]
pub(crate) const GROWTH_OF_SIZE: f64 = 1.5;

/// How long a request waits at most, in milliseconds, while `session clear` removes or ends very many.
#[cfg(feature = "stores")]
pub(crate) const CLEAR: f64 = 1_000.0;
