//! What `deny.toml` says of the dependencies: licences, sources, yanked and vulnerable versions.

use super::Open;
use super::published::Package;
use crate::Outcome;
use crate::command::{cargo_quiet, has};

pub(super) fn check(_: &[Package], open: &mut Open) -> Outcome {
    if !has("cargo-deny") {
        open.push(
            "licences, sources and advisories of the dependencies: cargo install cargo-deny".to_owned(),
        );
        return Ok(());
    }
    deny(&["bans", "licenses", "sources"])?;
    // The list of advisories is fetched from where it is kept, which not every machine may.
    if cargo_quiet(&["deny", "--log-level", "off", "fetch", "db"]).is_err() {
        open.push("advisories of the dependencies: their list could not be fetched".to_owned());
        return Ok(());
    }
    deny(&["advisories"])
}

fn deny(what: &[&str]) -> Outcome {
    cargo_quiet(&[&["deny", "--log-level", "error", "check", "--hide-inclusion-graph"], what].concat())
}
