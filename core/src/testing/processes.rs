//! The races between two processes on one store.
//!
//! A test program of its own (`harness = false`) plays both sides: without arguments it is the judge and starts itself again as
//! two workers; with arguments it is a worker. The judge and its workers speak in lines over the workers' pipes.
//!
//! ```no_run
//! # use session_memory::MemoryStore;
//! # async fn connect() -> MemoryStore { MemoryStore::new() }
//! #[tokio::main]
//! async fn main() {
//!     session_core::testing::processes::run(async || connect().await, &[]).await;
//! }
//! ```

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use futures_util::future::join_all;

use super::model::{First, crowd_of_a_process};
use super::races::{self, Act, End, Pair, Scene};
use super::{Visit, Visitor, rounds};
use crate::any_store::AnyStore;
use crate::error::Error;
use crate::id::{RecordKey, TokenFormat};
use crate::key::Key;
use crate::sessions::Sessions;
use crate::store::{Inserted, SessionStore};

const N: Key<u32> = Key::new("n");
const WORKER: &str = "--worker";
/// Requests at once in each of the two workers.
const EACH: usize = 32;
/// In each round all races; in a soak there are more ([`rounds`]).
const ROUNDS: u32 = 2;

/// Runs every case with two worker processes, which are this program again with `arguments`; or is one of them.
///
/// # Panics
///
/// Where a case fails.
pub async fn run<S: SessionStore>(connect: impl AsyncFn() -> S, arguments: &[&str]) {
    let mut own = std::env::args().skip_while(|argument| argument != WORKER).skip(1);
    let store = AnyStore::new(connect().await);
    if let Some(number) = own.next() {
        return work(&store, &number).await;
    }
    let sessions = Sessions::from(crate::Backend::Server(store.clone()));
    // Where a copy of this process may be old by what the workers do, the truth is read by who has none.
    let is_strict = store.capabilities().max_staleness.is_zero();
    let look = if is_strict { store.clone() } else { AnyStore::new(connect().await) };
    let look = Sessions::from(crate::Backend::Server(look));
    let mut workers = [Worker::start(0, arguments), Worker::start(1, arguments)];
    let rounds = rounds(ROUNDS);
    for _ in 0..rounds {
        no_key_is_lost(&sessions, &look, &mut workers).await;
        no_increment_is_lost(&sessions, &look, &mut workers).await;
        one_insert_wins(&store, &mut workers).await;
        one_rotation_lives(&store, &sessions, &look, &mut workers).await;
        the_ended_stay_ended(&sessions, &look, &mut workers).await;
        every_pair_leaves_what_some_order_would(&store, &sessions, &look, &mut workers).await;
        if is_strict {
            what_one_process_does_the_others_see(&sessions, &mut workers).await;
            crowds_leave_what_some_order_would(&store, &mut workers).await;
        }
    }
    for worker in workers {
        worker.stop();
    }
    let cases = if is_strict { 8 } else { 6 };
    println!("{cases} passed in each of {rounds} rounds, 0 failed");
}

async fn visitor(sessions: &Sessions) -> (Visitor, String) {
    let mut visitor = Visitor::new(sessions);
    visitor.visit(200, async |s| s.insert(N, 0)).await.expect("a new session");
    let cookie = visitor.cookie().expect("a cookie").to_owned();
    (visitor, cookie)
}

/// What a browser with this cookie reads there.
async fn read(sessions: &Sessions, cookie: &str) -> Option<u32> {
    let mut visitor = Visitor::with_cookie(sessions, cookie);
    visitor.visit(200, async |s| s.get(N)).await.expect("a read")
}

async fn no_key_is_lost(sessions: &Sessions, look: &Sessions, workers: &mut [Worker; 2]) {
    let (_, cookie) = visitor(sessions).await;
    let answers = ask_both(workers, &format!("keys {cookie}"));
    assert_eq!(answers, ["32 saved", "32 saved"]);
    let mut visitor = Visitor::with_cookie(look, cookie);
    let keys = visitor.visit(200, async |s| Ok(s.keys())).await.expect("a read");
    assert_eq!(keys.len(), 2 * EACH + 1, "64 writers of different keys lose none");
}

async fn no_increment_is_lost(sessions: &Sessions, look: &Sessions, workers: &mut [Worker; 2]) {
    let (_, cookie) = visitor(sessions).await;
    let answers = ask_both(workers, &format!("increments {cookie}"));
    assert_eq!(answers, ["32 saved", "32 saved"]);
    assert_eq!(read(look, &cookie).await, Some(64));
}

