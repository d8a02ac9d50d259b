//! Connections to a server that no pool has.
//!
//! A pool asks a connection whether it still works when it takes it back, which costs each statement a second trip. These are only
//! asked when they have long been idle, while nobody waits. One task has all of them: a request that is cancelled takes none with
//! it, and leaves none in the middle of an answer.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use futures_util::future::{AbortHandle, BoxFuture, abortable};
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use sqlx::{Connection as _, Database};
use tokio::time::{Instant, interval, sleep, sleep_until, timeout};

use crate::engine::{Answer, Engine, ask};
use crate::error::Failure;
use crate::queue::{Job, Jobs, Queue, Reply, fail};
use crate::statement::Statement;

/// How many connections there are at most, unless the address says otherwise.
pub(crate) const CONNECTIONS: u32 = 8;

/// How long a connection lies idle before it is asked whether it still works: not as long as servers and firewalls let one lie.
const IDLE: Duration = Duration::from_secs(20);

/// How long nothing may be heard of the server while somebody waits, before one more connection is opened; and how many more there
/// may be. A statement that has lasted so long and that nobody waits for any more is taken for lost.
const SILENCE: Duration = Duration::from_millis(500);
const SCOUTS: usize = 2;

/// How long somebody waits for a server that lets nobody in, and does not say so, once there has been a first connection.
const OUTAGE: Duration = Duration::from_secs(1);

/// The first wait between two tries to connect; each is twice as long as the one before it.
const PAUSE: Duration = Duration::from_millis(20);

/// Connections, and what they have to do.
pub(crate) struct Crew<DB: Engine> {
    options: DB::Options,
    most: usize,
    waiting: VecDeque<Job<DB>>,
    /// The one that was used last is used next: so there are as few as are needed, and the others grow idle.
    idle: Vec<Idle<DB>>,
    busy: FuturesUnordered<BoxFuture<'static, Event<DB>>>,
    /// What each of the busy ones does, at the place that it knows.
    doing: Vec<Option<Doing<DB>>>,
    /// The server had no more connections for us. The others have until then.
    enough_until: Instant,
    /// When something was last heard of the server, or it was asked after it had nothing to do, or nothing had been heard for long.
    heard: Instant,
}

struct Idle<DB: Database> {
    connection: DB::Connection,
    since: Instant,
}

struct Doing<DB: Database> {
    what: What<DB>,
    since: Instant,
    abort: AbortHandle,
}

enum What<DB: Database> {
    Statement(Reply<DB>),
    Opening,
    /// Opening one more than there may be.
    Scouting,
    Ping,
}

/// What became of what was done at this place.
struct Event<DB: Database> {
    place: usize,
    outcome: Outcome<DB>,
}

enum Outcome<DB: Database> {
    /// Of a statement. Its connection has ended with it, if there is none.
    Answered(Result<Answer<DB>, Failure>, Option<DB::Connection>),
    Works(DB::Connection),
    Ended,
    Opened(DB::Connection),
    NotOpened(sqlx::Error),
    Aborted,
}

impl<DB: Engine> Crew<DB> {
    /// At most so many connections, and one that there may be already.
    pub(crate) fn new(options: DB::Options, most: u32, first: Option<DB::Connection>) -> Self {
        let now = Instant::now();
        Self {
            options,
            most: most as usize,
            waiting: VecDeque::new(),
            idle: first.into_iter().map(|connection| Idle { connection, since: now }).collect(),
            busy: FuturesUnordered::new(),
            doing: Vec::new(),
            enough_until: now,
            heard: now,
        }
    }

    /// Has a task of this runtime serve a queue, until the queue's last clone is dropped and what was asked is done.
    pub(crate) fn start(self) -> Queue<DB> {
        let (queue, jobs) = Queue::new();
        tokio::spawn(self.serve(jobs));
        queue
    }

    async fn serve(mut self, mut jobs: Jobs<DB>) {
        let mut clock = interval(IDLE);
        let mut asked = true;
        while asked || !self.busy.is_empty() {
            tokio::select! {
                biased;
                Some(event) = self.busy.next(), if !self.busy.is_empty() => self.note(event),
                job = jobs.recv(), if asked && self.waiting.len() < self.most => match job {
                    Some(job) => self.waiting.push_back(job),
                    None => asked = false,
                },
                _ = clock.tick(), if asked => self.look_after_the_idle(),
                () = sleep_until(self.heard + SILENCE), if self.is_kept_waiting() => self.scout(),
            }
            self.set_to_work();
        }
        for idle in self.idle {
            // The server sees it end in any case.
            let _ = timeout(OUTAGE, idle.connection.close()).await;
        }
    }

