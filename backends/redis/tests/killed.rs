//! The primary is killed with `kill -9` while whole sessions are used: what was acknowledged is there afterwards, what failed was
//! 503, and no cookie was cleared. On servers of its own, which it kills.
//!
//! For the last moments before, its replicas do not follow it. So there is something to lose, every time: who acknowledges what only
//! the primary has is found out.

#![cfg(any(feature = "cluster", feature = "sentinel"))]
#![expect(clippy::unwrap_used, reason = "a test fails where what it is made of fails")]

mod common;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use session_core::testing::{Visit, Visitor, is_without, rounds};
use session_core::{AnyStore, Backend, Error, RecordKey, Sessions};
use session_redis::RedisStore;
use test_services::{Node, Role};

/// Browsers that are busy at once.
const LANES: usize = 8;
/// Visits of one session, from its login to its logout.
const VISITS: u32 = 12;
/// For how long a write waits for the replica.
const PATIENCE: Duration = Duration::from_millis(100);
/// For how long the replicas do not follow before a kill: several writes.
const CUT_OFF: Duration = Duration::from_millis(1_500);
/// The longest that anybody may wait for an answer, a 503 too.
const SLOWEST: Duration = Duration::from_secs(6);
/// The longest time from a kill until all is well again; the servers themselves take three seconds to notice it.
const RECOVERY: Duration = Duration::from_secs(45);
/// How many visits must succeed before each kill, and after it.
const ENOUGH: u64 = 300;

/// What a browser knows of one of its sessions.
struct Told {
    visitor: Visitor,
    account: String,
    handle: RecordKey,
    /// The visits that were answered with success, each of which wrote a value of its own and one to the counter.
    visits: BTreeSet<u32>,
    /// How often the counter may have been written.
    tries: u32,
    end: End,
}

/// How a session ended, as its browser was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    No,
    /// A logout that failed: nobody knows.
    Perhaps,
    Yes,
}

/// Browsers, and what they have seen.
#[derive(Clone)]
struct Load {
    sessions: Sessions,
    told: Arc<Mutex<Vec<Told>>>,
    succeeded: Arc<AtomicU64>,
    failed: Arc<AtomicU64>,
    slowest: Arc<Mutex<Duration>>,
    /// Everybody logs out now.
    leave: Arc<AtomicBool>,
    stop: Arc<AtomicBool>,
}

impl Load {
    async fn on(url: &str) -> Self {
        let store = RedisStore::connect(url).await.unwrap().with_replicas(1.try_into().unwrap(), PATIENCE);
        Self {
            sessions: sessions(store),
            told: Arc::default(),
            succeeded: Arc::default(),
            failed: Arc::default(),
            slowest: Arc::default(),
            leave: Arc::default(),
            stop: Arc::default(),
        }
    }

    /// One session after the other, each to its end.
    async fn browse(self, lane: usize) {
        for number in 0_u32.. {
            if self.stop.load(Ordering::SeqCst) {
                return;
            }
            let account = format!("account {lane}");
            if let Some(told) = self.one_session(account, number).await {
                self.told.lock().unwrap().push(told);
            }
        }
    }

    async fn one_session(&self, account: String, number: u32) -> Option<Told> {
        let mut visitor = Visitor::new(&self.sessions);
        let login = self.visit(&mut visitor, async |request| {
            let s = request.session().await?;
            s.insert("visits", 0)?;
            s.login(account.as_str()).await
        });
        login.await?;
        let handle = visitor.cookie().unwrap().split_at(25).0.parse().unwrap();
        let mut told = Told { visitor, account, handle, visits: BTreeSet::new(), tries: 0, end: End::No };
        let is = |flag: &AtomicBool| flag.load(Ordering::SeqCst);
        while told.tries < VISITS && !is(&self.stop) && !is(&self.leave) {
            told.tries += 1;
            let visit = told.tries;
            let done = self.visit(&mut told.visitor, async |request| {
                let s = request.session().await?;
                assert_eq!(
                    s.account(),
                    Some(told.account.clone()),
                    "an outage shows nobody an empty session"
                );
                s.insert(format!("visit {visit}").as_str(), visit)?;
                s.update("visits", |n: &mut u32| *n += 1)
            });
            if done.await.is_some() {
                told.visits.insert(visit);
            }
        }
        if number.is_multiple_of(3) || is(&self.leave) {
            let mut leaving = told.visitor.clone();
            // Who sees an error tries again; the first try may have done its work all the same.
            for _ in 0..2 {
                let ended =
                    self.visit(&mut leaving, async |request| request.session().await?.flush().await).await;
                told.end = ended.map_or(End::Perhaps, |()| End::Yes);
                assert_eq!(leaving.cookie().is_none(), told.end == End::Yes, "only a logout clears it");
                if told.end == End::Yes {
                    break;
                }
            }
        }
        Some(told)
    }

