//! What a request waits for its session, read and written, among few sessions and among millions; and with small sessions and large.
//!
//! Each size is measured with visitors who came when there were so many, a request of each at a time. Medians are compared: the
//! slowest of a hundred is printed too, but on a machine that does other work it says more of that than of the store.

use std::time::{Duration, Instant, SystemTime};

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use session_backends::file::{Durability, FileStore};
use session_core::store::SessionStore as _;
use session_core::testing::Visitor;
use session_core::{AnyStore, Backend, Clock as _, Record, RecordKey, Sessions, Settings, SystemClock};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};

use session_bench::Outcome;

/// How much longer a request may take in the end than in the beginning. A tree of five million keys is one level deeper than one of a
/// thousand, and does not lie in the processor's caches; a search through all would be thousands of times slower.
const SLOWER: f64 = 2.0;
/// How far above linear a larger session may be: what is measured on a busy machine is not more exact.
const UNEVEN: f64 = 1.5;

const COUNTS: [usize; 5] = [1_000, 10_000, 100_000, 1_000_000, 5_000_000];
/// Characters in a session.
const SIZES: [usize; 5] = [100, 1_000, 10_000, 100_000, 1_000_000];
/// Files take room and time: five million are 20 GB.
const MOST_FILES: usize = 1_000_000;
/// Who come, at each size.
const VISITORS: usize = 500;
/// Requests with a session of a certain size.
const LARGE: usize = 60;
/// Inserts at once, while a store is filled.
const AT_ONCE: usize = 128;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where sessions live, as for `connect`; it is filled
    #[arg(long, value_name = "URL")]
    store: String,
    /// How many sessions there are in the end
    #[arg(long, default_value_t = 5_000_000)]
    up_to: usize,
}

pub(crate) async fn run(args: &Args) -> Outcome {
    let (url, up_to) = (args.store.as_str(), args.up_to);
    let Backend::Server(store) = session_backends::connect(url).await? else {
        return Err("sessions in cookies are not stored".into());
    };
    let files = url.strip_prefix("file:");
    let most = if files.is_some() { up_to.min(MOST_FILES) } else { up_to };
    if most < up_to {
        println!("files: {most} at most, as each takes a block of the disk");
    }
    let filler = match files {
        Some(path) => AnyStore::new(FileStore::open(path)?.with_durability(Durability::Fast)),
        None => store.clone(),
    };
    let sessions = Sessions::new(store.clone(), Settings::default().with_max_bytes(4 << 20))?;
    let by_count = by_count(&sessions, &store, &filler, url, most).await?;
    let by_size = by_size(&sessions).await?;
    if by_count > SLOWER {
        return Err(format!("a request takes {by_count:.1} times as long among the most sessions").into());
    }
    if by_size > UNEVEN {
        return Err(format!("time grows {by_size:.1} times as fast as sessions do").into());
    }
    Ok(())
}

/// The series, and how much longer the last takes than the first.
async fn by_count(
    sessions: &Sessions,
    store: &AnyStore,
    filler: &AnyStore,
    url: &str,
    most: usize,
) -> Result<f64, Box<dyn std::error::Error>> {
    println!("sessions   read: median, 99%       write: median, 99%      filled in");
    let mut there = 0;
    let mut medians = Vec::new();
    for count in COUNTS.into_iter().filter(|count| *count <= most) {
        let visitors = arrive(sessions, VISITORS, 100).await?;
        let record = stored(store, &visitors[0]).await?;
        there += VISITORS;
        let began = Instant::now();
        fill(url, filler, &record, count - there).await?;
        there = count;
        let filled = began.elapsed();
        let (reads, writes) = measure(visitors).await?;
        println!("{count:8}   {}   {}   {filled:>8.1?}", reads.show(), writes.show());
        medians.push((reads.median, writes.median));
    }
    let (Some(first), Some(last)) = (medians.first(), medians.last()) else {
        return Err("too few sessions to compare".into());
    };
    let (reads, writes) = (ratio(last.0, first.0), ratio(last.1, first.1));
    println!("the last against the first: read {reads:.2} times, write {writes:.2} times");
    Ok(reads.max(writes))
}

