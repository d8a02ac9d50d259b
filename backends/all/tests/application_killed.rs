//! An application that is killed while 64 clients use its sessions: what it acknowledged before is there, and what it ended is gone.
//!
//! The program plays both sides. It starts itself again as the application, which says what is begun and what is answered, and
//! kills it at a random moment.

#![expect(clippy::unwrap_used, reason = "the program fails where what it is made of fails")]

use std::any::Any;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use session_core::Sessions;
use session_core::testing::history::History;
use session_core::testing::traffic::{Left, Traffic};
use session_core::testing::{Tally, is_without, rounds};
use test_services::{MariaDb, Postgres, Redis, StartError};

/// How often each application is killed.
const ROUNDS: u32 = 3;

/// Before the URL, and before what the names of its sessions begin with, in the arguments of the application.
const URL: &str = "--url";
const PREFIX: &str = "--prefix";

#[tokio::main]
async fn main() {
    if let (Some(url), Some(prefix)) = (argument(URL), argument(PREFIX)) {
        return be_the_application(&url, &prefix).await;
    }
    for Server { store, program, start } in SERVERS {
        if !is_without(program) {
            let (url, server) = start().unwrap();
            judge(store, &url).await;
            drop(server);
        }
    }
}

type Running = Result<(String, Box<dyn Any>), StartError>;

struct Server {
    store: &'static str,
    program: &'static str,
    start: fn() -> Running,
}

const SERVERS: [Server; 3] = [
    Server {
        store: "postgres",
        program: "postgres-program",
        start: || Postgres::start().map(|server| (server.url(), boxed(server))),
    },
    Server {
        store: "mysql",
        program: "mysql-program",
        start: || MariaDb::start().map(|server| (server.url(), boxed(server))),
    },
    Server {
        store: "redis",
        program: "redis-program",
        start: || Redis::start().map(|server| (server.url(), boxed(server))),
    },
];

fn boxed(server: impl Any) -> Box<dyn Any> {
    Box::new(server)
}

fn argument(name: &str) -> Option<String> {
    std::env::args().skip_while(|argument| argument != name).nth(1)
}

async fn sessions(url: &str) -> Sessions {
    session_backends::connect(url).await.unwrap().into()
}

async fn be_the_application(url: &str, prefix: &str) {
    let history = History::telling(|line| println!("{line}"));
    let _traffic = Traffic::start(&sessions(url).await, &history, prefix);
    std::future::pending::<()>().await;
}

async fn judge(store: &'static str, url: &str) {
    let history = History::new();
    let kills = rounds(ROUNDS).into();
    for round in 0..kills {
        kill_one(url, &format!("round {round},"), &history);
    }
    let requests = history.len() as u64;
    let left = Left::find(&sessions(url).await, &history).await;
    let disorder = history.check().err();
    let tally = Tally {
        store,
        fault: "the application is killed",
        faults: kills,
        requests,
        acknowledged: history.acknowledged() as u64,
        lost: u64::from(disorder.is_some()),
        leaked: left.leaked,
        ..Tally::default()
    };
    tally.tell();
    if let Some(disorder) = disorder {
        panic!("{disorder}");
    }
    assert_eq!(left.leaked, 0);
    assert!(!left.sessions.is_empty());
}

/// Lets one application work for a while, and hears what it says until it is dead.
fn kill_one(url: &str, prefix: &str, history: &History) {
    let mut application = Command::new(std::env::current_exe().unwrap())
        .args([URL, url, PREFIX, prefix])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(application.stdout.take().unwrap());
    let mut hear = || {
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        // The last may be broken off: then nobody was told.
        line.strip_suffix('\n').map(|line| assert!(history.hear(line), "{line}"))
    };
    hear().expect("the application works");
    let (began, life) = (Instant::now(), Duration::from_millis(fastrand::u64(200..2_000)));
    while began.elapsed() < life {
        hear().expect("the application goes on until it is killed");
    }
    application.kill().unwrap();
    while hear().is_some() {}
    application.wait().unwrap();
}
