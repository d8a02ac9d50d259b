//! One session that everybody writes at the same moment: 64 requests that each add one to the same number, by `Session::update`.
//! All 64 must be kept, from one process and from two.

mod writers;

use std::time::Duration;

use session_core::testing::Visitor;
use session_core::{Sessions, Settings};
pub(crate) use writers::Args as WritersArgs;
pub(crate) use writers::run as run_writers;
use writers::{Told, Writers};

use crate::Outcome;
use crate::stores::Stores;
use crate::table::{Out, Page, Table, number};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    stores: Stores,
    /// How often 64 requests come; the round with the slowest request is shown
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    #[command(flatten)]
    out: Out,
}

const WRITERS: u32 = 64;
const STORES: [&str; 6] = ["memory", "file", "sqlite", "postgres", "mysql", "redis"];

pub(crate) async fn run(args: &Args) -> Outcome {
    let mut page = Page::default();
    let mut table = Table::new([
        "64 writers of one session",
        "processes",
        "kept",
        "store calls per write, reading included",
        "slowest request",
    ]);
    for store in STORES {
        for processes in [1, 2] {
            // What is in one process's memory is in no other's.
            if processes == 2 && store == "memory" {
                continue;
            }
            let folder = args.stores.folder()?;
            let Some(url) = args.stores.url(store, &folder.path().join("sessions")) else { continue };
            eprintln!("  {store}, {processes}");
            let mut worst = Round::default();
            for _ in 0..args.rounds {
                let round = contend(&url, processes).await?;
                worst = if round.told.slowest >= worst.told.slowest {
                    round.least(&worst)
                } else {
                    worst.least(&round)
                };
            }
            let kept = format!("{} of {WRITERS}", worst.kept);
            let fewer = f64::from(WRITERS - worst.kept.min(WRITERS));
            if fewer > 0.0 {
                page.bounded(format!("{store}, {processes} processes: writes lost"), fewer, 0.0, 0);
            }
            table.row([
                store.to_owned(),
                processes.to_string(),
                kept,
                number(f64::from(worst.told.calls) / f64::from(WRITERS), 1),
                format!("{:.1?}", worst.told.slowest),
            ]);
        }
    }
    page.table(&table);
    page.finish("hot", &args.out)
}

/// What 64 writers came to.
#[derive(Clone, Copy, Debug, Default)]
struct Round {
    kept: u32,
    told: Told,
}

impl Round {
    /// This round, with the fewest writes that were kept in either.
    fn least(self, other: &Self) -> Self {
        let is_first = other.told.slowest == Duration::ZERO;
        Self { kept: if is_first { self.kept } else { self.kept.min(other.kept) }, ..self }
    }
}

async fn contend(url: &str, processes: u32) -> Result<Round, Box<dyn std::error::Error>> {
    let backend = session_backends::connect(url).await?;
    let sessions = Sessions::new(backend.clone(), Settings::default())?;
    let mut visitor = Visitor::new(&sessions);
    visitor.visit(200, async |session| session.insert("n", 0_u32)).await?;
    let cookie = visitor.cookie().ok_or("no cookie for a new session")?.to_owned();
    let told = if processes == 1 {
        Writers::new(backend, WRITERS)?.run(&cookie).await?
    } else {
        writers::in_processes(url, processes, WRITERS / processes, &cookie).await?
    };
    let kept = visitor.visit(200, async |session| session.get("n")).await?;
    Ok(Round { kept: kept.unwrap_or(0), told })
}
