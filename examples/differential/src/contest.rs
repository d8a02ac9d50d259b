//! The same sequence, sent to several servers.

use std::fmt::{self, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt as _};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use rand::TryRng as _;
use rand::rngs::SysRng;

use crate::answer::{Answer, Difference, SetCookie};
use crate::peer::{Clients, Peer};
use crate::sequence::{Audience, Step, sequences};

/// Has the number from which all sequences of a test are drawn. Where it is not set, `cargo xtask test` always draws the same ones,
/// and `cargo xtask soak` always others.
pub const SEED: &str = "TEST_SEED";

/// How many sequences there are to send: so many, and in `cargo xtask soak` so many.
pub fn count(normal: u32, soak: u32) -> u32 {
    if soaks() { soak } else { normal }
}

fn soaks() -> bool {
    session_core::testing::rounds(1) > 1
}

/// Sequences on their way at the same time: while one waits for its store, the others go on.
const LANES: usize = 16;

/// Tries to make a failing sequence shorter.
const SHRINKS: usize = 300;

/// Servers that must answer the same, the first of which is compared with each other one.
#[derive(Debug)]
pub struct Contest {
    audience: Audience,
    peers: Vec<Peer>,
    sealed: bool,
    runs: AtomicU64,
    tally: Tally,
}

/// How much was compared.
#[derive(Debug, Default)]
struct Tally {
    answers: AtomicU64,
    set: AtomicU64,
    cleared: AtomicU64,
    failed: AtomicU64,
}

/// What an answer's differences mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "whoever judges says one of these")]
pub enum Verdict {
    /// One of the servers is wrong.
    Fault,
    /// There are none, or both may answer so.
    Agreed,
    /// The same, and from here on the servers' sessions are not the same any more: the sequence ends.
    Parted,
}

/// One step with its answers, for whoever judges.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Exchange<'a> {
    /// The name of the other server.
    pub name: &'static str,
    /// What was sent before, and what the first server and this one answered to it.
    pub before: &'a [(Step, Answer, Answer)],
    /// What was sent.
    pub step: &'a Step,
    /// What the first server answers.
    pub first: &'a Answer,
    /// What the other one does.
    pub other: &'a Answer,
}

impl Contest {
    /// Between these servers, of which there are at least two.
    pub fn new(audience: Audience, peers: Vec<Peer>) -> Self {
        Self { audience, peers, sealed: false, runs: AtomicU64::new(random()), tally: Tally::default() }
    }

    /// The cookie is the session, so that each save makes another one: which one it is says nothing.
    #[must_use = "a contest without it compares cookies"]
    pub fn with_sealed_cookies(mut self) -> Self {
        self.sealed = true;
        self
    }

    /// Sends so many sequences, and has each pair of answers judged.
    ///
    /// # Panics
    ///
    /// At a fault: with the shortest such sequence that was found, and the seed that leads there again.
    pub async fn run(&self, count: u32, judge: &impl Fn(&Exchange<'_>, &[Difference]) -> Verdict) {
        let first = first_seed();
        let names: Vec<_> = self.peers.iter().map(Peer::name).collect();
        eprintln!("{count} sequences to {}; {SEED}={first}", names.join(", "));
        let seeds = (0..count).map(|number| first.wrapping_add(number.into()));
        let mut runs = stream::iter(seeds)
            .map(|seed| async move { (seed, self.one(seed, judge).await) })
            .buffer_unordered(LANES);
        while let Some((seed, outcome)) = runs.next().await {
            if let Err(fault) = outcome {
                panic!("{SEED}={seed} makes a sequence that is answered differently:\n{fault}");
            }
        }
        eprintln!("{}", self.tally);
    }

    async fn one(
        &self,
        seed: u64,
        judge: &impl Fn(&Exchange<'_>, &[Difference]) -> Verdict,
    ) -> Result<(), Fault> {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let mut runner = TestRunner::new_with_rng(Config::default(), rng);
        let mut tree = sequences(self.audience).new_tree(&mut runner).expect("no value is refused");
        let Err(mut shortest) = self.play(&tree.current(), judge).await else { return Ok(()) };
        let mut more = tree.simplify();
        for _ in 0..SHRINKS {
            if !more {
                break;
            }
            more = match self.play(&tree.current(), judge).await {
                Ok(()) => tree.complicate(),
                Err(fault) => {
                    shortest = fault;
                    tree.simplify()
                }
            };
        }
        Err(shortest)
    }

    async fn play(
        &self,
        steps: &[Step],
        judge: &impl Fn(&Exchange<'_>, &[Difference]) -> Verdict,
    ) -> Result<(), Fault> {
        let run = self.runs.fetch_add(1, Ordering::Relaxed);
        let mut all: Vec<_> = self.peers.iter().map(|peer| Clients::new(peer, run, self.sealed)).collect();
        let mut before: Vec<Vec<(Step, Answer, Answer)>> = vec![Vec::new(); all.len() - 1];
        for (number, step) in steps.iter().enumerate() {
            let answers = join_all(all.iter_mut().map(|clients| clients.send(step))).await;
            self.tally.count(&answers[0]);
            let mut parts = false;
            for (other, (answer, before)) in answers[1..].iter().zip(&mut before).enumerate() {
                let name = self.peers[other + 1].name();
                let exchange = Exchange { name, before, step, first: &answers[0], other: answer };
                let differences = answers[0].differences(answer);
                match judge(&exchange, &differences) {
                    Verdict::Fault => {
                        let names = [self.peers[0].name(), name];
                        return Err(Fault { steps: steps[..=number].to_vec(), names, differences });
                    }
                    Verdict::Agreed => {}
                    Verdict::Parted => parts = true,
                }
                before.push((step.clone(), answers[0].clone(), answer.clone()));
            }
            if parts {
                break;
            }
        }
        Ok(())
    }
}

impl Tally {
    fn count(&self, answer: &Answer) {
        let cleared = answer.set_cookie.as_ref().map(SetCookie::clears);
        let counts = [
            (&self.answers, true),
            (&self.set, cleared == Some(false)),
            (&self.cleared, cleared == Some(true)),
            (&self.failed, answer.status >= 400),
        ];
        for (counter, counts) in counts {
            counter.fetch_add(counts.into(), Ordering::Relaxed);
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [answers, set, cleared, failed] = [&self.answers, &self.set, &self.cleared, &self.failed]
            .map(|counter| counter.load(Ordering::Relaxed));
        write!(
            f,
            "{answers} answers: {set} set a cookie, {cleared} cleared it, {failed} with a status of 400 or more"
        )
    }
}

fn first_seed() -> u64 {
    match std::env::var(SEED) {
        Ok(seed) => seed.parse().unwrap_or_else(|_| panic!("{SEED} is a number, not {seed}")),
        Err(_) if soaks() => random(),
        Err(_) => 1,
    }
}

fn random() -> u64 {
    SysRng.try_next_u64().expect("the system's random source")
}

/// A sequence at whose last step two servers differ.
struct Fault {
    steps: Vec<Step>,
    names: [&'static str; 2],
    differences: Vec<Difference>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, step) in self.steps.iter().enumerate() {
            let mut request = String::new();
            match &step.request {
                crate::Request::Ops { status, ops } => {
                    write!(request, "POST /ops?status={status} {}", serde_json::json!(ops))?;
                }
                other => write!(request, "{other:?}")?,
            }
            writeln!(f, "  {number}. client {}, cookie {:?}: {request}", step.client, step.cookie)?;
        }
        writeln!(f, "  {} / {}:", self.names[0], self.names[1])?;
        self.differences.iter().try_for_each(|difference| writeln!(f, "    {difference}"))
    }
}
