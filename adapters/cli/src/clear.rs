//! `session clear`: what Django's `clearsessions` does, and the ending of live sessions by what they are.

#![expect(clippy::doc_markdown, reason = "clap prints these comments as they stand")]

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde::Serialize;
use session_core::{CleanedUp, Clock as _, ManualClock, Sessions, Sweeper, SystemClock, Time};

use crate::args::StoreArgs;
use crate::error::{Done, Failure};
use crate::filter::Condition;
use crate::human;
use crate::output::Output;
use crate::progress::Progress;
use crate::stop::Stop;
use crate::store::Store;
use crate::walk::{self, Next};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// End sessions that were last active longer ago than this: 30d, 12h
    #[arg(long, value_name = "AGE", value_parser = humantime::parse_duration)]
    older_than: Option<Duration>,
    /// End this account's sessions
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    /// End sessions with this value: theme=dark, user_id=7
    #[arg(long = "where", value_name = "KEY=VALUE")]
    conditions: Vec<Condition>,
    /// End sessions whose values, as JSON, contain this
    #[arg(long, value_name = "TEXT")]
    containing: Vec<String>,
    /// Count, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// How many expired sessions are removed at once
    #[arg(long, value_name = "COUNT", default_value = "1000")]
    batch: NonZeroU32,
}

/// What was done.
#[derive(Debug, Default, Serialize)]
struct Report {
    /// Expired sessions: removed, or in a dry run found.
    expired: u64,
    /// Live ones: ended, or in a dry run found.
    ended: u64,
    /// Live ones that were looked at; none where there is no condition.
    seen: u64,
    unreadable: u64,
    dry_run: bool,
    stopped: bool,
    seconds: f64,
}

pub(crate) async fn run(args: &Args, store: &StoreArgs, output: &Output) -> Result<Done, Failure> {
    let store = if args.has_conditions() { store.open_to_end().await? } else { store.open().await? };
    let stop = Stop::on_signal()?;
    let began = Instant::now();
    let mut report = Report { dry_run: args.dry_run, ..Report::default() };
    if !args.dry_run {
        (report.expired, report.stopped) = args.sweep(&store, &stop, output).await?;
    } else if !args.has_conditions() {
        args.count(&store, &mut report).await?;
    }
    if args.has_conditions() && !report.stopped {
        args.end(&store, &stop, &mut report).await?;
        if report.ended > 0 && !args.dry_run && !report.stopped {
            // What was ended just now has been counted.
            (_, report.stopped) = args.sweep(&store, &stop, output).await?;
        }
    }
    let took = began.elapsed();
    report.seconds = took.as_secs_f64();
    output.say(&report, || report.sentence(args, took))?;
    Ok(if report.stopped { Done::Stopped } else { Done::All })
}

impl Args {
    fn has_conditions(&self) -> bool {
        self.older_than.is_some()
            || self.account.is_some()
            || !self.conditions.is_empty()
            || !self.containing.is_empty()
    }

    /// Ends live sessions.
    async fn end(&self, store: &Store, stop: &Stop, report: &mut Report) -> Result<(), Failure> {
        let progress = Progress::begin("looking through sessions");
        let mut cleanup = store.sessions.cleanup().on_progress(|so_far| {
            progress.says(|| {
                format!("{} seen, {} ended", human::count(so_far.seen), human::count(so_far.removed))
            });
            // The sessions of one account are not a part of all that could be measured.
            if let Some(key) = so_far.reached.filter(|_| self.account.is_none()) {
                progress.has_reached(&key);
            }
        });
        if let Some(age) = self.older_than {
            cleanup = cleanup.older_than(age);
        }
        if let Some(account) = &self.account {
            cleanup = cleanup.of_account(account);
        }
        if self.dry_run {
            cleanup = cleanup.dry_run();
        }
        cleanup = cleanup.matching(|session| {
            self.conditions.iter().all(|condition| condition.fits(session))
                && (self.containing.is_empty() || {
                    let json = session.to_json();
                    self.containing.iter().all(|text| json.contains(text.as_str()))
                })
        });
        let CleanedUp { seen, matched, removed, unreadable, stopped, .. } =
            cleanup.run_until(stop.clone().asked()).await?;
        progress.end();
        let ended = if self.dry_run { matched } else { removed };
        *report = Report { ended, seen, unreadable, stopped, ..*report };
        Ok(())
    }

