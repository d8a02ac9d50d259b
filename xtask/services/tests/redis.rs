//! Redis in its three forms starts, answers, fails over, and stops.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use test_services::{Redis, RedisCluster, RedisSentinel, Role, is_without};

#[test]
fn one_server() {
    if is_without("redis-program") {
        return;
    }
    let mut server = Redis::start().expect("Redis");
    let url = server.url();
    let address = url.strip_prefix("redis://").expect("a URL of Redis").parse().expect("an address");
    assert_eq!(ask(address, "SET k v").as_deref(), Some("+OK"));
    server.kill();
    assert_eq!(ask(address, "PING"), None, "a killed server answers nobody");
    server.restart().expect("Redis again");
    assert_eq!(server.url(), url);
    assert_eq!(ask(address, "GET k").as_deref(), Some("$-1"), "it comes back empty");
    drop(server);
    assert_eq!(ask(address, "PING"), None);
}

#[test]
fn a_killed_primary_of_a_cluster_is_replaced() {
    if is_without("redis-program") {
        return;
    }
    let mut cluster = RedisCluster::start().expect("a cluster");
    let nodes = cluster.nodes();
    let count = |role| nodes.iter().filter(|node| node.role == Some(role)).count();
    assert_eq!((count(Role::Primary), count(Role::Replica)), (3, 3));
    for key in ["a", "b", "c", "d"] {
        let primary = cluster.primary_of(key).expect("a primary");
        assert_eq!(ask(primary, &format!("SET {key} v")).as_deref(), Some("+OK"));
        assert_eq!(ask_in_one(primary, &[&format!("SET {key} w"), "WAIT 1 5000"]).as_deref(), Some(":1"));
    }
    let old = cluster.kill_primary_of("a").expect("a primary");
    assert_eq!(cluster.processes().len(), 5);
    assert!(!cluster.kill(old), "it is dead");
    let new = until(|| cluster.primary_of("a").filter(|primary| *primary != old));
    until(|| ask(new, "SET a x").filter(|answer| answer == "+OK"));
    cluster.restart().expect("the cluster is whole again");
    assert_eq!(cluster.primary_of("a"), Some(new));
    let back = cluster.nodes().into_iter().find(|node| node.address == old).expect("the old one");
    assert_eq!(back.role, Some(Role::Replica));
    let addresses: Vec<_> = nodes.iter().map(|node| node.address.to_string()).collect();
    assert_eq!(cluster.url(), format!("redis+cluster://{}", addresses.join(",")));
    drop(cluster);
    assert!(nodes.iter().all(|node| ask(node.address, "PING").is_none()));
}

#[test]
fn sentinels_replace_a_killed_primary() {
    if is_without("redis-program") {
        return;
    }
    let mut sentinel = RedisSentinel::start().expect("sentinels");
    let nodes = sentinel.nodes();
    let roles: Vec<_> = nodes.iter().filter_map(|node| node.role).collect();
    assert_eq!(roles, [Role::Primary, Role::Replica, Role::Sentinel, Role::Sentinel, Role::Sentinel]);
    let old = sentinel.primary().expect("a primary");
    assert_eq!(ask_in_one(old, &["SET k v", "WAIT 1 5000"]).as_deref(), Some(":1"));
    assert_eq!(sentinel.kill_primary(), Some(old));
    let new = until(|| sentinel.primary().filter(|primary| *primary != old));
    until(|| ask(new, "SET other v").filter(|answer| answer == "+OK"));
    assert_eq!(ask(new, "STRLEN k").as_deref(), Some(":1"), "what was acknowledged is there");
    sentinel.restart().expect("all are there again");
    assert_eq!(sentinel.primary(), Some(new));
    assert_eq!(ask_in_one(new, &["SET k w", "WAIT 1 5000"]).as_deref(), Some(":1"));
    let addresses: Vec<_> = nodes[2..].iter().map(|node| node.address.to_string()).collect();
    assert_eq!(sentinel.url(), format!("redis+sentinel://{}/primary", addresses.join(",")));
    drop(sentinel);
    assert!(nodes.iter().all(|node| ask(node.address, "PING").is_none()));
}

/// The first line of the answer to one command; none where nobody answers.
fn ask(address: SocketAddr, command: &str) -> Option<String> {
    ask_in_one(address, &[command])
}

/// The first line of the answer to the last of these commands, all on one connection; the others answer one line.
fn ask_in_one(address: SocketAddr, commands: &[&str]) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.write_all(format!("{}\r\n", commands.join("\r\n")).as_bytes()).ok()?;
    BufReader::new(stream).lines().nth(commands.len() - 1)?.ok()
}

/// Waits for something: a failover takes as long as it takes, which on a busy machine has been more than a minute.
fn until<T>(mut ask: impl FnMut() -> Option<T>) -> T {
    const LIMIT: Duration = Duration::from_secs(300);
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(start.elapsed() < LIMIT, "nothing happens");
        std::thread::sleep(Duration::from_millis(20));
    }
}