    fn note(&mut self, Event { place, outcome }: Event<DB>) {
        let Some(done) = self.doing.get_mut(place).and_then(Option::take) else { return };
        let now = Instant::now();
        match (outcome, done.what) {
            (Outcome::Answered(answer, connection), What::Statement(reply)) => {
                match connection {
                    Some(connection) => self.keep(connection, now),
                    None => self.idle.clear(),
                }
                // Who is answered may ask again at once. An end has been noted by then.
                reply.give(answer);
            }
            (Outcome::Works(connection), _) => self.keep(connection, now),
            (Outcome::Ended, _) => self.idle.clear(),
            (Outcome::Opened(connection), _) => {
                self.keep(connection, now);
                self.give_up_opening(done.since);
            }
            // Those who wait will have one of the others.
            (Outcome::NotOpened(_), What::Opening) if self.works() => self.enough_until = now + OUTAGE,
            (Outcome::NotOpened(error), What::Opening) => {
                fail(self.waiting.drain(..), DB::read_error(error));
            }
            (Outcome::Answered(..) | Outcome::NotOpened(_) | Outcome::Aborted, _) => {}
        }
    }

    /// Keeps a connection that has nothing to do, unless it is one more than there may be and nobody waits. While the others are late,
    /// it is the one that works.
    fn keep(&mut self, connection: DB::Connection, now: Instant) {
        self.heard = now;
        let there = self.idle.len() + self.engaged();
        let is_late = |doing: &Doing<DB>| doing.since.elapsed() > SILENCE;
        if !self.waiting.is_empty()
            || there < self.most
            || there < self.most + SCOUTS && self.doing.iter().flatten().any(is_late)
        {
            self.idle.push(Idle { connection, since: now });
        }
    }

    /// Those that began to be opened before one that is open now, and are not, never will be: the network had failed then.
    fn give_up_opening(&mut self, before: Instant) {
        let late = |doing: &&Doing<DB>| {
            doing.what.opens() && doing.since < before && doing.since.elapsed() > SILENCE
        };
        self.doing.iter().flatten().filter(late).for_each(|doing| doing.abort.abort());
    }

    /// Whoever waits has a connection that is idle, or one that is being opened, or the next that has nothing to do: whichever comes
    /// first.
    fn set_to_work(&mut self) {
        self.waiting.retain(|job| !job.reply.is_given_up());
        if self.busy.is_empty() {
            self.heard = Instant::now();
        }
        while !self.waiting.is_empty()
            && let Some(idle) = self.idle.pop()
            && let Some(Job { statement, reply }) = self.waiting.pop_front()
        {
            self.begin(What::Statement(reply), work(idle.connection, statement));
        }
        if self.waiting.is_empty() {
            return;
        }
        let may_open = !self.works() || Instant::now() >= self.enough_until;
        while may_open && self.opening() < self.waiting.len() && self.engaged() < self.most {
            let options = self.options.clone();
            self.begin(What::Opening, async move {
                connect::<DB>(&options, OUTAGE).await.map_or_else(Outcome::NotOpened, Outcome::Opened)
            });
        }
    }

    fn begin(&mut self, what: What<DB>, work: impl Future<Output = Outcome<DB>> + Send + 'static) {
        let (work, abort) = abortable(work);
        let doing = Some(Doing { what, since: Instant::now(), abort });
        let place = self.doing.iter().position(Option::is_none).unwrap_or(self.doing.len());
        match self.doing.get_mut(place) {
            Some(free) => *free = doing,
            None => self.doing.push(doing),
        }
        self.busy
            .push(Box::pin(async move { Event { place, outcome: work.await.unwrap_or(Outcome::Aborted) } }));
    }

    /// How many connections are at work. Those whose statement is lost do not count, so that others may take their places: for as many
    /// as there may be. The server itself ends a statement that it has, after the time for a lock.
    fn engaged(&self) -> usize {
        let busy = self.busy.len();
        if busy < self.most {
            return busy;
        }
        busy - self.doing.iter().flatten().filter(|doing| doing.is_lost()).count().min(self.most)
    }

