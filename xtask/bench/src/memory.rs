//! The memory store at scale: what a session takes, what a look-up takes among few and among many, and how long a lock is held.
//!
//! On a busy machine a thread may be stopped while it holds a lock, for as long as the operating system likes. So steps are timed by the
//! thread's own processor time, which is the longest that a lock was held for its work; how long others waited is printed beside it.

use std::fs;
use std::hint::black_box;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use rustix::time::{ClockId, clock_gettime};
use session_backends::memory::MemoryStore;
use session_core::store::{Inserted, Select, SessionStore as _};
use session_core::{AnyStore, Clock as _, Record, RecordKey, Sessions, Settings, SystemClock, Time, Version};

use crate::table::{Out, Page, Table, number};
use crate::{Outcome, bounds};

const SIZES: [usize; 5] = [1_000, 10_000, 100_000, 1_000_000, 5_000_000];
const MILLION: usize = 1_000_000;
/// Of which each round is made.
const LOOKUPS: usize = 200_000;
const ROUNDS: usize = 5;
/// So few are removed in one step, or in two.
const BATCH: NonZeroU32 = NonZeroU32::new(200).unwrap();

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Among how many sessions it looks up in the end
    #[arg(long, default_value_t = 5_000_000)]
    up_to: usize,
    #[command(flatten)]
    out: Out,
}

pub(crate) async fn run(args: &Args) -> Outcome {
    let up_to = args.up_to;
    let record = small_session().await?;
    // Not on a thread that runs tasks.
    let (page, bytes) = tokio::task::spawn_blocking(move || measure(&record, up_to)).await?;
    let takes = format!(
        "A small session takes [{bytes:.0} bytes](benchmarks.md#the-memory-store-at-scale) in the memory store."
    );
    args.out.write("bytes.md", &takes)?;
    page.finish("memory", &args.out)
}

/// And the bytes that a session takes.
fn measure(record: &Record, up_to: usize) -> (Page, f64) {
    let now = SystemClock.now();
    let keys: Vec<_> =
        (0..up_to.max(2 * MILLION)).map(|_| RecordKey::random().expect("random bytes")).collect();
    let mut page = Page::default();
    let bytes = bytes(record, &keys[..MILLION], now, &mut page);
    lookups(record, &keys[..up_to], now, &mut page);
    let mut steps = Table::new(["one step under a lock", "steps", "median", "99.99 %, µs", "longest"]);
    inserts(record, &keys[..up_to], now, &mut page, &mut steps);
    purge(record, &keys[..2 * MILLION], now, &mut page, &mut steps);
    page.table(&steps);
    account(record, &keys[..100_000], now, &mut page);
    (page, bytes)
}

/// What is resident for a million sessions, per session; on the page also the worst moment of the last doubling.
fn bytes(record: &Record, keys: &[RecordKey], now: Time, page: &mut Page) -> f64 {
    let store = MemoryStore::new();
    let before = resident();
    let (mut worst, mut worst_at) = (0.0, 0);
    for (n, key) in keys.iter().enumerate() {
        insert(&store, key, record, now);
        if n > keys.len() / 2 && n.is_multiple_of(5000) {
            let bytes = per(resident() - before, n);
            if bytes > worst {
                (worst, worst_at) = (bytes, n);
            }
        }
    }
    let end = per(resident() - before, keys.len());
    let worst = page.bounded("bytes per session", worst.max(end), bounds::MEMORY_BYTES, 0);
    page.paragraph(format!(
        "Of {} sessions each takes {end:.0} bytes; at the worst moment of the table's last growth, at {} of them, {worst}.",
        number(per(keys.len(), 1), 0),
        number(per(worst_at, 1), 0)
    ));
    end
}

/// A series of look-ups.
fn lookups(record: &Record, keys: &[RecordKey], now: Time, page: &mut Page) {
    let mut table = Table::new(["sessions", "a look-up that finds", "one that does not"]);
    let store = MemoryStore::new();
    let mut there = 0;
    let mut found = Vec::new();
    for size in SIZES.into_iter().filter(|size| *size <= keys.len()) {
        keys[there..size].iter().for_each(|key| insert(&store, key, record, now));
        there = size;
        // Each as good as the other, as keys are random; spread over all there are, and read from one place.
        let asked: Vec<_> = (0..LOOKUPS).map(|n| keys[n * 7_919 % size]).collect();
        let nobodys: Vec<_> = (0..LOOKUPS).map(|_| RecordKey::random().expect("random bytes")).collect();
        let hit = round(&store, &asked, now);
        let miss = round(&store, &nobodys, now);
        table.row([number(per(size, 1), 0), format!("{hit:.0} ns"), format!("{miss:.0} ns")]);
        found.push(hit);
    }
    let slower = found.last().unwrap_or(&0.0) / found.first().unwrap_or(&1.0);
    let slower = page.bounded("a look-up among the most sessions", slower, bounds::MEMORY_LOOK_UP, 1);
    table.row(["the last against the first".to_owned(), slower, String::new()]);
    page.table(&table);
}

/// Nanoseconds of processor time per look-up, in the best of a few rounds.
fn round(store: &MemoryStore, keys: &[RecordKey], now: Time) -> f64 {
    let rounds = (0..ROUNDS).map(|_| {
        let began = worked();
        for key in keys {
            black_box(store.load(key, now).now_or_never());
        }
        per(usize::try_from((worked() - began).as_nanos()).unwrap_or(usize::MAX), keys.len())
    });
    rounds.fold(f64::MAX, f64::min)
}

