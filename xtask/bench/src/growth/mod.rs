//! What a request waits for its session, read and written, among few sessions and among millions; and with small sessions and large.
//!
//! Each number is measured with visitors who came when there were so many, a request of each at a time, in turn with one among a thousand in
//! another place of the same kind: so what the machine does besides makes both slower. Medians are compared: the slowest of a hundred
//! is printed too, but says more of the machine than of the store.

mod beside;
mod fill;

use std::time::{Duration, Instant};

use session_core::store::SessionStore as _;
use session_core::testing::Visitor;
use session_core::{AnyStore, Backend, Clock as _, Record, Sessions, Settings, SystemClock};

use crate::stores::Stores;
use crate::table::{self, Out, Page, Table};
use crate::times::Times;
use crate::{Outcome, bounds};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const STORES: [&str; 4] = ["file", "sqlite", "postgres", "redis"];
const COUNTS: [usize; 5] = [1_000, 10_000, 100_000, 1_000_000, 5_000_000];
/// Characters in a session.
const SIZES: [usize; 5] = [100, 1_000, 10_000, 100_000, 1_000_000];
const MILLION: usize = 1_000_000;
/// Files take room and time: five million are 20 GB.
const MOST_FILES: usize = MILLION;
/// Who come, at each number of sessions.
const VISITORS: usize = 500;
/// The sessions beside which is measured.
const FEW: usize = 1_000;
/// Requests with a session of a certain size.
const LARGE: usize = 60;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    stores: Stores,
    /// Only the store of this name
    #[arg(long, value_name = "NAME")]
    store: Option<String>,
    /// How many sessions there are in the end
    #[arg(long, default_value_t = 5_000_000)]
    up_to: usize,
    #[command(flatten)]
    out: Out,
}

pub(crate) async fn run(args: &Args) -> Outcome {
    let mut page = Page::default();
    let mut tables = Tables::new();
    for name in STORES.into_iter().filter(|name| args.store.as_deref().is_none_or(|only| only == *name)) {
        let folder = args.stores.folder()?;
        let Some(url) = args.stores.url(name, &folder.path().join("sessions")) else { continue };
        let growth = Growth::open(name, url).await?;
        let few = Growth::open(name, beside::place(&growth.url).await?).await?;
        let few = arrive(&few.sessions, FEW, 100).await?;
        growth.by_count(args.up_to, few, &mut page, &mut tables).await?;
        growth.by_size(&mut page, &mut tables.by_size).await?;
    }
    page.table(&tables.by_count);
    page.table(&tables.by_size);
    args.out.write("cost.md", &tables.cost.to_string())?;
    page.finish("growth", &args.out)
}

struct Tables {
    by_count: Table,
    by_size: Table,
    /// What who chooses a store wants to know: of the first, the medians among a million.
    cost: Table,
}

impl Tables {
    fn new() -> Self {
        let by_count = Table::new([
            "sessions",
            "",
            "read: median",
            "99 %",
            "write: median",
            "99 %",
            "read: of 1,000",
            "write: of 1,000",
            "the rest added in",
        ]);
        let by_size = Table::new(["characters", "", "read: median", "99 %", "write: median", "99 %"]);
        let cost = Table::new(["store", "read, of 1,000,000", "written, of 1,000,000"]);
        Self { by_count, by_size, cost }
    }
}

/// A store that grows.
struct Growth {
    name: &'static str,
    url: String,
    store: AnyStore,
    sessions: Sessions,
}

impl Growth {
    async fn open(name: &'static str, url: String) -> Result<Self> {
        let Backend::Server(store) = session_backends::connect(&url).await? else {
            return Err("sessions in cookies are not stored".into());
        };
        let sessions = Sessions::new(store.clone(), Settings::default().with_max_bytes(4 << 20))?;
        Ok(Self { name, url, store, sessions })
    }