async fn one_insert_wins(store: &AnyStore, workers: &mut [Worker; 2]) {
    let key = RecordKey::random().expect("random bytes");
    let answers = ask_both(workers, &format!("insert {key}"));
    let won: u32 = answers.iter().map(|answer| first_number(answer)).sum();
    assert_eq!(won, 1, "of 32 inserts in two processes one wins: {answers:?}");
    let now = crate::clock::Clock::now(&crate::clock::SystemClock);
    assert!(store.load(&key, now).await.expect("load").is_some());
}

async fn one_rotation_lives(
    store: &AnyStore,
    sessions: &Sessions,
    look: &Sessions,
    workers: &mut [Worker; 2],
) {
    let (_, cookie) = visitor(sessions).await;
    let answers = ask_both(workers, &format!("rotate {cookie}"));
    let mut cookies: Vec<_> = answers.iter().flat_map(|answer| answer.split_whitespace()).collect();
    if store.capabilities().tokens == TokenFormat::Plain {
        // In Django's format the old key is as unknown as any: who comes with it later begins another session.
        let mut live = Vec::new();
        for cookie in cookies {
            live.extend(read(look, cookie).await.map(|_| cookie));
        }
        cookies = live;
    }
    assert_eq!(cookies.len(), 1, "of 8 rotations in two processes one lives");
    // Also here, and in the worker that lost, where there may be a copy from before.
    assert_eq!(ask_both(workers, &format!("read {}", cookies[0])), ["Some(0)", "Some(0)"]);
    assert_eq!(read(sessions, cookies[0]).await, Some(0));
    assert_eq!(read(look, cookies[0]).await, Some(0));
    assert_eq!(read(look, &cookie).await, None);
}

async fn the_ended_stay_ended(sessions: &Sessions, look: &Sessions, workers: &mut [Worker; 2]) {
    let (mut visitor, cookie) = visitor(sessions).await;
    for worker in workers.iter_mut() {
        worker.say(&format!("slow {cookie}"));
        assert_eq!(worker.hear(), "loaded");
    }
    visitor.visit(200, async |s| s.flush().await).await.expect("a logout");
    for worker in workers.iter_mut() {
        worker.say("save");
        assert_eq!(worker.hear(), "interrupted");
    }
    assert_eq!(read(look, &cookie).await, None);
}

/// Those of [`races`](super::races), with a process for each side.
async fn every_pair_leaves_what_some_order_would(
    store: &AnyStore,
    sessions: &Sessions,
    look: &Sessions,
    workers: &mut [Worker; 2],
) {
    const TIMES: u32 = 5;
    for pair in Pair::all(store) {
        for _ in 0..TIMES {
            let scene = Scene::set(sessions).await;
            for (worker, act) in workers.iter_mut().zip(pair.sides()) {
                worker.say(&format!("act {} {}", act.name(), scene.to_line()));
            }
            let ends = workers.each_mut().map(|worker| End::from_line(&worker.hear()));
            pair.judge(look, &scene, &ends).await;
        }
    }
}

/// Changes, logouts and their like, at once: of a store without copies, and of one that asks whether its copies are true.
async fn what_one_process_does_the_others_see(sessions: &Sessions, workers: &mut [Worker; 2]) {
    let (mut visitor, cookie) = visitor(sessions).await;
    for n in 1..=5 {
        visitor.visit(200, async |s| s.insert(N, n)).await.expect("a write");
        let now = format!("Some({n})");
        assert_eq!(ask_both(workers, &format!("read {cookie}")), [now.clone(), now]);
    }
    visitor.visit(200, async |s| s.flush().await).await.expect("a logout");
    assert_eq!(ask_both(workers, &format!("read {cookie}")), ["None", "None"]);
}

/// That of [`model`](super::model), with half of the clients in each process.
async fn crowds_leave_what_some_order_would(store: &AnyStore, workers: &mut [Worker; 2]) {
    let first = First::new(store).await;
    workers.iter_mut().for_each(|worker| worker.say(&format!("crowd {}", first.cookie())));
    let mut told = Vec::new();
    for worker in workers {
        let count = first_number(&worker.hear());
        told.extend((0..count).map(|_| worker.hear()));
    }
    first.judge(told.iter().map(String::as_str)).await;
}

