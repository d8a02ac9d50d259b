//! One connection, and what becomes of it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fastrand::Rng;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::sleep;

use super::Fault;

/// How many bytes may go by at most before a connection ends: a few questions and answers, or not even a handshake.
const LONGEST: usize = 2048;

pub(super) struct Connection {
    faults: watch::Receiver<Option<Fault>>,
    injected: Arc<AtomicU64>,
    random: Rng,
}

/// What lies before a connection.
#[derive(Clone, Copy, Debug)]
enum Course {
    Well,
    Late(Duration),
    /// It ends when so many bytes have gone this way.
    Ends {
        way: Way,
        after: usize,
        how: End,
    },
    Silent {
        is_heard: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Question,
    Answer,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// What was sent arrives, and then its end (FIN).
    Told,
    /// Nothing more arrives but that there is no such connection (RST).
    Reset,
}

impl Connection {
    pub(super) fn new(faults: watch::Receiver<Option<Fault>>, injected: Arc<AtomicU64>, random: Rng) -> Self {
        Self { faults, injected, random }
    }

    /// Passes on what both say, until one of them or a fault ends it.
    pub(super) async fn run(mut self, mut client: TcpStream, server: Arc<str>) -> io::Result<()> {
        let mut server = TcpStream::connect(&*server).await?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let (mut question, mut answer) = ([0; 16384], [0; 16384]);
        let mut course = self.choose();
        loop {
            tokio::select! {
                changed = self.faults.changed() => {
                    if changed.is_err() {
                        return Ok(());
                    }
                    if !matches!(course, Course::Silent { .. }) {
                        course = self.choose();
                    }
                }
                read = client.read(&mut question) => {
                    let (passed, goes_on) = self.pass(&mut course, Way::Question, read?).await;
                    server.write_all(&question[..passed]).await?;
                    if !goes_on {
                        return end(course, client, server).await;
                    }
                }
                read = server.read(&mut answer) => {
                    let (passed, goes_on) = self.pass(&mut course, Way::Answer, read?).await;
                    client.write_all(&answer[..passed]).await?;
                    if !goes_on {
                        return end(course, client, server).await;
                    }
                }
            }
        }
    }

    /// What the present fault does to a connection.
    fn choose(&mut self) -> Course {
        let fault = *self.faults.borrow_and_update();
        let ends = |random: &mut Rng, how| {
            let way = if random.bool() { Way::Question } else { Way::Answer };
            Course::Ends { way, after: random.usize(..LONGEST), how }
        };
        match fault {
            None => Course::Well,
            Some(Fault::Delay(most)) => Course::Late(most),
            Some(Fault::Cut) => ends(&mut self.random, End::Told),
            Some(Fault::Reset | Fault::Refuse) => ends(&mut self.random, End::Reset),
            Some(Fault::Blackhole) => {
                self.count();
                Course::Silent { is_heard: self.random.bool() }
            }
        }
    }

    /// How many of these bytes are passed on, and whether the connection goes on behind them.
    async fn pass(&mut self, course: &mut Course, this: Way, bytes: usize) -> (usize, bool) {
        match course {
            Course::Silent { is_heard } => {
                let passes = this == Way::Question && *is_heard;
                (if passes { bytes } else { 0 }, bytes > 0)
            }
            Course::Ends { way, after, .. } if *way == this && *after <= bytes => {
                self.count();
                (*after, false)
            }
            Course::Ends { way, after, .. } => {
                *after -= if *way == this { bytes } else { 0 };
                (bytes, bytes > 0)
            }
            Course::Late(most) if this == Way::Answer && bytes > 0 => {
                self.count();
                sleep(most.mul_f64(self.random.f64())).await;
                (bytes, true)
            }
            Course::Well | Course::Late(_) => (bytes, bytes > 0),
        }
    }

    fn count(&self) {
        self.injected.fetch_add(1, Ordering::SeqCst);
    }
}

/// Ends both sides alike.
async fn end(course: Course, client: TcpStream, server: TcpStream) -> io::Result<()> {
    let is_reset = matches!(course, Course::Ends { how: End::Reset, .. });
    for mut side in [client, server] {
        if is_reset {
            side.set_zero_linger()?;
        } else {
            side.shutdown().await?;
        }
    }
    Ok(())
}
