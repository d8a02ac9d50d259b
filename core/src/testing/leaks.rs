//! What opens a session is in no log (T15, C24): where [`LEAKS`] is set, everything that a process traces or logs, at the lowest level
//! and by whichever crate, is searched for the cookies that it has issued and the keys that it signs with.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::FmtSpan;

/// Names a folder, in which each process that is watched makes a file of its own, with what it should not have said. `cargo xtask test`
/// sets it for some of its programs, and looks into them.
pub const LEAKS: &str = "TEST_LEAKS";

/// So many characters of a secret are told from anything else by chance alone: 36^12.
const PART: usize = 12;
/// At `log_level = "debug"`, which is for development alone, Rocket itself prints each request and each response with all of its headers.
/// No fairing can hide one.
const BY_ROCKET: &[u8] = b"log.target=\"rocket::server";
/// The characters of a token's secret. Of what is longer, a sealed session, the end is its proof.
const SECRET: usize = 25;

static WATCH: LazyLock<Option<Watch>> = LazyLock::new(Watch::begin);

/// Somebody has this now, and whoever has it has a session: a cookie's value, or a key. From now on nobody may say it.
pub(crate) fn issued(secret: &[u8]) {
    if let Some(watch) = &*WATCH {
        watch.add(secret);
    }
}

struct Watch {
    /// The first and the last part of each secret.
    parts: Mutex<HashSet<[u8; PART]>>,
    said: Mutex<File>,
}

impl Watch {
    /// Listens to this process from now on, if that is wanted.
    fn begin() -> Option<Self> {
        let folder = PathBuf::from(std::env::var_os(LEAKS)?);
        // A framework that logs by itself is heard by whom it has chosen.
        let _ = tracing_log::LogTracer::init();
        let listener = tracing_subscriber::fmt()
            .with_max_level(LevelFilter::TRACE)
            .with_span_events(FmtSpan::FULL)
            .with_ansi(false)
            .with_writer(Listener::default);
        // A test that listens itself searches itself.
        tracing::subscriber::set_global_default(listener.finish()).ok()?;
        let file = folder.join(std::process::id().to_string());
        let said = OpenOptions::new().create(true).append(true).open(file).expect("a file for what is said");
        Some(Self { parts: Mutex::default(), said: Mutex::new(said) })
    }

    fn add(&self, secret: &[u8]) {
        let secret = &secret[secret.len().saturating_sub(SECRET)..];
        let mut parts = lock(&self.parts);
        parts.extend(secret.first_chunk().filter(|_| secret.len() == SECRET));
        parts.extend(secret.last_chunk().filter(|_| secret.len() == SECRET));
    }

    fn hear(&self, text: &[u8]) {
        let is_of_a_secret = |c: &u8| c.is_ascii_alphanumeric() || b"-_".contains(c);
        let words = text.split(|c| !is_of_a_secret(c)).filter(|word| word.len() >= PART);
        let parts = lock(&self.parts);
        let has_part = words.flat_map(|word| word.windows(PART)).any(|part| parts.contains(part));
        drop(parts);
        if has_part && !text.windows(BY_ROCKET.len()).any(|part| part == BY_ROCKET) {
            // Whoever traces cannot be told of it.
            let _ = lock(&self.said).write_all(text);
        }
    }
}

/// One event's text.
#[derive(Default)]
struct Listener(Vec<u8>);

impl Write for Listener {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.write(text)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Some(Some(watch)) = LazyLock::get(&WATCH) {
            watch.hear(&self.0);
        }
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_a_secret_is_heard() {
        let said = tempfile::NamedTempFile::new().unwrap();
        let watch = Watch { parts: Mutex::default(), said: Mutex::new(said.reopen().unwrap()) };
        watch.add(b"kqpt0w3ws4gc1dtw8cm7h8wnxabcdefghijklmnopqrstuvwxy");
        let heard = |text: &str| {
            watch.hear(text.as_bytes());
            std::fs::read_to_string(said.path()).unwrap()
        };
        assert_eq!(heard("the session kqpt0w3ws4gc1dtw8cm7h8wnx, which anybody may name"), "");
        assert_eq!(heard("bcdefghijkl and mnopqrstuvw, too short to tell"), "");
        let one = "cut off: abcdefghijklm…\n";
        assert_eq!(heard(one), one);
        assert_eq!(heard("the end: nopqrstuvwxy"), format!("{one}the end: nopqrstuvwxy"));
    }
}
