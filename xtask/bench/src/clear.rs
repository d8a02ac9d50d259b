//! `session clear` among very many sessions while requests go on: how long they wait for it; and it is stopped and begun again.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use session_core::testing::Visitor;
use session_core::{Backend, Sessions, Settings, Time};
use tokio::process::Command;
use tokio::time::sleep;

use crate::rows::Sql;
use crate::stores::Stores;
use crate::table::{Out, Page, Table, count, number};
use crate::times::Times;
use crate::{Outcome, bounds};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const STORES: [&str; 2] = ["sqlite", "postgres"];

/// Who make requests meanwhile, each of them one after the other.
const VISITORS: usize = 8;

/// How long they are alone first; and after what time the first `clear` is stopped.
const ALONE: Duration = Duration::from_secs(5);
const UNTIL_STOPPED: Duration = Duration::from_secs(2);

/// What the command line ends with where it was stopped.
const STOPPED: i32 = 130;

/// The stored details of a session that has none.
const NO_DETAILS: [u8; 8] = [1, 0, 0, 0, 0, 0, 0, 0];

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    stores: Stores,
    /// The program `session`
    #[arg(long, value_name = "PATH")]
    cli: PathBuf,
    /// How many sessions there are; half of them have expired
    #[arg(long, default_value_t = 1_000_000)]
    sessions: usize,
    #[command(flatten)]
    out: Out,
}

pub(crate) async fn run(args: &Args) -> Outcome {
    let mut page = Page::default();
    let mut table =
        Table::new(["store", "meanwhile", "sessions gone", "in", "requests", "median", "99 %", "slowest"]);
    for name in STORES {
        let folder = args.stores.folder()?;
        let Some(url) = args.stores.url(name, &folder.path().join("sessions")) else { continue };
        eprintln!("  {name}, {} sessions", args.sessions);
        let site = Site::open(name, url, args.sessions).await?;
        site.clear(&args.cli, &mut page, &mut table).await?;
    }
    page.table(&table);
    page.finish("clear", &args.out)
}

/// A store with many sessions, and visitors.
struct Site {
    name: &'static str,
    url: String,
    sessions: Sessions,
    expired: usize,
    /// Live ones in which the theme is dark.
    dark: usize,
}

/// What `session clear --json` says.
#[derive(Deserialize)]
struct Cleared {
    expired: usize,
    ended: usize,
    stopped: bool,
    seconds: f64,
}

impl Site {
    async fn open(name: &'static str, url: String, count: usize) -> Result<Self> {
        let (Backend::Server(store), Some(sql)) = (session_backends::connect(&url).await?, Sql::of(&url))
        else {
            return Err("not a database".into());
        };
        sql.empty(&url).await?;
        sql.add(&url, count, &values(sql)).await?;
        let sessions = Sessions::new(store, Settings::default())?;
        Ok(Self { name, url, sessions, expired: count / 2, dark: count.div_ceil(20) })
    }

    async fn clear(&self, cli: &Path, page: &mut Page, table: &mut Table) -> Outcome {
        let mut tell = |meanwhile: &str, gone: usize, took: f64, times: &Times| {
            let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
            let what = format!("{}, {meanwhile}: slowest request, ms", self.name);
            let slowest = page.bounded(what, milliseconds(times.slowest), bounds::CLEAR, 0);
            let [median, rare] =
                [times.median, times.rare].map(|time| format!("{} ms", number(milliseconds(time), 1)));
            let (gone, took, requests) = (count(gone), format!("{took:.0} s"), count(times.count));
            table.row([self.name, meanwhile, &gone, &took, &requests, &median, &rare, &slowest]);
        };
        let ((), alone) = self
            .watch(async {
                sleep(ALONE).await;
                Ok(())
            })
            .await?;
        tell("nothing", 0, ALONE.as_secs_f64(), &alone);

        let (first, times) = self.watch(self.run(cli, &[], Some(UNTIL_STOPPED))).await?;
        if !first.stopped {
            return Err(format!("{}: all had gone before it was stopped", self.name).into());
        }
        tell("`session clear`, and Ctrl-C", first.expired, first.seconds, &times);

        let (second, times) = self.watch(self.run(cli, &[], None)).await?;
        tell("`session clear` again", second.expired, second.seconds, &times);
        if first.expired + second.expired != self.expired {
            return Err(format!(
                "{}: {} have gone, not {}",
                self.name,
                first.expired + second.expired,
                self.expired
            )
            .into());
        }

        let (dark, times) = self.watch(self.run(cli, &["--where", "theme=dark"], None)).await?;
        tell("`session clear --where theme=dark`", dark.ended, dark.seconds, &times);
        if dark.ended != self.dark {
            return Err(format!("{}: {} have been ended, not {}", self.name, dark.ended, self.dark).into());
        }
        Ok(())
    }

    /// Runs the program to its end, or sends it what Ctrl-C sends.
    async fn run(&self, cli: &Path, arguments: &[&str], stop_after: Option<Duration>) -> Result<Cleared> {
        let mut command = Command::new(cli);
        command
            .args(["clear", "--json"])
            .args(arguments)
            .env("SESSION_STORE", &self.url)
            .stdout(Stdio::piped());
        let program = command.spawn()?;
        if let (Some(time), Some(id)) = (stop_after, program.id()) {
            sleep(time).await;
            kill_process(Pid::from_raw(id.try_into()?).ok_or("no process")?, Signal::INT)?;
        }
        let output = program.wait_with_output().await?;
        let cleared: Cleared = serde_json::from_slice(&output.stdout)?;
        if output.status.code() != Some(if cleared.stopped { STOPPED } else { 0 }) {
            return Err(format!("`session clear` has ended with {}", output.status).into());
        }
        Ok(cleared)
    }

    /// Lets visitors come while something is done.
    async fn watch<T>(&self, done: impl Future<Output = Result<T>>) -> Result<(T, Times)> {
        let stop = Arc::new(AtomicBool::new(false));
        let visitors: Vec<_> = (0..VISITORS)
            .map(|_| {
                let (mut visitor, stop) = (Visitor::new(&self.sessions), Arc::clone(&stop));
                tokio::spawn(async move {
                    let mut times = Vec::new();
                    while !stop.load(Ordering::Relaxed) {
                        let began = Instant::now();
                        visitor.visit(200, async |s| s.update("n", |n: &mut u32| *n += 1)).await?;
                        times.push(began.elapsed());
                    }
                    Ok::<_, session_core::Error>(times)
                })
            })
            .collect();
        let outcome = done.await;
        stop.store(true, Ordering::Relaxed);
        let mut times = Vec::new();
        for visitor in visitors {
            times.extend(visitor.await??);
        }
        Ok((outcome?, Times::of(times)))
    }
}

/// Every second row expired a day ago, the others last for a year; of every twenty the theme of one, which lasts, is dark.
fn values(sql: Sql) -> String {
    let now = Time::from(SystemTime::now()).as_millis();
    let details = sql.blob(&NO_DETAILS);
    let [light, dark] = [r#"{"theme":"light"}"#, r#"{"theme":"dark"}"#].map(|data| sql.blob(data.as_bytes()));
    format!(
        "1, n, {now}, {now}, CASE WHEN n % 2 = 0 THEN {now} - 86400000 ELSE {now} + 31536000000 END, NULL, NULL,
        {details}, CASE WHEN n % 20 = 1 THEN {dark} ELSE {light} END"
    )
}
