//! kill -9 in the middle of writes: what was acknowledged is there, and nothing is torn.
//!
//! A test program of its own (`harness = false`) plays both sides: without arguments it is the judge; in each round it starts
//! itself again as a writer, which says what it is about to write and what was acknowledged, and kills it at a random moment. Then
//! each session must be as its last acknowledged write left it, or as the one under way would have.
//!
//! ```no_run
//! # use session_memory::MemoryStore;
//! # async fn open(_: &str) -> MemoryStore { MemoryStore::new() }
//! #[tokio::main]
//! async fn main() {
//!     let folder = std::env::args().skip_while(|word| word != "--folder").nth(1);
//!     let folder = folder.unwrap_or_else(|| "a new temporary folder".to_owned());
//!     session_core::testing::kill::run(async || open(&folder).await, &["--folder", &folder]).await;
//! }
//! ```
//!
//! There are 20 rounds, and 200 in a soak ([`rounds`]).

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::num::NonZeroU32;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use super::rounds;
use super::store::sample;
use crate::any_store::AnyStore;
use crate::clock::Time;
use crate::id::{RecordKey, TokenFormat, random_nonce};
use crate::record::{Record, Version};
use crate::store::{Cursor, Filter, Inserted, Replaced, Select, SessionStore};

const NOW: Time = Time::from_millis(1_700_000_000_000);
const HOUR: Duration = Duration::from_secs(3600);
const WRITER: &str = "--writer";
/// Tasks that write at once in the writer.
const LANES: usize = 4;
const ACCOUNTS: u64 = 8;
const ROUNDS: u32 = 20;

/// Runs the rounds, with writers that are this program again with `arguments`; or is the writer. `make` opens the one store that
/// they all use, which only they use.
///
/// # Panics
///
/// Where a write was lost or torn, or a lock outlived its process.
pub async fn run<S: SessionStore>(make: impl AsyncFn() -> S, arguments: &[&str]) {
    let store = AnyStore::new(make().await);
    if std::env::args().any(|argument| argument == WRITER) {
        return write(&store).await;
    }
    drop(store);
    let rounds = rounds(ROUNDS);
    let mut known = Known::new();
    let (mut acknowledged, mut in_flight, mut left) = (0, 0, 0);
    for round in 1..=rounds {
        let told = one_round(&mut known, arguments);
        acknowledged += told;
        let store = AnyStore::new(make().await);
        let open: Vec<_> =
            known.iter().filter(|(_, key)| key.under_way.is_some()).map(|(key, _)| *key).collect();
        in_flight += open.len();
        compare(&store, &mut known, round).await;
        go_on(&store, &mut known, &open).await;
        if round % ROUNDS == 0 {
            let live = known.values().filter(|key| key.settled.is_some()).count();
            assert_eq!(clean_up(&store).await, live, "every session that is left can be purged");
            assert_eq!(listed(&store, Filter::All).await, BTreeMap::new());
            left += live;
            known.clear();
        }
    }
    println!(
        "{rounds} writers killed: {acknowledged} acknowledged writes, {in_flight} under way, {left} sessions left"
    );
}

/// What the judge knows of each session.
type Known = BTreeMap<RecordKey, Fate>;

#[derive(Debug, Default)]
struct Fate {
    /// What the last acknowledged write left; `None` where that was a removal, or there was none.
    settled: Option<Stored>,
    /// What a write that began and was not acknowledged would leave.
    #[expect(clippy::option_option, reason = "there may be no write, and a write may leave nothing")]
    under_way: Option<Option<Stored>>,
}

/// All that tells one state of a session from another; the rest of its record follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stored {
    seq: u64,
    nonce: u64,
    expires_at: i64,
}

impl Stored {
    fn next(self) -> Self {
        Self { seq: self.seq + 1, nonce: random(), ..self }
    }

    fn is_large(self) -> bool {
        self.nonce.to_le_bytes()[0] >= 224
    }