    fn opening(&self) -> usize {
        self.doing.iter().flatten().filter(|doing| doing.what.opens()).count()
    }

    /// Whether somebody waits for connections of which each waits for the server, or is being opened.
    fn is_kept_waiting(&self) -> bool {
        !self.waiting.is_empty() && !self.busy.is_empty()
    }

    /// All connections may be ones that a firewall has forgotten, on which nothing will ever be heard: their time is long, because a
    /// statement may wait for a lock. A new one would be heard of, so one is opened, over and over until it is. The last one may have
    /// met the end of an outage: the next one does not wait for it.
    fn scout(&mut self) {
        self.heard = Instant::now();
        self.forget_the_lost();
        if self.engaged() >= self.most + SCOUTS {
            return;
        }
        let options = self.options.clone();
        self.begin(What::Scouting, async move {
            match timeout(OUTAGE, DB::connect(&options)).await {
                Ok(opened) => opened.map_or_else(Outcome::NotOpened, Outcome::Opened),
                Err(_) => Outcome::Aborted,
            }
        });
    }

    /// Where the network fails again and again, more statements are lost than there may be: those that were lost first are given up.
    fn forget_the_lost(&self) {
        let mut lost: Vec<_> = self.doing.iter().flatten().filter(|doing| doing.is_lost()).collect();
        lost.sort_by_key(|doing| doing.since);
        let too_many = lost.len().saturating_sub(self.most);
        lost[..too_many].iter().for_each(|doing| doing.abort.abort());
    }

    /// Whether there is a connection that will be there for somebody.
    fn works(&self) -> bool {
        let works = |doing: &Doing<DB>| !doing.what.opens() && !doing.is_lost();
        !self.idle.is_empty() || self.doing.iter().flatten().any(works)
    }

    /// Asks those that were used longest ago, which come first.
    fn look_after_the_idle(&mut self) {
        let long = self.idle.iter().take_while(|idle| idle.since.elapsed() >= IDLE).count();
        for idle in self.idle.drain(..long).collect::<Vec<_>>() {
            self.begin(What::Ping, is_there::<DB>(idle.connection));
        }
    }
}

impl<DB: Database> Doing<DB> {
    /// Whether it is a statement for which nobody waits any more, and somebody has waited for long.
    fn is_lost(&self) -> bool {
        matches!(&self.what, What::Statement(reply) if reply.is_given_up()) && self.since.elapsed() > SILENCE
    }
}

impl<DB: Database> What<DB> {
    fn opens(&self) -> bool {
        matches!(self, Self::Opening | Self::Scouting)
    }
}

async fn work<DB: Engine>(mut connection: DB::Connection, statement: Statement) -> Outcome<DB> {
    let answer = ask::<DB>(&mut connection, &statement).await;
    let ended = answer.as_ref().is_err_and(|failure| failure.fault.ends_connections());
    Outcome::Answered(answer, (!ended).then_some(connection))
}

async fn is_there<DB: Engine>(mut connection: DB::Connection) -> Outcome<DB> {
    match timeout(OUTAGE, connection.ping()).await {
        Ok(Ok(())) => Outcome::Works(connection),
        _ => Outcome::Ended,
    }
}

/// Connects. Where nobody listens, or who did goes away, it tries again for so long: the server may be starting.
pub(crate) async fn connect<DB: Engine>(
    options: &DB::Options,
    patience: Duration,
) -> sqlx::Result<DB::Connection> {
    let mut pause = PAUSE;
    let mut waited = Duration::ZERO;
    loop {
        let silent = |_| Err(io::Error::from(io::ErrorKind::TimedOut).into());
        // Where it is listened to, it may take its time: passwords are slow to check.
        match timeout(DB::PATIENCE.unwrap_or(patience), DB::connect(options)).await.unwrap_or_else(silent) {
            Err(sqlx::Error::Io(error)) if is_away(&error) && waited < patience => {
                sleep(pause).await;
                waited += pause;
                pause *= 2;
            }
            done => return done,
        }
    }
}

fn is_away(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionRefused, ConnectionReset, UnexpectedEof};
    matches!(
        error.kind(),
        ConnectionRefused | ConnectionAborted | ConnectionReset | BrokenPipe | UnexpectedEof
    )
}