    /// One request. Where it fails it is a 503 without a cookie, and soon; where it succeeds the browser has the session's cookie.
    async fn visit(
        &self,
        visitor: &mut Visitor,
        handler: impl AsyncFnOnce(&Visit) -> Result<(), Error>,
    ) -> Option<()> {
        // Bounded: people pause, too.
        tokio::time::sleep(Duration::from_millis(3)).await;
        let began = Instant::now();
        let visit = visitor.begin();
        let answer = handler(&visit).await;
        let finished = visit.finish(answer.as_ref().map_or_else(Error::status, |()| 200)).await;
        let took = began.elapsed();
        let slowest = self.slowest.lock().unwrap().max(took);
        *self.slowest.lock().unwrap() = slowest;
        let error = answer.as_ref().err().or(finished.error.as_ref());
        if let Some(error) = error {
            assert_eq!(error.status(), 503, "{error}: {error:?}");
            assert_eq!(finished.headers.set_cookie(), None, "a failure leaves the browser's cookie alone");
            self.failed.fetch_add(1, Ordering::SeqCst);
            return None;
        }
        visitor.receive(&finished);
        self.succeeded.fetch_add(1, Ordering::SeqCst);
        Some(())
    }

    /// Waits until this many more visits have succeeded.
    async fn more(&self, visits: u64, within: Duration) {
        let (began, before) = (Instant::now(), self.succeeded.load(Ordering::SeqCst));
        while self.succeeded.load(Ordering::SeqCst) < before + visits {
            assert!(began.elapsed() < within, "no {visits} visits succeeded within {within:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// What was acknowledged is there, and nothing else but what failed midway; as another process sees it.
    async fn check(&self, url: &str) {
        let others = sessions(RedisStore::connect(url).await.unwrap());
        let all = std::mem::take(&mut *self.told.lock().unwrap());
        let (mut writes, mut ends) = (0, 0);
        let mut listed = BTreeSet::new();
        for lane in 0..LANES {
            let hers = others.sessions_of(&format!("account {lane}")).await.unwrap();
            listed.extend(hers.into_iter().map(|info| info.handle));
        }
        for told in &all {
            let session = others.open(&told.handle).await.unwrap();
            match told.end {
                End::Yes => {
                    assert!(session.is_none(), "a session that was ended is back");
                    assert!(!listed.contains(&told.handle), "a session that was ended is listed again");
                    ends += 1;
                    continue;
                }
                End::Perhaps if session.is_none() => continue,
                End::Perhaps | End::No => {}
            }
            let session = session.expect("a session that was acknowledged is lost");
            assert_eq!(session.account().as_ref(), Some(&told.account));
            assert!(listed.contains(&told.handle), "a session that was acknowledged is not listed");
            for visit in &told.visits {
                let value = session.get::<u32>(format!("visit {visit}").as_str()).unwrap();
                assert_eq!(value, Some(*visit), "a write that was acknowledged is lost");
            }
            let counted = session.get::<u32>("visits").unwrap().unwrap();
            let acknowledged = u32::try_from(told.visits.len()).unwrap();
            assert!((acknowledged..=told.tries).contains(&counted), "{counted} of {:?}", told.visits);
            assert_eq!(
                session.len(),
                usize::try_from(counted).unwrap() + 1,
                "each was done once or not at all"
            );
            writes += acknowledged;
        }
        let failed = self.failed.load(Ordering::SeqCst);
        let slowest = *self.slowest.lock().unwrap();
        println!(
            "{} sessions: {writes} acknowledged writes and {ends} logouts are there; {failed} requests got 503; the slowest answer took {slowest:?}",
            all.len()
        );
        assert!(failed > 0, "nobody noticed that the primary was killed");
        assert!(slowest < SLOWEST, "{slowest:?}");
    }
}

fn sessions(store: RedisStore) -> Sessions {
    Sessions::from(Backend::Server(AnyStore::new(store)))
}

/// Servers of which one can be killed.
trait Servers {
    fn url(&self) -> String;
    fn nodes(&self) -> Vec<Node>;
    fn primary(&self) -> Option<SocketAddr>;
    fn kill_primary(&mut self) -> Option<SocketAddr>;
    fn restart(&mut self);
}

/// Kills as often as this run wants to.
async fn survives(mut servers: impl Servers) {
    let url = &servers.url();
    let load = Load::on(url).await;
    let browsers: Vec<_> = (0..LANES).map(|lane| tokio::spawn(load.clone().browse(lane))).collect();
    for round in 1..=rounds(1) {
        load.more(ENOUGH, RECOVERY).await;
        cut_off(&servers).await;
        // Everybody who is there logs out, as the first thing that no replica hears of; then there are writes of all kinds.
        load.leave.store(true, Ordering::SeqCst);
        tokio::time::sleep(CUT_OFF / 2).await;
        load.leave.store(false, Ordering::SeqCst);
        tokio::time::sleep(CUT_OFF / 2).await;
        let began = Instant::now();
        let old = servers.kill_primary().unwrap();
        mend(&servers).await;
        while servers.primary().is_none_or(|primary| primary == old) {
            assert!(began.elapsed() < RECOVERY, "nobody took the place of the killed primary");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let replaced = began.elapsed();
        // As the replica of the new one: without it no write would be acknowledged. It waits for processes.
        tokio::task::block_in_place(|| servers.restart());
        load.more(ENOUGH, RECOVERY).await;
        let well = began.elapsed();
        println!(
            "round {round}: killed; another primary after {replaced:?}, {ENOUGH} more visits after {well:?}"
        );
        assert!(well < RECOVERY);
    }
    load.stop.store(true, Ordering::SeqCst);
    for browser in browsers {
        browser.await.unwrap();
    }
    load.check(url).await;
}

/// Lets no replica follow its primary any more: what is written from now on only the primary has.
async fn cut_off(servers: &impl Servers) {
    for mut replica in replicas(servers).await {
        // The primary wants no password, and refuses a client that brings one.
        set_password(&mut replica, "not wanted").await;
        let mut hang_up = redis::cmd("CLIENT");
        hang_up.arg("KILL").arg("TYPE").arg("master").query_async::<()>(&mut replica).await.unwrap();
    }
}

/// Lets them follow again.
async fn mend(servers: &impl Servers) {
    for mut replica in replicas(servers).await {
        set_password(&mut replica, "").await;
    }
}

async fn set_password(replica: &mut MultiplexedConnection, password: &str) {
    let mut set = redis::cmd("CONFIG");
    set.arg("SET").arg("masterauth").arg(password).query_async::<()>(replica).await.unwrap();
}

async fn replicas(servers: &impl Servers) -> Vec<MultiplexedConnection> {
    let mut replicas = Vec::new();
    for node in servers.nodes().into_iter().filter(|node| node.role == Some(Role::Replica)) {
        replicas.push(common::raw(&format!("redis://{}", node.address)).await);
    }
    replicas
}

#[cfg(feature = "sentinel")]
impl Servers for test_services::RedisSentinel {
    fn url(&self) -> String {
        self.url()
    }
    fn nodes(&self) -> Vec<Node> {
        self.nodes()
    }
    fn primary(&self) -> Option<SocketAddr> {
        self.primary()
    }
    fn kill_primary(&mut self) -> Option<SocketAddr> {
        self.kill_primary()
    }
    fn restart(&mut self) {
        self.restart().unwrap();
    }
}

/// The primary of one third of the keys.
#[cfg(feature = "cluster")]
impl Servers for test_services::RedisCluster {
    fn url(&self) -> String {
        self.url()
    }
    fn nodes(&self) -> Vec<Node> {
        self.nodes()
    }
    fn primary(&self) -> Option<SocketAddr> {
        self.primary_of("any")
    }
    fn kill_primary(&mut self) -> Option<SocketAddr> {
        self.kill_primary_of("any")
    }
    fn restart(&mut self) {
        self.restart().unwrap();
    }
}

#[cfg(feature = "sentinel")]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sentinels_replace_a_killed_primary_and_nothing_is_lost() {
    if !is_without("redis-program") {
        survives(test_services::RedisSentinel::start().unwrap()).await;
    }
}

#[cfg(feature = "cluster")]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_cluster_replaces_a_killed_primary_and_nothing_is_lost() {
    if !is_without("redis-program") {
        survives(test_services::RedisCluster::start().unwrap()).await;
    }
}
