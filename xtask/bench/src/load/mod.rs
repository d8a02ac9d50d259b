//! Throughput, latency and the processor's time per request, under load from another process of this machine. Every round asks all
//! servers one after the other, and compares each with the bare server of the same round: so what else the machine does meanwhile
//! falls on all of them.

mod wrk;

use std::collections::BTreeMap;
use std::time::Duration;

use wrk::Seen;

use crate::http::Visitor;
use crate::server::Server;
use crate::stack::{Framework, Stack};
use crate::stores::Stores;
use crate::table::{Out, Page, Table, number};
use crate::{Outcome, bounds};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    stores: Stores,
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// How long each server is asked for one thing in each round
    #[arg(long, default_value_t = 2)]
    seconds: u64,
    #[command(flatten)]
    out: Out,
}

/// How many sessions take turns.
const SESSIONS: usize = 256;

/// What is asked for.
const CASES: [(&str, &str); 3] =
    [("untouched, cookie", "/untouched"), ("read", "/read"), ("write", "/write")];

/// Who is asked, with sessions where.
const STACKS: &[(Stack, &[&str])] = &[
    (Stack::AxumBare, &["–"]),
    (Stack::AxumNoop, &["–"]),
    (Stack::AxumOurs, &["memory", "cookie", "redis", "postgres", "mysql", "sqlite", "file"]),
    #[cfg(feature = "peers")]
    (Stack::AxumTowerSessions, &["memory", "redis", "postgres"]),
    #[cfg(feature = "peers")]
    (Stack::AxumSession, &["memory", "redis"]),
    (Stack::ActixBare, &["–"]),
    (Stack::ActixNoop, &["–"]),
    (Stack::ActixOurs, &["memory", "cookie", "redis", "postgres"]),
    #[cfg(feature = "peers")]
    (Stack::ActixSession, &["cookie", "redis"]),
    (Stack::RocketBare, &["–"]),
    (Stack::RocketNoop, &["–"]),
    (Stack::RocketOurs, &["memory", "cookie", "redis", "postgres"]),
    #[cfg(feature = "peers")]
    (Stack::RocketFlexSession, &["memory", "redis", "postgres"]),
];

/// A running server, and sessions on it.
struct Subject {
    stack: Stack,
    store: &'static str,
    server: Server,
    cookies: Vec<String>,
    seen: BTreeMap<&'static str, Vec<Round>>,
    hot: Vec<Round>,
}

/// One run.
#[derive(Clone, Copy, Debug)]
struct Round {
    seen: Seen,
    /// Microseconds of the processor's time, per request.
    cpu: f64,
}

pub(crate) async fn run(args: &Args) -> Outcome {
    let folder = args.stores.folder()?;
    let mut subjects = Vec::new();
    for (stack, stores) in STACKS {
        for store in *stores {
            let place = format!("{}-{store}", stack.name());
            let Some(url) = args.stores.url(store, &folder.path().join(place)) else { continue };
            subjects.push(Subject::start(*stack, store, &url).await?);
        }
    }
    let time = Duration::from_secs(args.seconds);
    for round in 1..=args.rounds {
        for (case, path) in CASES {
            eprintln!("  round {round} of {}: {case}", args.rounds);
            for subject in &mut subjects {
                let seen = subject.ask(path, &subject.cookies, time)?;
                subject.seen.entry(case).or_default().push(seen);
            }
        }
        for subject in subjects.iter_mut().filter(|subject| subject.stack == Stack::AxumOurs) {
            let seen = subject.ask("/count", &subject.cookies[..1], time)?;
            subject.hot.push(seen);
        }
    }
    let mut page = Page::default();
    page.paragraph(format!(
        "{SESSIONS} sessions in turn on 32 connections; the median of {} rounds of {} s.",
        args.rounds, args.seconds
    ));
    for framework in Framework::ALL {
        tell(framework, &subjects, &mut page);
    }
    tell_hot(&subjects, &mut page);
    page.finish("load", &args.out)
}

impl Subject {
    async fn start(stack: Stack, store: &'static str, url: &str) -> Result<Self, Box<dyn std::error::Error>> {
        let server = Server::start(stack, url)?;
        let mut visitor = Visitor::new(server.address()).await.map_err(|error| error.to_string())?;
        let mut cookies = Vec::new();
        for _ in 0..SESSIONS {
            visitor.forget();
            visitor.get("/write").await.map_err(|error| error.to_string())?;
            let of_bare = || "session=0123456789012345678901234567890123456789".to_owned();
            cookies
                .push(Some(visitor.cookies()).filter(|cookies| !cookies.is_empty()).unwrap_or_else(of_bare));
        }
        Ok(Self { stack, store, server, cookies, seen: BTreeMap::new(), hot: Vec::new() })
    }

    fn ask(
        &self,
        path: &str,
        cookies: &[String],
        time: Duration,
    ) -> Result<Round, Box<dyn std::error::Error>> {
        let before = self.server.cpu()?;
        let seen = wrk::run(self.server.address(), path, cookies, time)?;
        let used = self.server.cpu()? - before;
        Ok(Round { seen, cpu: used.as_secs_f64() * 1e6 / f64::from(seen.requests.max(1)) })
    }

    fn title(&self) -> String {
        if self.store == "–" {
            self.stack.title().to_owned()
        } else {
            format!("{}, {}", self.stack.title(), self.store)
        }
    }
}

fn tell(framework: Framework, subjects: &[Subject], page: &mut Page) {
    let of_it = || subjects.iter().filter(|subject| subject.stack.framework() == framework);
    let Some(bare) = of_it().find(|subject| subject.stack == framework.bare()) else { return };
    for (case, _) in CASES {
        let title = format!("{}, {case}", framework.title());
        let mut table =
            Table::new([&*title, "requests/s", "p50", "p99", "CPU per request", "CPU over bare", "errors"]);
        for subject in of_it() {
            let rounds = &subject.seen[case];
            let ratio = median(rounds.iter().zip(&bare.seen[case]).map(|(own, bare)| own.cpu / bare.cpu));
            let bound = bounds::cpu(subject.store, case);
            let ratio = match bound.filter(|_| subject.stack == Stack::AxumOurs) {
                Some(bound) => page.bounded(format!("{title}, {}", subject.title()), ratio, bound, 2),
                None => number(ratio, 2),
            };
            let mut cells = vec![subject.title()];
            cells.extend(figures(rounds));
            cells.insert(5, ratio);
            table.row(cells);
        }
        page.table(&table);
    }
}

fn tell_hot(subjects: &[Subject], page: &mut Page) {
    let title = "one hot session: everybody adds one to the same number";
    let mut table = Table::new([title, "requests/s", "p50", "p99", "CPU per request", "errors"]);
    for subject in subjects.iter().filter(|subject| !subject.hot.is_empty() && subject.store != "cookie") {
        table.row([subject.title()].into_iter().chain(figures(&subject.hot)));
    }
    page.table(&table);
}

/// Requests per second, two latencies, time per request, errors.
fn figures(rounds: &[Round]) -> [String; 5] {
    let of = |figure: fn(&Round) -> f64| median(rounds.iter().map(figure));
    [
        number(of(|round| f64::from(round.seen.requests) / round.seen.seconds), 0),
        format!("{} ms", number(of(|round| round.seen.p50.as_secs_f64() * 1e3), 2)),
        format!("{} ms", number(of(|round| round.seen.p99.as_secs_f64() * 1e3), 2)),
        format!("{} µs", number(of(|round| round.cpu), 1)),
        rounds.iter().map(|round| round.seen.errors).sum::<u32>().to_string(),
    ]
}

fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<_> = figures.collect();
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}
