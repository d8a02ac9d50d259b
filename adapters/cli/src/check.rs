//! `session check`: whether the store is well, and what is weak in production.

use std::time::{Duration, Instant};

use serde::Serialize;
use session_core::store::SessionStore as _;
use session_core::{AnyStore, Backend, Sessions, TokenFormat, Weakness};

use crate::args::{Format, StoreArgs};
use crate::error::{Done, Failure};
use crate::human;
use crate::output::{Output, pairs};
use crate::secrecy::name_of;
use crate::store::Absent;

/// What was found.
#[derive(Debug, Serialize)]
struct Report {
    store: String,
    /// How long the store took to answer; nothing of sessions in cookies.
    ping_ms: Option<f64>,
    can: Option<Can>,
    weaknesses: Vec<Found>,
}

/// What the store says of itself.
#[derive(Debug, Serialize)]
struct Can {
    tokens: &'static str,
    accounts: bool,
    durable: bool,
    shared: bool,
    /// For how many seconds a session may be read that was ended elsewhere.
    max_staleness: u64,
}

/// What is weak.
#[derive(Debug, Serialize)]
struct Found {
    code: String,
    advice: String,
}

pub(crate) async fn run(store: &StoreArgs, output: &Output) -> Result<Done, Failure> {
    let url = store.url()?;
    store.ask_the_cache().await?;
    let backend = store.with_cache(store.connect(&url, Absent::Fails)?)?.open().await?;
    let sessions = Sessions::new(backend, store.settings()?)?;
    let began = Instant::now();
    sessions.health().await?;
    let ping = began.elapsed();
    let can = match sessions.backend() {
        Backend::Server(store) => Some(Can::of(store)),
        Backend::Client(_) => None,
    };
    // No other store here uses them, and the environment may have one of somebody else.
    let of_keys = store.secret_keys().filter(|_| store.format == Format::Django);
    let of_keys = of_keys.map(|keys| keys.check()).unwrap_or_default();
    let weaknesses: Vec<_> = sessions.check().into_iter().chain(of_keys).map(Found::of).collect();
    let ping_ms = can.is_some().then_some(ping.as_secs_f64() * 1000.0);
    let report = Report { store: name_of(&url), ping_ms, can, weaknesses };
    output.say(&report, || report.text(ping))?;
    Ok(if report.weaknesses.is_empty() { Done::All } else { Done::Weak })
}

impl Can {
    fn of(store: &AnyStore) -> Self {
        let can = store.capabilities();
        Self {
            tokens: match can.tokens {
                TokenFormat::Split => "split",
                TokenFormat::Plain => "plain",
                _ => "other",
            },
            accounts: can.accounts,
            durable: can.durable,
            shared: can.shared,
            max_staleness: can.max_staleness.as_secs(),
        }
    }

    fn facts(&self) -> [(&'static str, String); 5] {
        let yes = |is: bool| (if is { "yes" } else { "no" }).to_owned();
        let tokens = match self.tokens {
            "split" => "the store has hashes of them: who reads it opens no session",
            _ => "the store has them as they are: who reads it can use every session",
        };
        let stale = match self.max_staleness {
            0 => "never".to_owned(),
            seconds => format!("for {} at most", human::duration(Duration::from_secs(seconds))),
        };
        [
            ("tokens", tokens.to_owned()),
            ("knows accounts", yes(self.accounts)),
            ("outlives the process", yes(self.durable)),
            ("shared by processes", yes(self.shared)),
            ("read after it was ended elsewhere", stale),
        ]
    }
}

impl Found {
    fn of(weakness: Weakness) -> Self {
        Self { code: snake_case(&format!("{weakness:?}")), advice: weakness.to_string() }
    }
}

impl Report {
    fn text(&self, ping: Duration) -> String {
        let answers = self.ping_ms.map(|_| ("answers", format!("in {}", human::took(ping))));
        let can = self.can.iter().flat_map(Can::facts);
        let weak = self.weaknesses.iter().map(|found| ("WEAK", found.advice.clone()));
        let nothing = self.weaknesses.is_empty().then(|| ("weak", "nothing was found".to_owned()));
        pairs(
            [("store", self.store.clone())].into_iter().chain(answers).chain(can).chain(weak).chain(nothing),
        )
    }
}

/// `NotSecure` as `not_secure`.
fn snake_case(name: &str) -> String {
    let mut text = String::new();
    for (at, c) in name.char_indices() {
        if c.is_uppercase() && at > 0 {
            text.push('_');
        }
        text.extend(c.to_lowercase());
    }
    text
}
