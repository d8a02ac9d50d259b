//! What a request costs, counted at the server. A program of its own: nobody else's commands are counted.
//!
//! Counted are the commands that clients sent, from `INFO commandstats`; those that a script runs are not a client's. A wait is
//! one command or, in a cluster, the commands that are sent together: a login's record and its index. The entry that leaves an
//! index after a logout is nobody's wait, and is counted apart.

#![expect(clippy::unwrap_used, reason = "a test fails where what it is made of fails")]

mod common;

use std::collections::BTreeMap;

use common::{connect, eventually, new_prefix, url};
use redis::aio::MultiplexedConnection;
use session_core::testing::Visitor;
use session_core::{Backend, Sessions, Settings};
use session_redis::RedisStore;

/// The commands that this crate sends. The others are those of its scripts, and of the test.
const SENT: [&str; 8] = ["get", "eval", "evalsha", "zrange", "zrem", "scan", "ping", "wait"];

/// What was sent to these servers since the last look.
struct Counter {
    servers: Vec<MultiplexedConnection>,
    before: BTreeMap<String, u64>,
}

impl Counter {
    async fn new(urls: Vec<String>) -> Self {
        let mut servers = Vec::new();
        for url in urls {
            servers.push(common::raw(&url).await);
        }
        let mut counter = Self { servers, before: BTreeMap::new() };
        counter.look().await;
        counter
    }

    async fn look(&mut self) -> BTreeMap<String, u64> {
        let mut now = BTreeMap::new();
        for server in &mut self.servers {
            let info: String = redis::cmd("INFO").arg("commandstats").query_async(server).await.unwrap();
            for line in info.lines() {
                let Some((name, figures)) = line.strip_prefix("cmdstat_").and_then(|l| l.split_once(':'))
                else {
                    continue;
                };
                let calls = figures.split(',').find_map(|figure| figure.strip_prefix("calls="));
                if SENT.contains(&name) {
                    *now.entry(name.to_owned()).or_default() += calls.unwrap().parse::<u64>().unwrap();
                }
            }
        }
        let since = now
            .iter()
            .map(|(name, calls)| (name.clone(), calls - self.before.get(name).copied().unwrap_or_default()));
        let since = since.filter(|(_, calls)| *calls > 0).collect();
        self.before = now;
        since
    }

    async fn expect(&mut self, what: &str, commands: &[(&str, u64)]) {
        let expected = commands.iter().map(|(name, calls)| ((*name).to_owned(), *calls)).collect();
        assert_eq!(self.look().await, expected, "{what}");
    }
}

async fn count(server: &str, urls: Vec<String>, of_an_account: u64) {
    let store = RedisStore::new(connect(server).await.unwrap()).with_prefix(new_prefix());
    let sessions = Sessions::new(Backend::from(store), Settings::default()).unwrap();
    // The scripts are known after their first use, on each node of a cluster: to which an account belongs is chance.
    for i in 0..30 {
        let account = format!("warm{i}");
        let mut visitor = Visitor::new(&sessions);
        visitor.visit(200, async |s| s.insert("n", 1)).await.unwrap();
        visitor.visit(200, async |s| s.login(&account).await).await.unwrap();
        visitor.visit(200, async |s| s.insert("n", 2)).await.unwrap();
        visitor.visit(200, async |s| s.logout().await).await.unwrap();
    }
    let mut counter = Counter::new(urls).await;
    eventually(async || counter.look().await.is_empty()).await;

    let mut visitor = Visitor::new(&sessions);
    visitor.visit(200, async |s| s.insert("n", 1)).await.unwrap();
    counter.expect("new: 1 wait", &[("evalsha", 1)]).await;
    let read: Option<u32> = visitor.visit(200, async |s| s.get("n")).await.unwrap();
    assert_eq!(read, Some(1));
    counter.expect("read: 1 wait", &[("get", 1)]).await;
    visitor.visit(200, async |s| s.insert("n", 2)).await.unwrap();
    counter.expect("write: 2 waits", &[("evalsha", 1), ("get", 1)]).await;
    visitor.visit(200, async |s| s.login("ada").await).await.unwrap();
    counter.expect("login: 2 waits", &[("evalsha", of_an_account), ("get", 1)]).await;
    visitor.visit(200, async |s| s.insert("n", 3)).await.unwrap();
    counter.expect("write, signed in: 2 waits", &[("evalsha", of_an_account), ("get", 1)]).await;

    visitor.visit(200, async |s| s.logout().await).await.unwrap();
    let mut sent = counter.look().await;
    let mut entries_removed = sent.remove("zrem").unwrap_or_default();
    assert_eq!(
        sent.into_iter().collect::<Vec<_>>(),
        [("evalsha".to_owned(), 1), ("get".to_owned(), 1)],
        "logout: 2"
    );
    eventually(async || {
        entries_removed += counter.look().await.remove("zrem").unwrap_or_default();
        entries_removed == 1
    })
    .await;

    let mut visitor = Visitor::new(&sessions);
    visitor.visit(200, async |s| s.insert("n", 1)).await.unwrap();
    counter.look().await;
    let lazy = visitor.begin();
    lazy.pending().flush().await.unwrap();
    assert!(lazy.finish(200).await.error.is_none());
    counter.expect("a logout that loads nothing: 1 wait", &[("evalsha", 1)]).await;

    let devices: Vec<_> = (0..5).map(|_| Visitor::new(&sessions)).collect();
    for mut device in devices {
        device.visit(200, async |s| s.login("eve").await).await.unwrap();
    }
    counter.look().await;
    assert_eq!(sessions.sessions_of("eve").await.unwrap().len(), 5);
    counter
        .expect("a list: 2 waits, the second of which reads all records", &[("get", 5), ("zrange", 1)])
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_waits_no_more_than_it_must() {
    if let Some(url) = url("redis") {
        count("redis", vec![url], 1).await;
    }
    #[cfg(feature = "cluster")]
    if let Some(url) = url("redis-cluster") {
        let host = url.split(['/', ',', '@']).find(|part| part.contains(':') && !part.starts_with("redis"));
        let mut node = common::raw(&format!("redis://{}", host.unwrap())).await;
        let nodes: String = redis::cmd("CLUSTER").arg("NODES").query_async(&mut node).await.unwrap();
        let primaries = nodes.lines().filter(|line| line.contains("master") && !line.contains("fail"));
        let urls = primaries.map(|line| {
            format!("redis://{}", line.split(' ').nth(1).unwrap().split(['@', ',']).next().unwrap())
        });
        count("redis-cluster", urls.collect(), 2).await;
    }
}