    /// From a few bytes to a few pages, and one of eight so large that its write takes a while; under an account that changes with
    /// almost every write.
    fn record(self, store: &AnyStore) -> Record {
        let size = usize::from(self.nonce.to_le_bytes()[0]);
        let words = if self.is_large() { size.pow(2) / 2 } else { size.pow(2) / 64 };
        let text = format!("{:016x}", self.nonce).repeat(words);
        Record {
            version: Version { seq: self.seq, nonce: self.nonce },
            expires_at: Time::from_millis(self.expires_at),
            account: store.capabilities().accounts.then(|| account(self.nonce % ACCOUNTS)),
            data: format!("{{\"text\":\"{text}\"}}").into(),
            ..sample(store, NOW)
        }
    }
}

fn account(number: u64) -> String {
    format!("account {number}")
}

fn random() -> u64 {
    random_nonce().expect("random bytes")
}

/// Starts a writer, and kills it after a random number of its writes, soon after it has begun a large one. How many were
/// acknowledged.
fn one_round(known: &mut Known, arguments: &[&str]) -> usize {
    let mut writer = Writer::start(arguments);
    let enough = usize::from(random().to_le_bytes()[0]) / 2;
    let mut told = 0;
    loop {
        let line = writer.hear().expect("the writer goes on until it is killed");
        match note(known, &line) {
            Said::Did => told += 1,
            Said::Tries(Some(next)) if told > enough && next.is_large() => break,
            Said::Tries(_) => {}
        }
    }
    std::thread::sleep(Duration::from_micros(random() % 3_000));
    writer.child.kill().expect("the writer is killed");
    // What it still said: it said so before it died.
    while let Some(line) = writer.hear() {
        told += usize::from(matches!(note(known, &line), Said::Did));
    }
    writer.child.wait().expect("the writer has ended");
    told
}

/// What a line of the writer says.
enum Said {
    Tries(Option<Stored>),
    Did,
}

/// Keeps what a line says.
fn note(known: &mut Known, line: &str) -> Said {
    let words: Vec<_> = line.split(' ').collect();
    let number = |at: usize| words[at].parse::<u64>().expect("a number");
    let fate = known.entry(words[1].parse().expect("a key")).or_default();
    if words[0] == "did" {
        fate.settled = fate.under_way.take().expect("what was done was begun");
        return Said::Did;
    }
    let expires_at = i64::try_from(number(4)).expect("a date");
    let stored = Stored { seq: number(2), nonce: number(3), expires_at };
    let under_way = (stored.seq > 0).then_some(stored);
    fate.under_way = Some(under_way);
    Said::Tries(under_way)
}

/// Every session is as its last acknowledged write left it, or as the one under way would have; there are no others.
async fn compare(store: &AnyStore, known: &mut Known, round: u32) {
    let listing = listed(store, Filter::All).await;
    for (key, fate) in known.iter_mut() {
        let is =
            |stored: Option<Stored>| listing.get(key) == stored.map(|stored| stored.record(store)).as_ref();
        if let Some(under_way) = fate.under_way.take() {
            let loaded = store.load(key, NOW).await.expect("no session is torn");
            assert_eq!(loaded.as_ref(), listing.get(key), "round {round}: it is listed as it is loaded");
            if !is(fate.settled) {
                fate.settled = under_way;
            }
        }
        assert!(is(fate.settled), "round {round}: of {fate:?} this is left: {:?}", listing.get(key));
    }
    assert!(listing.keys().all(|key| known.contains_key(key)), "round {round}: there are others");
    if store.capabilities().accounts {
        for name in (0..ACCOUNTS).map(account) {
            let hers = listing.iter().filter(|(_, record)| record.account.as_ref() == Some(&name));
            let found = listed(store, Filter::Account(&name)).await;
            assert!(found.iter().eq(hers), "round {round}: the index of {name} is not as the records are");
        }
    }
}