/// Another process, with a line to it and one back.
struct Worker {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Worker {
    fn start(number: usize, arguments: &[&str]) -> Self {
        let program = std::env::current_exe().expect("the path of this program");
        let mut child = Command::new(program)
            .args(arguments)
            .args([WORKER, &number.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program again");
        let to = child.stdin.take().expect("a pipe");
        let from = BufReader::new(child.stdout.take().expect("a pipe"));
        Self { child, to, from }
    }

    fn say(&mut self, line: &str) {
        writeln!(self.to, "{line}").expect("the worker listens");
    }

    fn hear(&mut self) -> String {
        let mut line = String::new();
        self.from.read_line(&mut line).expect("the worker answers");
        line.trim().to_owned()
    }

    fn stop(mut self) {
        drop(self.to);
        assert!(self.child.wait().expect("the worker ends").success());
    }
}

/// Both begin before either has answered.
fn ask_both(workers: &mut [Worker; 2], line: &str) -> Vec<String> {
    workers.iter_mut().for_each(|worker| worker.say(line));
    workers.iter_mut().map(Worker::hear).collect()
}

fn first_number(text: &str) -> u32 {
    text.split_whitespace().next().and_then(|word| word.parse().ok()).expect("a number")
}

/// A worker: does what each line says, and answers with a line.
async fn work(store: &AnyStore, number: &str) {
    let sessions = Sessions::from(crate::Backend::Server(store.clone()));
    let mut lines = std::io::stdin().lines();
    while let Some(Ok(line)) = lines.next() {
        let (verb, argument) = line.split_once(' ').expect("a verb and what it is about");
        let answer = match verb {
            "keys" => {
                all_at_once(&sessions, argument, EACH, |session, i| {
                    session.insert(format!("{number}-{i}").as_str(), i)
                })
                .await
                .0
            }
            "increments" => {
                all_at_once(&sessions, argument, EACH, |session, _| session.update(N, |n| *n += 1)).await.0
            }
            "rotate" => all_at_once(&sessions, argument, 4, |session, _| session.rotate()).await.1,
            "read" => format!("{:?}", read(&sessions, argument).await),
            "insert" => insert_at_once(store, argument).await,
            "act" => act(store, argument).await,
            "crowd" => {
                let told = crowd_of_a_process(store, argument).await;
                format!("{} lines\n{}", told.len(), told.join("\n"))
            }
            "slow" => slow(&sessions, argument, &mut lines).await,
            _ => panic!("no such verb: {verb}"),
        };
        println!("{answer}");
    }
}

/// Begins all requests, then lets all change and save. Says how many were saved, and the cookies that came back.
async fn all_at_once(
    sessions: &Sessions,
    cookie: &str,
    count: usize,
    change: impl Fn(&crate::Session, usize) -> crate::Result<()>,
) -> (String, String) {
    let visitor = Visitor::with_cookie(sessions, cookie);
    let visits: Vec<_> = (0..count).map(|_| visitor.begin()).collect();
    for (i, session) in join_all(visits.iter().map(Visit::session)).await.into_iter().enumerate() {
        change(&session.expect("live"), i).expect("a change");
    }
    let tasks: Vec<_> = visits.into_iter().map(|visit| tokio::spawn(visit.finish(200))).collect();
    let (mut saved, mut cookies) = (0, Vec::new());
    for finished in join_all(tasks).await {
        let finished = finished.expect("a task ends");
        match &finished.error {
            None => {
                let mut after = visitor.clone();
                after.receive(&finished);
                saved += 1;
                cookies.extend(after.cookie().map(str::to_owned));
            }
            Some(error) => assert!(matches!(error, Error::Interrupted), "{error}"),
        }
    }
    (format!("{saved} saved"), cookies.join(" "))
}

async fn insert_at_once(store: &AnyStore, key: &str) -> String {
    let key: RecordKey = key.parse().expect("a key");
    let now = crate::clock::Clock::now(&crate::clock::SystemClock);
    let tasks: Vec<_> = (0..EACH / 2)
        .map(|_| {
            let store = store.clone();
            let mut record = super::store::sample(&store, now);
            record.version.nonce = crate::id::random_nonce().expect("random bytes");
            tokio::spawn(async move { store.insert(&key, &record, now).await.expect("insert") })
        })
        .collect();
    let answers = join_all(tasks).await;
    let won = answers.into_iter().filter(|answer| *answer.as_ref().expect("a task ends") == Inserted::Done);
    format!("{} won", won.count())
}

async fn act(store: &AnyStore, line: &str) -> String {
    let (act, scene) = line.split_once(' ').expect("an act and its scene");
    let sessions = races::sessions_over(store);
    Act::named(act).play(&sessions, store, &Scene::from_line(scene)).await.to_line()
}

async fn slow(
    sessions: &Sessions,
    cookie: &str,
    lines: &mut impl Iterator<Item = std::io::Result<String>>,
) -> String {
    let visit = Visitor::with_cookie(sessions, cookie).begin();
    visit.session().await.expect("live").update(N, |n| *n += 1).expect("update");
    println!("loaded");
    let _go_on = lines.next();
    match visit.finish(200).await.error {
        Some(Error::Interrupted) => "interrupted".to_owned(),
        other => format!("{other:?}"),
    }
}
