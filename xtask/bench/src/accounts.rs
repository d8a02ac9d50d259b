//! `sessions_of` and `revoke_account`, among few sessions and among many.

use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use session_core::testing::Probe;
use session_core::{Backend, Sessions, Settings};

use crate::Outcome;

const PER_ACCOUNT: usize = 10;
const FEW: usize = 1_000;
/// How many accounts are measured.
const MEASURED: usize = 50;
/// Logins at once, while the store is filled.
const AT_ONCE: usize = 16;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where sessions live, as for `connect`
    #[arg(long, value_name = "URL")]
    store: String,
    /// How many sessions there are in the end: ten per account
    #[arg(long, default_value_t = 100_000)]
    sessions: usize,
}

pub(crate) async fn run(args: &Args) -> Outcome {
    let Backend::Server(store) = session_backends::connect(&args.store).await? else {
        return Err("sessions in cookies have no accounts".into());
    };
    let probe = Probe::new(store);
    let sessions = Sessions::new(probe.clone(), Settings::default())?;
    println!("sessions   sessions_of: store calls, median   revoke_account: store calls, median");
    let mut there = 0;
    for count in [FEW, args.sessions] {
        fill(&sessions, there, count).await?;
        there = count;
        let (mut lists, mut ends) = (Vec::new(), Vec::new());
        let (mut list_calls, mut end_calls) = (0, 0);
        for n in 0..MEASURED {
            // Spread over all there are.
            let account = account(n * (count / PER_ACCOUNT / MEASURED));
            probe.reset();
            let began = Instant::now();
            let found = sessions.sessions_of(&account).await?.len();
            lists.push(began.elapsed());
            list_calls += probe.calls();
            probe.reset();
            let began = Instant::now();
            let ended = sessions.revoke_account(&account).await?;
            ends.push(began.elapsed());
            end_calls += probe.calls();
            if (found, ended) != (PER_ACCOUNT, PER_ACCOUNT as u64) {
                return Err(format!("{account} has {found} sessions, of which {ended} were ended").into());
            }
            fill_account(&sessions, &account).await?;
        }
        println!(
            "{count:8}   {:>11} {:>21.2?}   {:>14} {:>21.2?}",
            mean(list_calls),
            median(lists),
            mean(end_calls),
            median(ends)
        );
    }
    Ok(())
}

fn account(n: usize) -> String {
    format!("account {n}")
}

async fn fill(sessions: &Sessions, from: usize, to: usize) -> session_core::Result<()> {
    stream::iter(from / PER_ACCOUNT..to / PER_ACCOUNT)
        .map(|n| async move { fill_account(sessions, &account(n)).await })
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await
}

async fn fill_account(sessions: &Sessions, account: &str) -> session_core::Result<()> {
    for n in 0..PER_ACCOUNT {
        let session = sessions.create();
        session.insert("n", n)?;
        session.login(account).await?;
        session.save().await?;
    }
    Ok(())
}

fn mean(calls: u64) -> f64 {
    f64::from(u32::try_from(calls).unwrap_or(u32::MAX)) / f64::from(u32::try_from(MEASURED).unwrap_or(1))
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
