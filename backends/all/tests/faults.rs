//! 64 clients on stores whose server is behind a network on which things go wrong, or is killed: what was acknowledged is there, what
//! was ended stays so, no browser forgets its session, nobody waits longer than the timeout, and two seconds after the end of a
//! fault all is well. Each fault comes again and again, for some seconds, or for a minute in a soak.

#![expect(clippy::unwrap_used, reason = "a test fails where what it is made of fails")]

use std::time::{Duration, Instant};

use fastrand::Rng;
use session_core::testing::history::History;
use session_core::testing::traffic::{Left, RECOVERY, Seen, Traffic};
use session_core::testing::{Tally, Visitor, is_without, rounds};
use session_core::{Sessions, Settings};
use test_services::{Fault, FaultProxy, MariaDb, Postgres, Redis, StartError};
use tokio::sync::Mutex;
use tokio::task::{JoinSet, block_in_place};
use tokio::time::sleep;

/// How long a call to the store may take.
const TIMEOUT: Duration = Duration::from_secs(2);

/// How much longer a request may take: half of it, as `Settings::with_store_timeout` says, and half a second for what it does besides
/// waiting, on a busy machine.
const MARGIN: Duration = Duration::from_millis(1_500);

/// For how long each fault comes again and again, in seconds.
const SECONDS: u32 = 6;

/// The longest that a fault lasts, in milliseconds: some last longer than the timeout.
const LONGEST: u64 = 2_500;

const NETWORK: [(&str, Fault); 5] = [
    ("answers are late", Fault::Delay(Duration::from_millis(100))),
    ("connections are cut", Fault::Cut),
    ("connections are reset", Fault::Reset),
    ("connections fall silent", Fault::Blackhole),
    ("connections are refused", Fault::Refuse),
];

/// Set to a number, the faults are those of the run that said it.
const SEED: &str = "TEST_FAULT_SEED";