/// Inserts while a table grows to so many.
fn inserts(record: &Record, keys: &[RecordKey], now: Time, page: &mut Page, table: &mut Table) {
    let store = MemoryStore::new();
    let steps = keys.iter().map(|key| {
        let began = worked();
        insert(&store, key, record, now);
        worked() - began
    });
    Steps::of(steps.collect()).tell_bounded("insert, while the table grows", page, table);
}

/// The batches of a purge of a million among a million; somebody reads meanwhile.
fn purge(record: &Record, keys: &[RecordKey], now: Time, page: &mut Page, table: &mut Table) {
    let store = Arc::new(MemoryStore::new());
    let day = Duration::from_secs(86_400);
    for (n, key) in keys.iter().enumerate() {
        let expires_at = if n.is_multiple_of(2) { now + day } else { now + 10 * day };
        insert(&store, key, &Record { expires_at, ..record.clone() }, now);
    }
    let later = now + 2 * day;
    let stop = Arc::new(AtomicBool::new(false));
    let reader = {
        let (store, stop, keys) = (Arc::clone(&store), Arc::clone(&stop), keys[..LOOKUPS].to_vec());
        std::thread::spawn(move || {
            let mut waits = Vec::new();
            for key in keys.iter().cycle() {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                let began = Instant::now();
                black_box(store.load(key, later).now_or_never());
                waits.push(began.elapsed());
            }
            waits
        })
    };
    let runtime = tokio::runtime::Handle::current();
    let (mut batches, mut purged) = (Vec::new(), 0);
    let all = Instant::now();
    loop {
        let began = worked();
        let more = runtime.block_on(store.purge(later, BATCH)).expect("memory is there");
        batches.push(worked() - began);
        purged += more;
        if more < u64::from(BATCH.get()) {
            break;
        }
    }
    let all = all.elapsed();
    stop.store(true, Ordering::Relaxed);
    // The last one finds nothing: it walks once around.
    batches.pop();
    let (purged, of) =
        (number(per(usize::try_from(purged).unwrap_or(0), 1), 0), number(per(keys.len(), 1), 0));
    let what = format!("a batch of a purge, of {purged} among {of} in {all:.1?}");
    Steps::of(batches).tell_bounded(&what, page, table);
    Steps::of(reader.join().unwrap_or_default()).tell("who reads meanwhile, with what they wait", table);
}

/// An account's sessions are ended under all locks at once, so that no login slips in: that step has no bound.
fn account(record: &Record, keys: &[RecordKey], now: Time, page: &mut Page) {
    let store = MemoryStore::new();
    let record = Record { account: Some("ada".to_owned()), ..record.clone() };
    let mut table = Table::new(["an account's sessions, ended at once", "time"]);
    for size in [10, 1000, keys.len()] {
        keys[..size].iter().for_each(|key| insert(&store, key, &record, now));
        let began = worked();
        let what = Select::Account { account: "ada", except: None };
        black_box(store.remove(what, now).now_or_never());
        table.row([number(per(size, 1), 0), format!("{:.0?}", worked() - began)]);
    }
    page.table(&table);
}

/// How long steps take. The longest of millions is one that the processor was taken from: the bound is on all but one of ten
/// thousand.
struct Steps {
    count: usize,
    median: Duration,
    rare: Duration,
    longest: Duration,
}

impl Steps {
    fn of(mut steps: Vec<Duration>) -> Self {
        steps.sort_unstable();
        let count = steps.len();
        let at = |place: usize| steps.get(place.min(count.saturating_sub(1))).copied().unwrap_or_default();
        Self {
            count,
            median: at(count / 2),
            rare: at(count.saturating_sub(count / 10_000 + 1)),
            longest: at(count),
        }
    }

    fn tell_bounded(&self, what: &str, page: &mut Page, table: &mut Table) {
        let rare = page.bounded(what, self.rare.as_secs_f64() * 1e6, bounds::MEMORY_STEP, 0);
        self.row(what, rare, table);
    }

    fn tell(&self, what: &str, table: &mut Table) {
        self.row(what, number(self.rare.as_secs_f64() * 1e6, 0), table);
    }

    fn row(&self, what: &str, rare: String, table: &mut Table) {
        let (count, median, longest) = (number(per(self.count, 1), 0), self.median, self.longest);
        table.row([what.to_owned(), count, format!("{median:.1?}"), rare, format!("{longest:.1?}")]);
    }
}

fn insert(store: &MemoryStore, key: &RecordKey, record: &Record, now: Time) {
    let version = Version { seq: 1, nonce: 1 };
    let record = Record { version, ..record.clone() };
    let inserted = store.insert(key, &record, now).now_or_never();
    assert!(matches!(inserted, Some(Ok(Inserted::Done))), "{inserted:?}");
}

/// As the store is given it.
async fn small_session() -> Result<Record, Box<dyn std::error::Error>> {
    let store = AnyStore::new(MemoryStore::new());
    let sessions = Sessions::new(store.clone(), Settings::default())?;
    let session = sessions.create();
    session.insert("user_id", 12_345_678)?;
    session.insert("theme", "dark")?;
    session.save().await?;
    let key = session.session_key().ok_or("it is saved")?;
    Ok(store.load(&key, SystemClock.now()).await?.ok_or("it is saved")?)
}

/// Bytes that the operating system has given this process.
fn resident() -> usize {
    let statm = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split_whitespace().nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0) * 4096
}

/// For how long this thread has had a processor.
fn worked() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

#[expect(clippy::cast_precision_loss, reason = "figures to look at")]
fn per(sum: usize, count: usize) -> f64 {
    sum as f64 / count as f64
}
