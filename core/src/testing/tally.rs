//! What a test that makes faults has counted, for the one table of a soak.

use std::fmt;
use std::fs::File;
use std::io::Write as _;
use std::time::Duration;

/// Names the file to which each tally adds its line. Set by `cargo xtask soak`, which makes a table of it.
pub const TALLIES: &str = "TEST_TALLIES";

/// A line of the table.
#[derive(Clone, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "a test says all of it")]
pub struct Tally {
    /// Which store.
    pub store: &'static str,
    /// What went wrong.
    pub fault: &'static str,
    /// How often it did.
    pub faults: u64,
    /// Requests that were made meanwhile.
    pub requests: u64,
    /// Writes that were answered with success.
    pub acknowledged: u64,
    /// Of these, those that are not there, or were done twice.
    pub lost: u64,
    /// Sessions that are there after they were ended.
    pub revived: u64,
    /// Records of which nobody can have the cookie.
    pub leaked: u64,
    /// The longest that anybody waited for an answer, where that was measured.
    pub slowest: Option<Duration>,
}

impl Tally {
    /// Says it, and adds it to the file of [`TALLIES`] where there is one.
    ///
    /// # Panics
    ///
    /// Where that file cannot be written.
    pub fn tell(&self) {
        println!("{self}");
        let Some(file) = std::env::var_os(TALLIES).filter(|file| !file.is_empty()) else { return };
        let mut file = File::options().create(true).append(true).open(file).expect("the file of tallies");
        // In one piece: other programs add theirs.
        file.write_all(format!("{self}\n").as_bytes()).expect("the file of tallies");
    }
}

impl fmt::Display for Tally {
    /// A row in Markdown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { store, fault, faults, requests, acknowledged, lost, revived, leaked, .. } = self;
        write!(
            f,
            "| {store} | {fault} | {faults} | {requests} | {acknowledged} | {lost} | {revived} | {leaked} | "
        )?;
        match self.slowest {
            Some(slowest) => write!(f, "{:.2} s |", slowest.as_secs_f64()),
            None => f.write_str("not measured |"),
        }
    }
}