/// Each store has the machine for itself.
static ALONE: Mutex<()> = Mutex::const_new(());

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_lost_in_postgres() {
    if !is_without("postgres-program") {
        let _alone = ALONE.lock().await;
        survives("postgres", Postgres::start().unwrap()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_lost_in_mariadb() {
    if !is_without("mysql-program") {
        let _alone = ALONE.lock().await;
        survives("mysql", MariaDb::start().unwrap()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_lost_in_redis() {
    if !is_without("redis-program") {
        let _alone = ALONE.lock().await;
        survives("redis", Redis::start_durable().unwrap()).await;
    }
}

trait Server {
    fn url(&self) -> String;
    fn kill(&mut self);
    fn restart(&mut self) -> Result<(), StartError>;
}

async fn survives(store: &'static str, mut server: impl Server) {
    a_crowd_before_silence_is_bounded(&server.url()).await;
    let seed = std::env::var(SEED).map_or_else(|_| fastrand::u64(..), |seed| seed.parse().unwrap());
    println!("{store}: {SEED}={seed}");
    let mut random = Rng::with_seed(seed);
    for (what, fault) in NETWORK {
        let proxy = FaultProxy::start(&server.url(), random.u64(..)).unwrap();
        let trial = Trial::begin(store, what, &server.url(), proxy.url()).await;
        let faults = trial.go_on(&mut random, async |random| {
            proxy.inject(fault);
            some_time(random, LONGEST).await;
            proxy.mend();
        });
        faults.await;
        trial.end(proxy.injected()).await;
    }
    let url = server.url();
    let trial = Trial::begin(store, "the server is killed", &url, &url).await;
    let kills = trial.go_on(&mut random, async |random| {
        block_in_place(|| server.kill());
        some_time(random, 500).await;
        // It waits for the process.
        block_in_place(|| server.restart()).unwrap();
    });
    let kills = kills.await;
    trial.end(kills).await;
}

/// Far more requests at once than may wait, and nothing comes back: what is too many is refused at once, the others in time, and
/// nothing of it is left.
async fn a_crowd_before_silence_is_bounded(url: &str) {
    const CROWD: usize = 12_000;
    const MAY_WAIT: usize = 2_000;
    let proxy = FaultProxy::start(url, 1).unwrap();
    let backend = session_backends::connect(proxy.url()).await.unwrap();
    let settings = Settings::default().with_store_timeout(Some(TIMEOUT)).with_max_waiting(MAY_WAIT);
    let sessions = Sessions::new(backend, settings).unwrap();
    let mut visitor = Visitor::new(&sessions);
    visitor.visit(200, async |s| s.insert("n", 1)).await.unwrap();
    let before = memory();
    proxy.inject(Fault::Blackhole);
    let began = Instant::now();
    let crowd = (0..CROWD).map(|_| {
        let mut visitor = visitor.clone();
        async move { visitor.visit(200, async |s| s.get::<u32>("n")).await }
    });
    let crowd: JoinSet<_> = crowd.collect();
    let answers = crowd.join_all().await;
    let (took, grown) = (began.elapsed(), memory().saturating_sub(before));
    let errors = answers.iter().filter_map(|answer| answer.as_ref().err());
    let refused = errors.filter(|error| error.to_string().contains("max_waiting")).count();
    println!(
        "of {CROWD} requests {refused} were refused at once, and the last ended after {took:?}; {grown} KB more"
    );
    // But for those who were answered before, or came so late that the store was taken for dead.
    assert!(refused > (CROWD - MAY_WAIT) / 2, "{refused}");
    assert!(took < TIMEOUT + MARGIN, "{took:?}");
    assert!(grown < 100_000, "{grown} KB");
    proxy.mend();
    let mended = Instant::now();
    while visitor.clone().visit(200, async |s| s.get::<u32>("n")).await.is_err() {
        assert!(mended.elapsed() < RECOVERY);
        sleep(Duration::from_millis(10)).await;
    }
}

/// What this process has of the machine's memory, in kilobytes.
#[cfg(target_os = "linux")]
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().split(' ').next().unwrap().parse().unwrap()
}

/// Only Linux says it without a library.
#[cfg(not(target_os = "linux"))]
fn memory() -> u64 {
    0
}

/// Clients of a store with which one thing goes wrong.
struct Trial {
    store: &'static str,
    what: &'static str,
    /// By a way on which nothing goes wrong.
    directly: Sessions,
    history: History,
    traffic: Traffic,
}

impl Trial {
    async fn begin(store: &'static str, what: &'static str, url: &str, way: &str) -> Self {
        let (directly, sessions) = (open(url).await, open(way).await);
        let history = History::new();
        let traffic = Traffic::start(&sessions, &history, what);
        Self { store, what, directly, history, traffic }
    }

    /// Lets it go wrong again and again. How often it did.
    async fn go_on(&self, random: &mut Rng, mut fault: impl AsyncFnMut(&mut Rng)) -> u64 {
        let (began, mut times) = (Instant::now(), 0);
        while began.elapsed() < Duration::from_secs(rounds(SECONDS).into()) {
            some_time(random, 1_000).await;
            self.traffic.trouble();
            fault(random).await;
            self.traffic.peace();
            sleep(RECOVERY + Duration::from_millis(500)).await;
            times += 1;
        }
        times
    }

    async fn end(self, faults: u64) {
        let seen = self.traffic.stop().await;
        let left = Left::find(&self.directly, &self.history).await;
        let disorder = self.history.check().err();
        let revived = left.revived(&seen);
        let Seen { requests, failed, acknowledged, slowest, recovery, .. } = seen;
        let lost = u64::from(disorder.is_some() && revived == 0);
        let tally = Tally {
            store: self.store,
            fault: self.what,
            faults,
            requests,
            acknowledged,
            lost,
            revived,
            leaked: left.leaked,
            slowest: Some(slowest),
        };
        tally.tell();
        println!("{failed} requests failed; the first succeeded {recovery:?} after the end of a fault");
        if let Some(disorder) = disorder {
            panic!("{disorder}");
        }
        assert_eq!((revived, left.leaked), (0, 0));
        assert!(faults > 0 && acknowledged > 0);
        assert!(slowest <= TIMEOUT + MARGIN, "somebody waited {slowest:?}");
        assert!(recovery <= RECOVERY, "{recovery:?}");
    }
}

async fn open(url: &str) -> Sessions {
    let backend = session_backends::connect(url).await.unwrap();
    Sessions::new(backend, Settings::default().with_store_timeout(Some(TIMEOUT))).unwrap()
}

async fn some_time(random: &mut Rng, most: u64) {
    sleep(Duration::from_millis(random.u64(most / 8..most))).await;
}

macro_rules! servers {
    ($($server:ty),+) => {
        $(impl Server for $server {
            fn url(&self) -> String {
                self.url()
            }
            fn kill(&mut self) {
                self.kill();
            }
            fn restart(&mut self) -> Result<(), StartError> {
                self.restart()
            }
        })+
    };
}
servers!(MariaDb, Postgres, Redis);