/// The series, and the most by which a step of it is above linear.
async fn by_size(sessions: &Sessions) -> Result<f64, Box<dyn std::error::Error>> {
    println!("characters read: median, 99%       write: median, 99%");
    let mut before: Option<(Duration, Duration)> = None;
    let mut steepest = 0.0_f64;
    for size in SIZES {
        let (reads, writes) = measure(arrive(sessions, LARGE, size).await?).await?;
        println!("{size:8}   {}   {}", reads.show(), writes.show());
        if let Some((read, write)) = before {
            // Each is ten times the one before.
            steepest = steepest.max(ratio(reads.median, read) / 10.0).max(ratio(writes.median, write) / 10.0);
        }
        before = Some((reads.median, writes.median));
    }
    println!("the steepest step: {steepest:.2} of linear");
    Ok(steepest)
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
async fn measure(mut visitors: Vec<Visitor>) -> session_core::Result<(Times, Times)> {
    let (mut reads, mut writes) = (Vec::new(), Vec::new());
    for (n, visitor) in visitors.iter_mut().enumerate() {
        let began = Instant::now();
        let there: Option<String> = visitor.visit(200, async |session| session.get("text")).await?;
        let read = began.elapsed();
        assert!(there.is_some(), "a visitor's session has gone");
        let began = Instant::now();
        visitor.visit(200, async |session| session.insert("n", n)).await?;
        if n > 0 {
            reads.push(read);
            writes.push(began.elapsed());
        }
    }
    Ok((Times::of(reads), Times::of(writes)))
}

struct Times {
    median: Duration,
    rare: Duration,
}

impl Times {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let at = |hundredths: usize| times.get(times.len() * hundredths / 100).copied().unwrap_or_default();
        Self { median: at(50), rare: at(99) }
    }

    fn show(&self) -> String {
        format!("{:>6} µs, {:>7} µs", self.median.as_micros(), self.rare.as_micros())
    }
}

fn ratio(last: Duration, first: Duration) -> f64 {
    last.as_secs_f64() / first.as_secs_f64().max(f64::MIN_POSITIVE)
}

/// A visitor's session as it is stored: others are made like it.
async fn stored(store: &AnyStore, visitor: &Visitor) -> Result<Record, Box<dyn std::error::Error>> {
    // A cookie's first half is the key.
    let key = visitor.cookie().and_then(|cookie| cookie.get(..25)).ok_or("a visitor has a cookie")?;
    Ok(store.load(&key.parse()?, SystemClock.now()).await?.ok_or("a visitor's session has gone")?)
}

/// Adds so many sessions, which expire within a fortnight.
async fn fill(url: &str, store: &AnyStore, like: &Record, count: usize) -> Outcome {
    let (data, details) = (hex(&like.data), hex(&like.details.encode()));
    let secret = hex(like.secret.as_ref().map_or(&[], |secret| secret.as_bytes()));
    let columns =
        "session_key, seq, nonce, created_at, last_active, expires_at, account, secret, details, data";
    let now = session_core::Time::from(SystemTime::now()).as_millis();
    let values = format!("1, n, {now}, {now}, {now} + 100000000 + n * 7919 % 1000000000, NULL");
    if url.starts_with("sqlite:") {
        let mut database = SqliteConnection::connect(url).await?;
        let sql = format!(
            "WITH RECURSIVE rows(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM rows WHERE n < {count})
            INSERT INTO sessions ({columns})
            SELECT lower(hex(randomblob(12))), {values}, x'{secret}', x'{details}', x'{data}' FROM rows;
            PRAGMA wal_checkpoint(TRUNCATE)"
        );
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut database).await?;
    } else if url.starts_with("postgres") {
        let mut database = PgConnection::connect(url).await?;
        let insert = format!(
            r"INSERT INTO sessions ({columns})
            SELECT md5(random()::text || n), {values}, '\x{secret}'::bytea, '\x{details}'::bytea, '\x{data}'::bytea
            FROM generate_series(1::bigint, {count}) AS n"
        );
        // Each alone: what is behind it then is not measured.
        for sql in [insert.as_str(), "VACUUM ANALYZE sessions", "CHECKPOINT"] {
            sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut database).await?;
        }
    } else {
        let inserts = stream::iter(0..count).map(|_| async move {
            let key = RecordKey::random()?;
            // Nobody else has that key.
            let _ = store.insert(&key, like, SystemClock.now()).await.map_err(session_core::Error::from)?;
            Ok::<(), session_core::Error>(())
        });
        inserts.buffer_unordered(AT_ONCE).try_collect::<()>().await?;
        if url.starts_with("file:") {
            // They were written without waiting for the disk, and the next write that waits would wait for them too.
            std::process::Command::new("sync").status()?;
        }
    }
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
