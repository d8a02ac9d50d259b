//! What a request costs in instructions, over the same request to the framework alone. They repeat within a few percent on every
//! machine, however busy it is; times do not.

pub(crate) mod callgrind;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use callgrind::Cost;

use crate::stack::{Case, Framework, Stack};
use crate::table::{Out, Page, Table, number};
use crate::{Outcome, bounds};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Requests of each kind
    #[arg(long, default_value_t = 200)]
    requests: u32,
    /// The bare frameworks and ours in memory: what has bounds
    #[arg(long)]
    bounds_only: bool,
    #[command(flatten)]
    out: Out,
}

/// What is counted: a stack, and where its sessions live.
type Subject = (Stack, &'static str);

const MEMORY: &str = "memory:";
const COOKIE: &str = "cookie:";

pub(crate) fn run(args: &Args) -> Outcome {
    let subjects = subjects(args.bounds_only);
    let counts = count_all(&subjects, args.requests)?;
    let mut page = Page::default();
    let mut raw = String::from("framework\tstack\tcase\tadded\thashing\n");
    for framework in Framework::ALL {
        let bare = &counts[&(framework.bare().name(), MEMORY)];
        let mut table = Table::new(
            [format!("{}: added over bare", framework.title())]
                .into_iter()
                .chain(Case::ALL.map(|case| case.title().to_owned())),
        );
        table.row(row("bare, all of it", bare, |cost| number(cost.total, 0)));
        for subject @ (stack, store) in &subjects {
            if stack.framework() != framework || *stack == framework.bare() {
                continue;
            }
            let title = title(subject);
            let costs: BTreeMap<_, _> = counts[&(stack.name(), *store)]
                .iter()
                .map(|(case, cost)| (*case, PerRequest { total: cost.total - bare[case].total, ..*cost }))
                .collect();
            table.row(row(&title, &costs, |cost| number(cost.total, 0)));
            if costs.values().any(|cost| cost.blocks > 0.0) {
                table.row(row(&format!("{title}: SHA-256, blocks"), &costs, |cost| number(cost.blocks, 1)));
                let less = |(case, cost): (&Case, &PerRequest)| {
                    let figure = cost.total - cost.hashing;
                    if !stack.is_ours() || *store != MEMORY {
                        return number(figure, 0);
                    }
                    let bound = bounds::instructions(framework, *case).most;
                    page.bounded(format!("{}, {}", framework.title(), case.title()), figure, bound, 0)
                };
                let cells: Vec<_> = costs.iter().map(less).collect();
                table.row([format!("{title}: less hash")].into_iter().chain(cells));
                if stack.is_ours() && *store == MEMORY {
                    let aim = |case| number(bounds::instructions(framework, case).aim, 0);
                    table.row(["what it aims at".to_owned()].into_iter().chain(Case::ALL.map(aim)));
                }
            }
            for (case, cost) in &costs {
                let (total, hashing) = (cost.total, cost.hashing);
                let case = case.title();
                let _ = writeln!(raw, "{}\t{title}\t{case}\t{total:.0}\t{hashing:.0}", framework.title());
            }
        }
        page.table(&table);
    }
    args.out.write("instructions.tsv", &raw)?;
    page.finish("instructions", &args.out)
}

fn subjects(bounds_only: bool) -> Vec<Subject> {
    let bounded = [
        (Stack::AxumBare, MEMORY),
        (Stack::AxumOurs, MEMORY),
        (Stack::ActixBare, MEMORY),
        (Stack::ActixOurs, MEMORY),
        (Stack::RocketBare, MEMORY),
        (Stack::RocketOurs, MEMORY),
    ];
    let others = [
        (Stack::AxumNoop, MEMORY),
        (Stack::AxumOurs, COOKIE),
        (Stack::ActixNoop, MEMORY),
        (Stack::ActixOurs, COOKIE),
        (Stack::RocketNoop, MEMORY),
        (Stack::RocketOurs, COOKIE),
        #[cfg(feature = "peers")]
        (Stack::AxumTowerSessions, MEMORY),
        #[cfg(feature = "peers")]
        (Stack::AxumSession, MEMORY),
        #[cfg(feature = "peers")]
        (Stack::ActixSession, COOKIE),
        #[cfg(feature = "peers")]
        (Stack::RocketFlexSession, MEMORY),
    ];
    bounded.into_iter().chain(others.into_iter().filter(|_| !bounds_only)).collect()
}

fn title((stack, store): &Subject) -> String {
    match *stack {
        Stack::AxumNoop | Stack::ActixNoop | Stack::RocketNoop => stack.title().to_owned(),
        _ => format!("{}, {}", stack.title(), store.trim_end_matches(':')),
    }
}

/// What one request costs.
#[derive(Clone, Copy, Debug)]
struct PerRequest {
    total: f64,
    hashing: f64,
    blocks: f64,
}

impl PerRequest {
    fn new(cost: Cost, requests: u32) -> Self {
        // Far below 2^53.
        #[expect(clippy::cast_precision_loss, reason = "counts of instructions are below 2^53")]
        let per = |count: u64| count as f64 / f64::from(requests);
        Self { total: per(cost.total), hashing: per(cost.hashing), blocks: per(cost.blocks) }
    }
}

type Counts = BTreeMap<(String, &'static str), BTreeMap<Case, PerRequest>>;

/// Several at once: what is counted does not depend on how fast it goes.
fn count_all(subjects: &[Subject], requests: u32) -> Result<Counts, String> {
    let next = AtomicUsize::new(0);
    let counts = Mutex::new(Ok(Counts::new()));
    let work = || {
        while let Some((stack, store)) = subjects.get(next.fetch_add(1, Ordering::Relaxed)) {
            eprintln!("  counting {} {store}", stack.name());
            let counted = callgrind::count(*stack, store, requests);
            // Nobody panics with it.
            let mut counts = counts.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            match (&mut *counts, counted) {
                (Ok(counts), Ok(costs)) => {
                    let costs = costs.into_iter().map(|(case, cost)| (case, PerRequest::new(cost, requests)));
                    counts.insert((stack.name(), store), costs.collect());
                }
                (Ok(_), Err(error)) => *counts = Err(error),
                (Err(_), _) => return,
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    counts.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn row(title: &str, costs: &BTreeMap<Case, PerRequest>, show: impl Fn(&PerRequest) -> String) -> Vec<String> {
    [title.to_owned()].into_iter().chain(costs.values().map(show)).collect()
}
