//! The steps of a request in core, one by one: time, instructions, allocations. The store is memory, which answers at once, so there
//! is no runtime in these figures.

mod list;

use std::hint::black_box;
use std::time::Instant;

use futures_util::FutureExt as _;
use list::STEPS;
use session_core::{Pending, Sessions, Settings};

use crate::Outcome;
use crate::alloc::{Allocations, counted};
use crate::instructions::callgrind;
use crate::table::{Out, Page, Table, number};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How often each step is done
    #[arg(long, default_value_t = 20_000)]
    times: u32,
    /// This step alone, for callgrind to count
    #[arg(long, value_name = "NUMBER")]
    one: Option<usize>,
    #[command(flatten)]
    out: Out,
}

/// A step: its name, and what comes before it and is not measured.
type Step = (&'static str, fn(&Fixture, &mut Meter));

pub(crate) fn run(args: &Args) -> Outcome {
    if let Some((_, step)) = args.one.and_then(|one| STEPS.get(one)) {
        let (fixture, mut meter) = (Fixture::new()?, Meter::new(What::Instructions));
        (0..args.times).for_each(|_| step(&fixture, &mut meter));
        return Ok(());
    }
    let mut table = Table::new(["step", "time", "instructions", "allocations", "bytes allocated"]);
    let empty = time(|_, meter| meter.measure(|| ()), args.times)?;
    for (n, (name, step)) in STEPS.iter().enumerate() {
        let allocations = allocations(*step)?;
        // Under valgrind a hundred times slower, and the same each time.
        let arguments = ["steps", "--one", &n.to_string(), "--times", "200"].map(str::to_owned);
        let counted = callgrind::inside("*bench_step*", &arguments)?;
        table.row([
            (*name).to_owned(),
            format!("{} ns", number((time(*step, args.times)? - empty).max(0.0), 0)),
            number((counted / 200) as f64, 0),
            allocations.count.to_string(),
            allocations.bytes.to_string(),
        ]);
    }
    let mut page = Page::default();
    page.paragraph("A session of one number, in memory; the median time of each step, and what it is in callgrind, with its hashes.");
    page.table(&table);
    page.finish("steps", &args.out)
}

/// The median, in nanoseconds.
fn time(step: fn(&Fixture, &mut Meter), times: u32) -> Result<f64, Box<dyn std::error::Error>> {
    let (fixture, mut meter) = (Fixture::new()?, Meter::new(What::Time));
    (0..times).for_each(|_| step(&fixture, &mut meter));
    meter.nanoseconds.sort_unstable();
    Ok(f64::from(meter.nanoseconds.get(meter.nanoseconds.len() / 2).copied().unwrap_or_default()))
}

/// Of the last of some: what is made at the first use is made by then.
fn allocations(step: fn(&Fixture, &mut Meter)) -> Result<Allocations, Box<dyn std::error::Error>> {
    let (fixture, mut meter) = (Fixture::new()?, Meter::new(What::Allocations));
    (0..50).for_each(|_| step(&fixture, &mut meter));
    Ok(meter.allocations)
}

/// Sessions, and one of them.
#[derive(Debug)]
pub(super) struct Fixture {
    sessions: Sessions,
    /// The `Cookie` header of whoever has it.
    cookie: String,
}

impl Fixture {
    fn new() -> Result<Self, Box<dyn std::error::Error>> {
        let backend =
            session_backends::connect("memory:").now_or_never().ok_or("memory answers at once")??;
        let sessions = Sessions::new(backend, Settings::default())?;
        let pending = sessions.begin(std::iter::empty::<&[u8]>());
        now(pending.open())?.insert("n", 1_u64)?;
        let finished = now(sessions.finish(pending, 200));
        let set_cookie = finished.headers.set_cookie().ok_or("no cookie for a new session")?;
        Ok(Self { cookie: crate::drive::pair(set_cookie), sessions })
    }

    /// A request of whoever has the session.
    pub(super) fn request(&self) -> Pending {
        self.sessions.begin([self.cookie.as_bytes()])
    }
}

/// The answer of a store that has it at once.
pub(super) fn now<T>(answer: impl Future<Output = T>) -> T {
    answer.now_or_never().expect("the store in memory answers at once")
}

#[derive(Clone, Copy, Debug)]
enum What {
    Time,
    Allocations,
    Instructions,
}

/// Measures what a step does, and not what comes before it.
#[derive(Debug)]
pub(super) struct Meter {
    what: What,
    nanoseconds: Vec<u32>,
    allocations: Allocations,
}

impl Meter {
    fn new(what: What) -> Self {
        Self { what, nanoseconds: Vec::new(), allocations: Allocations::default() }
    }

    pub(super) fn measure<T>(&mut self, step: impl FnOnce() -> T) -> T {
        match self.what {
            What::Time => {
                let began = Instant::now();
                let result = black_box(step());
                let time = began.elapsed().as_nanos();
                self.nanoseconds.push(u32::try_from(time).unwrap_or(u32::MAX));
                result
            }
            What::Allocations => {
                let (result, allocations) = counted(step);
                self.allocations = allocations;
                result
            }
            What::Instructions => bench_step(step),
        }
    }
}

/// Callgrind counts within this function alone: see [`callgrind::inside`].
#[inline(never)]
fn bench_step<T>(step: impl FnOnce() -> T) -> T {
    black_box(step())
}
