//! Many writers of one SQLite file: a store's one connection that commits them together, beside a plain pool of sqlx.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use session_backends::sqlx::{SqliteStore, TableName};
use session_core::store::{Inserted, Replaced, SessionStore as _};
use session_core::testing::store::sample;
use session_core::{AnyStore, Backend, Record, RecordKey, Time, Version};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{AssertSqlSafe, SqlSafeStr as _};

use crate::stores::Stores;
use crate::table::{Out, Page, Table, number};
use crate::{Outcome, bounds};

const WRITERS: usize = 32;

/// As many as a site gives a file.
const POOL: u32 = 4;

/// The bytes of what an application keeps in a session.
const DATA: usize = 150;

/// How long each side writes in a round: by turns, so that what else the machine does meets both.
const ROUND: Duration = Duration::from_secs(2);

const NOW: Time = Time::from_millis(1_700_000_000_000);

/// What SQLite waits for.
const MODES: [(SqliteSynchronous, &str); 2] =
    [(SqliteSynchronous::Normal, "normal"), (SqliteSynchronous::Full, "full")];

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    stores: Stores,
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    #[command(flatten)]
    out: Out,
}

pub(crate) async fn run(args: &Args) -> Outcome {
    let folder = args.stores.folder()?;
    let path = folder.path().join("sessions.db");
    let mut page = Page::default();
    let title = format!("{WRITERS} writers, writes per second");
    let mut table = Table::new([&*title, "ours", &format!("a pool of {POOL}"), "ours / the pool"]);
    for (synchronous, word) in MODES {
        eprintln!("  synchronous = {word}");
        let ours = ours(&format!("sqlite:{}?synchronous={word}", path.display())).await?;
        let plain = plain(path.with_extension("plain"), synchronous).await?;
        let (mut of_ours, mut of_plain) = (Vec::new(), Vec::new());
        for _ in 0..args.rounds {
            of_plain.push(writes_per_second(|n, stop, count| upserts(plain.clone(), n, stop, count)).await?);
            of_ours.push(writes_per_second(|n, stop, count| saves(ours.clone(), n, stop, count)).await?);
        }
        let (ours, plain) = (median(of_ours), median(of_plain));
        let ratio =
            page.at_least(format!("synchronous = {word}"), ours / plain, bounds::group_commit(word), 1);
        table.row([format!("`synchronous = {word}`"), number(ours, 0), number(plain, 0), ratio]);
    }
    page.table(&table);
    page.finish("writers", &args.out)
}

type Written = Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// How many writes there are when all writers write for a round.
async fn writes_per_second<W>(
    writer: impl Fn(usize, Arc<AtomicBool>, Arc<AtomicU64>) -> W,
) -> Result<f64, Box<dyn std::error::Error>>
where
    W: Future<Output = Written> + Send + 'static,
{
    let (stop, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let began = Instant::now();
    let writers: Vec<_> =
        (0..WRITERS).map(|n| tokio::spawn(writer(n, Arc::clone(&stop), Arc::clone(&count)))).collect();
    tokio::time::sleep(ROUND).await;
    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    let rate = count.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64();
    stop.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await?.map_err(|error| error.to_string())?;
    }
    Ok(rate)
}

async fn ours(url: &str) -> Result<AnyStore, Box<dyn std::error::Error>> {
    match session_backends::connect(url).await? {
        Backend::Server(store) => Ok(store),
        Backend::Client(_) => Err("a session in its cookie is not written".into()),
    }
}

/// Makes a session, and saves it again and again.
async fn saves(store: AnyStore, _: usize, stop: Arc<AtomicBool>, count: Arc<AtomicU64>) -> Written {
    let key = RecordKey::random()?;
    let mut was = Record { data: vec![b'x'; DATA].into(), ..sample(&store, NOW) };
    if store.insert(&key, &was, NOW).await? != Inserted::Done {
        return Err("a new key is taken".into());
    }
    while !stop.load(Ordering::Relaxed) {
        let record = Record { version: Version { seq: was.version.seq + 1, nonce: 7 }, ..was.clone() };
        if store.replace(&key, &key, &record, &was, NOW).await? != Replaced::Done {
            return Err("somebody else has written".into());
        }
        was = record;
        count.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

/// The same file with the same settings, as a program opens it that uses sqlx as its manual shows.
async fn plain(path: PathBuf, synchronous: SqliteSynchronous) -> sqlx::Result<SqlitePool> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(synchronous)
        .busy_timeout(Duration::from_secs(30));
    let pool = SqlitePoolOptions::new().max_connections(POOL).acquire_timeout(Duration::from_secs(60));
    let pool = pool.connect_with(options).await?;
    let schema = SqliteStore::schema(&TableName::default());
    sqlx::raw_sql(AssertSqlSafe(schema)).execute(&pool).await?;
    Ok(pool)
}

/// The same row, written as other libraries do at each save.
async fn upserts(pool: SqlitePool, writer: usize, stop: Arc<AtomicBool>, count: Arc<AtomicU64>) -> Written {
    let columns = ["seq", "nonce", "created_at", "last_active", "expires_at", "secret", "details", "data"];
    let set: Vec<_> = columns.iter().map(|name| format!("{name} = excluded.{name}")).collect();
    let upsert = format!(
        "INSERT INTO sessions (session_key, {}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (session_key) DO UPDATE SET {}",
        columns.join(", "),
        set.join(", ")
    );
    let upsert = AssertSqlSafe(upsert).into_sql_str();
    let (key, now) = (format!("session number {writer:>10}"), NOW.as_millis());
    let mut seq = 0_i64;
    while !stop.load(Ordering::Relaxed) {
        seq += 1;
        let row = sqlx::query(upsert.clone()).bind(&key).bind(seq).bind(7_i64).bind(now).bind(now);
        let row = row.bind(now + 86_400_000).bind(vec![7; 32]).bind(vec![1; 8]).bind(vec![b'x'; DATA]);
        row.execute(&pool).await?;
        count.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

fn median(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    of[of.len() / 2]
}
