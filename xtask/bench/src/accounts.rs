//! `sessions_of` and `revoke_account`, among few sessions and among many.

use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use session_core::testing::Probe;
use session_core::{Backend, Sessions, Settings};

use crate::Outcome;
use crate::stores::Stores;
use crate::table::{Out, Page, Table, count};

const STORES: [&str; 6] = ["memory", "file", "sqlite", "postgres", "mysql", "redis"];

const PER_ACCOUNT: usize = 10;
const FEW: usize = 1_000;
/// How many accounts are measured.
const MEASURED: usize = 50;
/// Logins at once, while the store is filled.
const AT_ONCE: usize = 16;

/// How often the store is called for either.
const CALLS: f64 = 1.0;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    stores: Stores,
    /// How many sessions there are in the end: ten per account
    #[arg(long, default_value_t = 100_000)]
    sessions: usize,
    #[command(flatten)]
    out: Out,
}

pub(crate) async fn run(args: &Args) -> Outcome {
    let mut page = Page::default();
    let mut table = Table::new([
        "ten sessions of an account".to_owned(),
        "store calls for either".to_owned(),
        format!("listed, among {}", count(FEW)),
        format!("among {}", count(args.sessions)),
        format!("ended, among {}", count(FEW)),
        format!("among {}", count(args.sessions)),
    ]);
    for store in STORES {
        let folder = args.stores.folder()?;
        let Some(url) = args.stores.url(store, &folder.path().join("sessions")) else { continue };
        eprintln!("  {store}, {} sessions", args.sessions);
        let site = Site::open(&url).await?;
        site.fill(0..FEW / PER_ACCOUNT).await?;
        let few = site.measure(FEW).await?;
        site.fill(FEW / PER_ACCOUNT..args.sessions / PER_ACCOUNT).await?;
        let many = site.measure(args.sessions).await?;
        site.empty(args.sessions / PER_ACCOUNT).await?;
        let calls = page.bounded(format!("{store}: store calls"), few.calls.max(many.calls), CALLS, 1);
        let times = [few.list, many.list, few.end, many.end].map(|time| format!("{time:.2?}"));
        table.row([store.to_owned(), calls].into_iter().chain(times));
    }
    page.table(&table);
    page.finish("accounts", &args.out)
}

struct Site {
    probe: Probe,
    sessions: Sessions,
}

/// What either came to.
struct Measured {
    /// The calls of the one that makes more.
    calls: f64,
    /// The medians.
    list: Duration,
    end: Duration,
}

impl Site {
    async fn open(url: &str) -> Result<Self, Box<dyn std::error::Error>> {
        let Backend::Server(store) = session_backends::connect(url).await? else {
            return Err("sessions in cookies have no accounts".into());
        };
        let probe = Probe::new(store);
        Ok(Self { sessions: Sessions::new(probe.clone(), Settings::default())?, probe })
    }

    async fn measure(&self, sessions: usize) -> Result<Measured, Box<dyn std::error::Error>> {
        let (mut lists, mut ends, mut most) = (Vec::new(), Vec::new(), 0);
        for n in 0..MEASURED {
            // Spread over all there are.
            let number = n * (sessions / PER_ACCOUNT / MEASURED);
            let account = account(number);
            self.probe.reset();
            let began = Instant::now();
            let found = self.sessions.sessions_of(&account).await?.len();
            lists.push(began.elapsed());
            most = most.max(self.probe.calls());
            self.probe.reset();
            let began = Instant::now();
            let ended = self.sessions.revoke_account(&account).await?;
            ends.push(began.elapsed());
            most = most.max(self.probe.calls());
            if (found, ended) != (PER_ACCOUNT, PER_ACCOUNT as u64) {
                return Err(format!("{account} has {found} sessions, of which {ended} were ended").into());
            }
            self.fill(number..number + 1).await?;
        }
        let calls = f64::from(u32::try_from(most)?);
        Ok(Measured { calls, list: median(lists), end: median(ends) })
    }

    /// Signs these accounts in.
    async fn fill(&self, accounts: std::ops::Range<usize>) -> session_core::Result<()> {
        let sign_in = |n| async move {
            for _ in 0..PER_ACCOUNT {
                let session = self.sessions.create();
                session.insert("n", n)?;
                session.login(account(n)).await?;
                session.save().await?;
            }
            Ok(())
        };
        stream::iter(accounts).map(sign_in).buffer_unordered(AT_ONCE).try_collect().await
    }

    /// Leaves nothing to the measurements that come.
    async fn empty(&self, accounts: usize) -> session_core::Result<()> {
        let end = |n| async move { self.sessions.revoke_account(&account(n)).await.map(drop) };
        stream::iter(0..accounts).map(end).buffer_unordered(AT_ONCE).try_collect().await
    }
}

fn account(n: usize) -> String {
    format!("account {n}")
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
