//! `session stats`: how many sessions there are, whose, how large and how old.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::time::Duration;

use serde::Serialize;
use session_core::{Clock as _, StoredSession, SystemClock, Time};

use crate::args::StoreArgs;
use crate::clear::with_the_expired;
use crate::error::{Done, Failure};
use crate::human;
use crate::output::{Output, pairs};
use crate::progress::Progress;
use crate::walk::{self, Next};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How many of the accounts with the most sessions are named
    #[arg(long, value_name = "COUNT", default_value_t = 5)]
    top: usize,
}

/// What was counted; sizes in bytes, ages in seconds. All but the first is about live sessions.
#[derive(Debug, Serialize)]
struct Report {
    /// Those that have expired and lie there still.
    expired: u64,
    live: u64,
    signed_in: u64,
    anonymous: u64,
    accounts: u64,
    top_accounts: Vec<(String, u64)>,
    unreadable: u64,
    size: Spread,
    /// In all, of what is in the sessions.
    bytes: u64,
    /// Since they began.
    age: Spread,
    /// Since they were last active.
    idle: Spread,
}

/// Of many numbers.
#[derive(Debug, Default, Serialize)]
struct Spread {
    p50: u64,
    p99: u64,
    max: u64,
}

/// What is kept of each session until all are counted.
#[derive(Debug, Default)]
struct Counts {
    expired: u64,
    unreadable: u64,
    anonymous: u64,
    by_account: HashMap<String, u64>,
    sizes: Vec<u64>,
    ages: Vec<u64>,
    idle: Vec<u64>,
}

pub(crate) async fn run(args: &Args, store: &StoreArgs, output: &Output) -> Result<Done, Failure> {
    let store = store.open().await?;
    let progress = Progress::begin("counting sessions");
    let (now, mut counts, mut seen) = (SystemClock.now(), Counts::default(), 0_u64);
    let unreadable = walk::all(&with_the_expired(&store.sessions)?, |session| {
        seen += 1;
        if seen.is_multiple_of(500) {
            progress.says(|| format!("{} seen", human::count(seen)));
            progress.has_reached(&session.handle());
        }
        counts.note(&session, now);
        Next::GoOn
    })
    .await?;
    progress.end();
    counts.unreadable += unreadable;
    let report = counts.report(args.top);
    output.say(&report, || report.text())?;
    Ok(Done::All)
}

impl Counts {
    fn note(&mut self, session: &StoredSession, now: Time) {
        if session.expires() <= now {
            self.expired += 1;
            return;
        }
        self.sizes.push(session.size() as u64);
        self.unreadable += u64::from(session.fault().is_some());
        match session.account() {
            // Whose it is, and since when, is not known.
            None if session.fault().is_some() => return,
            None => self.anonymous += 1,
            Some(account) => match self.by_account.get_mut(account) {
                Some(count) => *count += 1,
                None => drop(self.by_account.insert(account.to_owned(), 1)),
            },
        }
        self.ages.push(now.since(session.created()).as_secs());
        self.idle.push(now.since(session.last_active()).as_secs());
    }

    fn report(self, top: usize) -> Report {
        let accounts = self.by_account.len() as u64;
        let signed_in = self.by_account.values().sum();
        let mut top_accounts: Vec<_> = self.by_account.into_iter().collect();
        top_accounts.sort_unstable_by(|a, b| (Reverse(a.1), &a.0).cmp(&(Reverse(b.1), &b.0)));
        let live = self.sizes.len() as u64;
        top_accounts.truncate(top);
        Report {
            expired: self.expired,
            live,
            signed_in,
            anonymous: self.anonymous,
            accounts,
            top_accounts,
            unreadable: self.unreadable,
            bytes: self.sizes.iter().sum(),
            size: Spread::of(self.sizes),
            age: Spread::of(self.ages),
            idle: Spread::of(self.idle),
        }
    }
}

impl Spread {
    fn of(mut numbers: Vec<u64>) -> Self {
        numbers.sort_unstable();
        // The least that so many hundredths do not exceed.
        let at = |hundredths: usize| {
            let rank = (numbers.len() * hundredths).div_ceil(100).saturating_sub(1);
            numbers.get(rank).copied().unwrap_or_default()
        };
        Self { p50: at(50), p99: at(99), max: at(100) }
    }

    fn text(&self, show: impl Fn(u64) -> String) -> String {
        format!("p50 {}, p99 {}, max {}", show(self.p50), show(self.p99), show(self.max))
    }
}

impl Report {
    fn text(&self) -> String {
        let age = |seconds| human::duration(Duration::from_secs(seconds));
        let of_accounts = match self.accounts {
            1 => "of 1 account".to_owned(),
            count => format!("of {} accounts", human::count(count)),
        };
        let mut facts = vec![
            ("live", human::count(self.live)),
            ("signed in", format!("{} {of_accounts}", human::count(self.signed_in))),
            ("anonymous", human::count(self.anonymous)),
            ("expired", format!("{} not removed yet", human::count(self.expired))),
        ];
        if self.unreadable > 0 {
            let advice = "is SESSION_ENCRYPTION_KEY the application's secret?";
            facts.push(("unreadable", format!("{}: {advice}", human::count(self.unreadable))));
        }
        if self.live > 0 {
            facts.extend([
                ("size", self.size.text(human::size)),
                ("in all", human::size(self.bytes)),
                ("age", self.age.text(age)),
                ("idle for", self.idle.text(age)),
            ]);
        }
        // One each is what anybody has.
        let top = self.top_accounts.iter().filter(|(_, count)| *count > 1).enumerate();
        facts.extend(top.map(|(at, (account, count))| {
            (
                if at == 0 { "the most" } else { "" },
                format!("{} ({})", human::text(account), human::count(*count)),
            )
        }));
        pairs(facts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_is_of_what_there_is() {
        let of = |numbers: &[u64]| {
            let spread = Spread::of(numbers.to_vec());
            (spread.p50, spread.p99, spread.max)
        };
        assert_eq!(of(&[]), (0, 0, 0));
        assert_eq!(of(&[7]), (7, 7, 7));
        assert_eq!(of(&(1..=200).rev().collect::<Vec<_>>()), (100, 198, 200));
    }
}
