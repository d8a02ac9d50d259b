//! Writers of one process, and processes with writers.

use std::process::Stdio;
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use session_core::testing::{Probe, Visitor};
use session_core::{Backend, Sessions, Settings};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::Outcome;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Writers of a session in a process that was started for them; see [`in_processes`].
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[arg(long)]
    store: String,
    #[arg(long)]
    cookie: String,
    #[arg(long)]
    writers: u32,
}

/// Requests of this process.
#[derive(Debug)]
pub(super) struct Writers {
    sessions: Sessions,
    probe: Probe,
    count: u32,
}

/// What they saw.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Told {
    pub(super) calls: u32,
    pub(super) slowest: Duration,
}

impl Writers {
    pub(super) fn new(backend: Backend, count: u32) -> Result<Self> {
        let Backend::Server(store) = backend else {
            return Err("a session in its cookie has one writer".into());
        };
        let probe = Probe::new(store);
        Ok(Self { sessions: Sessions::new(probe.clone(), Settings::default())?, probe, count })
    }

    /// All at the same moment.
    pub(super) async fn run(&self, cookie: &str) -> Result<Told> {
        let write = |mut visitor: Visitor| async move {
            let began = Instant::now();
            visitor.visit(200, async |session| session.update("n", |n: &mut u32| *n += 1)).await?;
            Ok::<_, session_core::Error>(began.elapsed())
        };
        let all: Vec<_> = (0..self.count)
            .map(|_| tokio::spawn(write(Visitor::with_cookie(&self.sessions, cookie))))
            .collect();
        let mut told = Told::default();
        for time in try_join_all(all).await? {
            told.slowest = told.slowest.max(time?);
        }
        told.calls = u32::try_from(self.probe.calls())?;
        Ok(told)
    }
}

/// Starts processes with so many writers each, and lets them write when all are ready.
pub(super) async fn in_processes(url: &str, processes: u32, writers: u32, cookie: &str) -> Result<Told> {
    let this = std::env::current_exe()?;
    let mut started = Vec::new();
    for _ in 0..processes {
        let mut command = Command::new(&this);
        command.args(["hot-writers", "--store", url, "--cookie", cookie, "--writers", &writers.to_string()]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
        let mut lines = BufReader::new(child.stdout.take().ok_or("no pipe")?).lines();
        if lines.next_line().await?.as_deref() != Some("ready") {
            return Err("a process with writers has ended".into());
        }
        started.push((child, lines));
    }
    for (child, _) in &mut started {
        go(child).await?;
    }
    let mut told = Told::default();
    for (mut child, mut lines) in started {
        let line = lines.next_line().await?.ok_or("a process with writers has ended")?;
        let (calls, micros) = line.split_once(' ').ok_or("it says something else")?;
        told.calls += calls.parse::<u32>()?;
        told.slowest = told.slowest.max(Duration::from_micros(micros.parse()?));
        child.wait().await?;
    }
    Ok(told)
}

async fn go(child: &mut Child) -> std::io::Result<()> {
    match child.stdin.take() {
        Some(mut pipe) => pipe.write_all(b"go\n").await,
        None => Ok(()),
    }
}

/// What such a process does.
pub(crate) async fn run(args: &Args) -> Outcome {
    let writers = Writers::new(session_backends::connect(&args.store).await?, args.writers)?;
    println!("ready");
    let mut line = String::new();
    BufReader::new(tokio::io::stdin()).read_line(&mut line).await?;
    let told = writers.run(&args.cookie).await?;
    println!("{} {}", told.calls, told.slowest.as_micros());
    Ok(())
}
