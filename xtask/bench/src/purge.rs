//! A sweep of very many expired sessions, while requests read and write live ones.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use session_core::testing::Visitor;
use session_core::{Backend, Sessions, Settings, Sweeper};
use sqlx::{Connection as _, PgConnection, SqliteConnection};

use crate::Outcome;

/// Longer no request may wait for a sweep, on a machine of two cores that does nothing else: `docs/stores.md` says so.
const BOUND: Duration = Duration::from_secs(1);

/// Who makes requests meanwhile, one after the other.
const VISITORS: usize = 8;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// `sqlite:PATH` or `postgres://…`; the table `sessions` is filled
    #[arg(long, value_name = "URL")]
    store: String,
    /// How many are expired, and how many are live
    #[arg(long, default_value_t = 1_000_000)]
    each: u32,
    /// How many go at once
    #[arg(long, default_value_t = NonZeroU32::new(1000).unwrap_or(NonZeroU32::MIN))]
    batch: NonZeroU32,
}

pub(crate) async fn run(args: &Args) -> Outcome {
    let (url, each, batch) = (args.store.as_str(), args.each, args.batch);
    let Backend::Server(store) = session_backends::connect(url).await? else {
        return Err("sessions in cookies are never purged".into());
    };
    let began = Instant::now();
    fill(url, each).await?;
    println!("{each} expired and {each} live sessions in {:.1?}", began.elapsed());
    let sessions = Sessions::new(store, Settings::default())?;
    let waits = Waits::default();
    let calm = watch(&sessions, &waits, async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        Ok(())
    });
    calm.await?;
    println!("before:    {}", waits.take().0);
    let sweeper = Sweeper::new(&sessions).with_batch(batch).with_progress(move |swept| {
        if swept.batches.is_multiple_of(100) {
            eprintln!("  {} removed in {} batches", swept.removed, swept.batches);
        }
    });
    let began = Instant::now();
    let sweep = async {
        let swept = sweeper.sweep().await?;
        println!("swept:     {} in {} batches and {:.1?}", swept.removed, swept.batches, began.elapsed());
        if swept.removed == u64::from(each) { Ok(()) } else { Err("not as many as had expired".into()) }
    };
    watch(&sessions, &waits, sweep).await?;
    let (meanwhile, longest) = waits.take();
    println!("meanwhile: {meanwhile}");
    let left = sessions.cleanup().dry_run().run().await?.seen;
    println!("left:      {left} live sessions, with the visitors'");
    if left < u64::from(each) {
        return Err("something live has gone".into());
    }
    if longest > BOUND { Err(format!("a request has waited longer than {BOUND:?}").into()) } else { Ok(()) }
}

/// How long requests have waited.
#[derive(Clone, Debug, Default)]
struct Waits {
    count: Arc<AtomicU64>,
    total: Arc<AtomicU64>,
    longest: Arc<AtomicU64>,
}

impl Waits {
    fn note(&self, wait: Duration) {
        let micros = u64::try_from(wait.as_micros()).unwrap_or(u64::MAX);
        self.count.fetch_add(1, Ordering::Relaxed);
        self.total.fetch_add(micros, Ordering::Relaxed);
        self.longest.fetch_max(micros, Ordering::Relaxed);
    }

    /// What there was since the last time, and the longest wait.
    fn take(&self) -> (String, Duration) {
        let count = self.count.swap(0, Ordering::Relaxed);
        let mean = Duration::from_micros(self.total.swap(0, Ordering::Relaxed) / count.max(1));
        let longest = Duration::from_micros(self.longest.swap(0, Ordering::Relaxed));
        (format!("{count} requests, {mean:.2?} each, the slowest {longest:.2?}"), longest)
    }
}

/// Lets visitors come while something is done.
async fn watch(sessions: &Sessions, waits: &Waits, done: impl Future<Output = Outcome>) -> Outcome {
    let stop = Arc::new(AtomicBool::new(false));
    let visitors: Vec<_> = (0..VISITORS)
        .map(|_| {
            let (mut visitor, waits, stop) = (Visitor::new(sessions), waits.clone(), Arc::clone(&stop));
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let began = Instant::now();
                    let visit = visitor.visit(200, async |s| s.update("n", |n: &mut u32| *n += 1));
                    visit.await.expect("a visit");
                    waits.note(began.elapsed());
                }
            })
        })
        .collect();
    let outcome = done.await;
    stop.store(true, Ordering::Relaxed);
    for visitor in visitors {
        visitor.await?;
    }
    outcome
}

/// Half of the rows expired a day ago, the others last for a year.
async fn fill(url: &str, each: u32) -> Outcome {
    let values = "1, n, 0, 0, CASE WHEN n % 2 = 0 THEN NOW - 86400000 ELSE NOW + 31536000000 END, NULL, NULL, DETAILS, DATA";
    let columns =
        "session_key, seq, nonce, created_at, last_active, expires_at, account, secret, details, data";
    let rows = u64::from(each) * 2;
    if url.starts_with("sqlite:") {
        let mut database = SqliteConnection::connect(url).await?;
        let values = values
            .replace("NOW", "(unixepoch() * 1000)")
            .replace("DETAILS", "x'0100000000000000'")
            .replace("DATA", "x'7b7d'");
        let sql = format!(
            "DELETE FROM sessions; WITH RECURSIVE rows(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM rows WHERE n < {rows})
            INSERT INTO sessions ({columns}) SELECT 'key' || substr('0000000000' || n, -10) || lower(hex(randomblob(6))), {values} FROM rows"
        );
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut database).await?;
    } else {
        let mut database = PgConnection::connect(url).await?;
        let values = values
            .replace("NOW", "(extract(epoch FROM now()) * 1000)::bigint")
            .replace("DETAILS", r"'\x0100000000000000'::bytea")
            .replace("DATA", r"'\x7b7d'::bytea");
        let sql = format!(
            "TRUNCATE sessions; INSERT INTO sessions ({columns}) SELECT md5(n::text), {values} FROM generate_series(1, {rows}) AS n; ANALYZE sessions"
        );
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut database).await?;
    }
    Ok(())
}