    /// Removes what has expired: how much, and whether it was stopped.
    async fn sweep(&self, store: &Store, stop: &Stop, output: &Output) -> Result<(u64, bool), Failure> {
        let progress = Progress::begin("removing expired sessions");
        let (shown, removed) = (progress.clone(), Arc::new(AtomicU64::new(0)));
        let count = Arc::clone(&removed);
        let sweeper = Sweeper::new(&store.sessions).with_batch(self.batch).with_progress(move |swept| {
            count.store(swept.removed, Ordering::Relaxed);
            shown.says(|| format!("{} removed", human::count(swept.removed)));
        });
        let swept = sweeper.sweep_until(stop.clone().asked()).await;
        progress.end();
        let removed = removed.load(Ordering::Relaxed);
        if swept.is_err() && removed > 0 {
            output.note(&format!("{} had been removed", human::sessions(removed)));
        }
        let swept = swept?;
        Ok((swept.removed, swept.stopped))
    }

    /// Counts what has expired.
    async fn count(&self, store: &Store, report: &mut Report) -> Result<(), Failure> {
        let progress = Progress::begin("looking for expired sessions");
        let (now, mut seen) = (SystemClock.now(), 0_u64);
        report.unreadable = walk::all(&with_the_expired(&store.sessions)?, |session| {
            seen += 1;
            report.expired += u64::from(session.expires() <= now);
            if seen.is_multiple_of(500) {
                progress.says(|| format!("{} seen", human::count(seen)));
                progress.has_reached(&session.handle());
            }
            Next::GoOn
        })
        .await?;
        progress.end();
        Ok(())
    }
}

/// The same sessions and those that have expired and lie there still. A store judges deadlines by the time that it is told: to one that
/// is told 1970 nothing has expired. Only to be looked at.
pub(crate) fn with_the_expired(sessions: &Sessions) -> Result<Sessions, Failure> {
    let clock = ManualClock::at(Time::from_millis(0));
    Ok(sessions.with_settings(sessions.settings().clone().with_clock(clock))?)
}

impl Report {
    fn sentence(&self, args: &Args, took: Duration) -> String {
        let (expired, ended) = (human::sessions(self.expired), human::sessions(self.ended));
        let ended = format!("{ended} of {} ended", human::count(self.seen));
        let removed = format!("{} removed", expired.replace("session", "expired session"));
        let unread = match (self.unreadable, self.dry_run) {
            (0, _) => String::new(),
            (count, true) => {
                format!(
                    "; {} could not be read, of which what has expired is removed too",
                    human::sessions(count)
                )
            }
            (1, false) => "; 1 session could not be read, and stays".to_owned(),
            (count, false) => format!("; {} could not be read, and stay", human::sessions(count)),
        };
        let done = match (self.dry_run, args.has_conditions()) {
            (true, true) => {
                return format!(
                    "{} of {} would be ended{unread}",
                    human::sessions(self.ended),
                    human::count(self.seen)
                );
            }
            (true, false) => {
                return format!("{} would be removed{unread}", expired.replace("session", "expired session"));
            }
            (false, true) if self.stopped && self.seen == 0 => removed,
            (false, true) => format!("{ended}, {removed}"),
            (false, false) => removed,
        };
        let took = human::took(took);
        if self.stopped {
            format!("stopped: {done} in {took}{unread}; run it again to go on")
        } else {
            format!("{done} in {took}{unread}")
        }
    }
}