/// Nothing of the killed writer is in the way of another: the sessions that it was writing are written.
async fn go_on(store: &AnyStore, known: &mut Known, open: &[RecordKey]) {
    for key in open {
        let Some(fate) = known.get_mut(key) else { continue };
        let Some(was) = fate.settled else { continue };
        let next = was.next();
        let replaced = store.replace(key, key, &next.record(store), &was.record(store), NOW).await;
        assert_eq!(replaced.expect("it is written"), Replaced::Done);
        fate.settled = Some(next);
    }
}

async fn clean_up(store: &AnyStore) -> usize {
    let batch = NonZeroU32::new(1_000).expect("not zero");
    let mut all = 0;
    loop {
        let removed = store.purge(NOW + 100 * HOUR, batch).await.expect("purge");
        all += removed;
        if removed < 1_000 {
            return usize::try_from(all).expect("a number");
        }
    }
}

async fn listed(store: &AnyStore, of: Filter<'_>) -> BTreeMap<RecordKey, Record> {
    let limit = NonZeroU32::new(1_000).expect("not zero");
    let (mut all, mut after) = (BTreeMap::new(), None::<Cursor>);
    loop {
        let page = store.page(of, after, limit, NOW).await.expect("no session is torn");
        all.extend(page.records);
        after = page.next;
        if after.is_none() {
            return all;
        }
    }
}

/// The process that will be killed.
struct Writer {
    child: Child,
    from: BufReader<ChildStdout>,
}

impl Writer {
    fn start(arguments: &[&str]) -> Self {
        let program = std::env::current_exe().expect("the path of this program");
        let mut child = Command::new(program)
            .args(arguments)
            .arg(WRITER)
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program again");
        let from = BufReader::new(child.stdout.take().expect("a pipe"));
        Self { child, from }
    }

    /// The next whole line.
    fn hear(&mut self) -> Option<String> {
        let mut line = String::new();
        self.from.read_line(&mut line).expect("a pipe");
        line.strip_suffix('\n').map(str::to_owned)
    }
}

/// A writer: writes until it is killed.
async fn write(store: &AnyStore) {
    let lanes: Vec<_> = (0..LANES).map(|_| tokio::spawn(lane(store.clone()))).collect();
    for lane in lanes {
        lane.await.expect("a lane does not end");
    }
}

/// Writes one session after the other, from its beginning to its end; one of three does not end.
async fn lane(store: AnyStore) {
    for number in 0_u64.. {
        let key = RecordKey::random().expect("random bytes");
        let mut present = Stored { seq: 1, nonce: random(), expires_at: (NOW + HOUR).as_millis() };
        begin(&key, Some(present));
        let inserted = store.insert(&key, &present.record(&store), NOW).await.expect("insert");
        assert_eq!(inserted, Inserted::Done);
        acknowledge(&key);
        for _ in 0..number % 4 {
            let (was, next) = (present.record(&store), present.next());
            begin(&key, Some(next));
            let replaced = store.replace(&key, &key, &next.record(&store), &was, NOW).await.expect("replace");
            assert_eq!(replaced, Replaced::Done);
            acknowledge(&key);
            present = next;
        }
        let was = present.record(&store);
        let until = NOW + 2 * HOUR;
        begin(&key, Some(Stored { expires_at: until.as_millis(), ..present }));
        assert!(store.touch(&key, until, &was, NOW).await.expect("touch"));
        acknowledge(&key);
        if number % 3 > 0 {
            begin(&key, None);
            let what = match (&was.secret, store.capabilities().tokens) {
                (Some(secret), TokenFormat::Split) => Select::Presented(&key, secret),
                _ => Select::One(&key),
            };
            assert_eq!(store.remove(what, NOW).await.expect("remove"), 1);
            acknowledge(&key);
        }
    }
}

fn begin(key: &RecordKey, to: Option<Stored>) {
    let Stored { seq, nonce, expires_at } = to.unwrap_or(Stored { seq: 0, nonce: 0, expires_at: 0 });
    println!("try {key} {seq} {nonce} {expires_at}");
}

fn acknowledge(key: &RecordKey) {
    println!("did {key}");
}