    /// A request of each visitor, among more and more sessions; beside those of as many visitors who are among few.
    async fn by_count(
        &self,
        up_to: usize,
        mut few: Vec<Visitor>,
        page: &mut Page,
        tables: &mut Tables,
    ) -> Outcome {
        let most = if self.name == "file" { up_to.min(MOST_FILES) } else { up_to };
        let mut there = 0;
        for count in COUNTS.into_iter().filter(|count| *count <= most) {
            eprintln!("  {}, {count} sessions", self.name);
            let mut visitors = arrive(&self.sessions, VISITORS, 100).await?;
            let record = stored(&self.store, &visitors[0]).await?;
            there += VISITORS;
            let began = Instant::now();
            fill::fill(&self.url, &self.store, &record, count - there).await?;
            there = count;
            let filled = began.elapsed();
            let ([reads, writes], [few_reads, few_writes]) = beside::measure(&mut visitors, &mut few).await?;
            let ratios =
                [("read", &reads, few_reads), ("write", &writes, few_writes)].map(|(what, many, few)| {
                    let ratio = ratio(many.median, few.median);
                    let what = format!("{}, among {}: {what}", self.name, table::count(count));
                    page.bounded(what, ratio, bounds::GROWTH, 2)
                });
            let cells = [table::count(count), self.name.to_owned()].into_iter();
            let cells = cells.chain(reads.show()).chain(writes.show()).chain(ratios);
            tables.by_count.row(cells.chain([format!("{filled:.1?}")]));
            if count == MILLION {
                let medians = [reads.show(), writes.show()]
                    .map(|[median, _]| format!("[{median}](benchmarks.md#growth)"));
                tables.cost.row([self.title().to_owned()].into_iter().chain(medians));
            }
        }
        Ok(())
    }

    fn title(&self) -> &'static str {
        match self.name {
            "sqlite" => "SQLite",
            "postgres" => "PostgreSQL",
            "redis" => "Redis",
            _ => "files",
        }
    }

    /// The same with larger and larger sessions: each is ten times the one before.
    async fn by_size(&self, page: &mut Page, table: &mut Table) -> Outcome {
        let mut before: Option<(Duration, Duration)> = None;
        let (mut read, mut write) = (0.0_f64, 0.0_f64);
        for size in SIZES {
            eprintln!("  {}, {size} characters", self.name);
            let [reads, writes] = measure(arrive(&self.sessions, LARGE, size).await?).await?;
            let cells = [table::count(size), self.name.to_owned()].into_iter();
            table.row(cells.chain(reads.show()).chain(writes.show()));
            if let Some((reads_before, writes_before)) = before {
                read = read.max(ratio(reads.median, reads_before) / 10.0);
                write = write.max(ratio(writes.median, writes_before) / 10.0);
            }
            before = Some((reads.median, writes.median));
        }
        let mut bounded = |what, steepest| {
            let what = format!("{}, by size: {what}", self.name);
            page.bounded(what, steepest, bounds::GROWTH_OF_SIZE, 2)
        };
        let (read, write) = (bounded("read", read), bounded("write", write));
        table.row(["steepest step, of linear", self.name, &read, "", &write, ""]);
        Ok(())
    }
}

/// New visitors with sessions of so many characters.
async fn arrive(sessions: &Sessions, count: usize, size: usize) -> session_core::Result<Vec<Visitor>> {
    let text = "x".repeat(size);
    let mut visitors = Vec::new();
    for _ in 0..count {
        let mut visitor = Visitor::new(sessions);
        visitor.visit(200, async |session| session.insert("text", &text)).await?;
        visitors.push(visitor);
    }
    Ok(visitors)
}

/// A read and a write by each; first one of each that is not counted, for connections and statements to be prepared.
async fn measure(mut visitors: Vec<Visitor>) -> session_core::Result<[Times; 2]> {
    let (mut reads, mut writes) = (Vec::new(), Vec::new());
    for (n, visitor) in visitors.iter_mut().enumerate() {
        let (read, write) = (timed_read(visitor).await?, timed_write(visitor, n).await?);
        if n > 0 {
            reads.push(read);
            writes.push(write);
        }
    }
    Ok([Times::of(reads), Times::of(writes)])
}

async fn timed_read(visitor: &mut Visitor) -> session_core::Result<Duration> {
    let began = Instant::now();
    let there: Option<String> = visitor.visit(200, async |session| session.get("text")).await?;
    let took = began.elapsed();
    assert!(there.is_some(), "a visitor's session has gone");
    Ok(took)
}

async fn timed_write(visitor: &mut Visitor, n: usize) -> session_core::Result<Duration> {
    let began = Instant::now();
    visitor.visit(200, async |session| session.insert("n", n)).await?;
    Ok(began.elapsed())
}

fn ratio(last: Duration, first: Duration) -> f64 {
    last.as_secs_f64() / first.as_secs_f64().max(f64::MIN_POSITIVE)
}

/// A visitor's session as it is stored: others are made like it.
async fn stored(store: &AnyStore, visitor: &Visitor) -> Result<Record> {
    // A cookie's first half is the key.
    let key = visitor.cookie().and_then(|cookie| cookie.get(..25)).ok_or("a visitor has a cookie")?;
    Ok(store.load(&key.parse()?, SystemClock.now()).await?.ok_or("a visitor's session has gone")?)
}
