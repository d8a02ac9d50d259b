//! Where the process that started a server is killed, the server ends, and its folder goes.
//!
//! Each test is its own parent: it starts itself again with a variable, which makes it start the server, say where it runs, and
//! wait to be killed.
#![cfg(target_os = "linux")]

use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use test_services::{MariaDb, Postgres, Redis, RedisSentinel, StartError, is_without};

/// Set in a parent that is to be killed.
const PARENT: &str = "PARENT_OF_SERVERS";
const PROCESS: &str = "process: ";

#[test]
fn postgres_ends_with_its_parent() {
    let start = || Postgres::start().map(|server| (server.processes(), server));
    ends_with_its_parent("postgres-program", "postgres_ends_with_its_parent", start);
}

#[test]
fn mysql_ends_with_its_parent() {
    let start = || MariaDb::start().map(|server| (server.processes(), server));
    ends_with_its_parent("mysql-program", "mysql_ends_with_its_parent", start);
}

#[test]
fn redis_ends_with_its_parent() {
    let start = || Redis::start().map(|server| (server.processes(), server));
    ends_with_its_parent("redis-program", "redis_ends_with_its_parent", start);
}

#[test]
fn sentinels_end_with_their_parent() {
    let start = || RedisSentinel::start().map(|server| (server.processes(), server));
    ends_with_its_parent("redis-program", "sentinels_end_with_their_parent", start);
}

#[test]
fn a_stopped_server_leaves_no_folder() {
    if is_without("redis-program") {
        return;
    }
    let server = Redis::start().expect("Redis");
    let folder = folder_of(server.processes()[0]);
    assert!(folder.is_dir());
    drop(server);
    assert!(!folder.exists());
}

fn ends_with_its_parent<S>(
    program: &str,
    test: &str,
    start: impl FnOnce() -> Result<(Vec<u32>, S), StartError>,
) {
    if is_without(program) {
        return;
    }
    if std::env::var_os(PARENT).is_some() {
        let (processes, _server) = start().expect("a server");
        processes.iter().for_each(|process| println!("{PROCESS}{process}"));
        println!("{PROCESS}");
        // Whoever reads this kills this process; where nobody does, the pipe ends.
        let _ = io::stdin().read_line(&mut String::new());
        return;
    }
    let this = std::env::current_exe().expect("this program");
    let mut parent = Command::new(this)
        .args(["--exact", test, "--nocapture"])
        .env(PARENT, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("this program again");
    let lines = BufReader::new(parent.stdout.take().expect("a pipe")).lines().map_while(Result::ok);
    let processes: Vec<u32> = lines
        .filter_map(|line| Some(line.split_once(PROCESS)?.1.to_owned()))
        .take_while(|process| !process.is_empty())
        .map(|process| process.parse().expect("a process"))
        .collect();
    assert!(!processes.is_empty(), "the parent started none");
    let folders: Vec<_> = processes.iter().map(|process| folder_of(*process)).collect();
    assert!(folders.iter().all(|folder| folder.is_dir()));

    parent.kill().expect("it waits");
    parent.wait().expect("it is dead");
    for process in processes {
        until(&format!("process {process} ends"), || !lives(process));
    }
    for folder in folders {
        until(&format!("{} goes", folder.display()), || !folder.exists());
    }
}

/// The temporary folder of a server, in which or below which it works.
fn folder_of(process: u32) -> PathBuf {
    let works_in = Path::new("/proc").join(process.to_string()).join("cwd").read_link().expect("a folder");
    let is_ours = |folder: &&Path| {
        folder.file_name().is_some_and(|name| name.to_string_lossy().starts_with("test-services-"))
    };
    works_in.ancestors().find(is_ours).expect("a temporary folder").to_owned()
}

/// Whether a process is there and no zombie, which only waits for somebody to ask how it ended.
fn lives(process: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, state)| !state.starts_with('Z'))
}

fn until(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(30), "waited for this: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
