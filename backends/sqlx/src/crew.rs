//! Connections to a server that no pool has.
//!
//! A pool asks a connection whether it still works when it takes it back, which costs each statement a second trip. These are only
//! asked when they have long been idle, while nobody waits. One task has all of them: a request that is cancelled takes none with
//! it, and leaves none in the middle of an answer.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use sqlx::{Connection as _, Database};
use tokio::time::{Instant, interval, sleep, sleep_until, timeout};

use crate::engine::{Engine, ask};
use crate::queue::{Job, Jobs, Queue, fail};

/// How many connections there are at most, unless the address says otherwise.
pub(crate) const CONNECTIONS: u32 = 8;

/// How long a connection lies idle before it is asked whether it still works: not as long as servers and firewalls let one lie.
const IDLE: Duration = Duration::from_secs(20);

/// How long nothing may be heard of the server while somebody waits, before one more connection is opened; and how many more there
/// may be.
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
    /// How many of the busy ones are not open yet.
    opening: usize,
    /// The server had no more connections for us. The others have until then.
    enough_until: Instant,
    /// When something was last heard of the server, or it was asked after it had nothing to do.
    heard: Instant,
    /// How many connections are being opened beyond what there may be.
    scouts: usize,
}

struct Idle<DB: Database> {
    connection: DB::Connection,
    since: Instant,
}

enum Event<DB: Database> {
    /// A connection has done what it had to do.
    Works(DB::Connection),
    /// It has ended, and those that were opened with it have as well.
    Ended,
    Opened(DB::Connection),
    NotOpened(sqlx::Error),
    /// As these two; of the one that is opened beyond what there may be.
    Scouted(Option<DB::Connection>),
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
            opening: 0,
            enough_until: now,
            heard: now,
            scouts: 0,
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

    fn note(&mut self, event: Event<DB>) {
        if matches!(event, Event::Opened(_) | Event::NotOpened(_) | Event::Scouted(_)) {
            self.opening -= 1;
        }
        let now = Instant::now();
        if !matches!(event, Event::Scouted(None)) {
            self.heard = now;
        }
        match event {
            Event::Works(connection) | Event::Opened(connection) => self.keep(connection, now),
            Event::Scouted(connection) => {
                self.scouts -= 1;
                if let Some(connection) = connection {
                    self.keep(connection, now);
                }
            }
            Event::Ended => self.idle.clear(),
            // Those who wait will have one of the others.
            Event::NotOpened(_) if self.works() => self.enough_until = now + OUTAGE,
            Event::NotOpened(error) => fail(self.waiting.drain(..), DB::read_error(error)),
        }
    }

    /// Keeps a connection that has nothing to do, unless it is one more than there may be and nobody waits.
    fn keep(&mut self, connection: DB::Connection, since: Instant) {
        if !self.waiting.is_empty() || self.idle.len() + self.busy.len() < self.most {
            self.idle.push(Idle { connection, since });
        }
    }

    /// Whoever waits has a connection that is idle, or one that is being opened, or the next that has nothing to do: whichever comes
    /// first.
    fn set_to_work(&mut self) {
        self.waiting.retain(|job| !job.is_given_up());
        if self.busy.is_empty() {
            self.heard = Instant::now();
        }
        while !self.waiting.is_empty()
            && let Some(idle) = self.idle.pop()
            && let Some(job) = self.waiting.pop_front()
        {
            self.busy.push(Box::pin(work(idle.connection, job)));
        }
        let may_open = !self.works() || Instant::now() >= self.enough_until;
        while may_open && self.opening < self.waiting.len() && self.busy.len() < self.most {
            let options = self.options.clone();
            self.opening += 1;
            self.busy.push(Box::pin(async move {
                connect::<DB>(&options, OUTAGE).await.map_or_else(Event::NotOpened, Event::Opened)
            }));
        }
    }

    /// Whether somebody waits for connections of which each waits for the server, or is being opened; and one more may be.
    fn is_kept_waiting(&self) -> bool {
        !self.waiting.is_empty() && !self.busy.is_empty() && self.busy.len() < self.most + SCOUTS
    }

    /// All connections may be ones that a firewall has forgotten, on which nothing will ever be heard: their time is long, because a
    /// statement may wait for a lock. A new one would be heard of, so one is opened, over and over until it is. The last one may have
    /// met the end of an outage: the next one does not wait for it.
    fn scout(&mut self) {
        let options = self.options.clone();
        self.scouts += 1;
        self.opening += 1;
        self.heard = Instant::now();
        self.busy.push(Box::pin(async move {
            let opened = timeout(OUTAGE, DB::connect(&options)).await;
            Event::Scouted(opened.ok().and_then(Result::ok))
        }));
    }

    /// Whether there is a connection that will be there for somebody.
    fn works(&self) -> bool {
        self.busy.len() > self.opening || !self.idle.is_empty()
    }

    /// Asks those that were used longest ago, which come first.
    fn look_after_the_idle(&mut self) {
        let long = self.idle.iter().take_while(|idle| idle.since.elapsed() >= IDLE).count();
        for idle in self.idle.drain(..long) {
            self.busy.push(Box::pin(is_there::<DB>(idle.connection)));
        }
    }
}

async fn work<DB: Engine>(mut connection: DB::Connection, job: Job<DB>) -> Event<DB> {
    let done = ask::<DB>(&mut connection, &job.statement).await;
    let ended = done.as_ref().is_err_and(|failure| failure.fault.ends_connections());
    // Who is answered may ask again at once. Until then this end is noted: it is the same step of one task.
    job.answer(done);
    if ended { Event::Ended } else { Event::Works(connection) }
}

async fn is_there<DB: Engine>(mut connection: DB::Connection) -> Event<DB> {
    match timeout(OUTAGE, connection.ping()).await {
        Ok(Ok(())) => Event::Works(connection),
        _ => Event::Ended,
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
