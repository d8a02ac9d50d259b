//! Removing expired sessions, again and again.

use std::fmt;
use std::num::NonZeroU32;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use crate::backend::Place;
use crate::clock::Time;
use crate::details::Details;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::id::{RecordKey, SecretHash, random_nonce};
use crate::patience::until;
use crate::record::{Record, Version};
use crate::sessions::Sessions;
use crate::store::{Inserted, Replaced, Select, StoreErrorKind};
use crate::timer::sleep;
use crate::watched::Watched;

/// Removes expired sessions from their store, in batches, until it is told to stop. An expired session opens nothing whether or not
/// it has been removed; this is for the room that it takes.
///
/// Every node of an application may run one: they take turns by a lease, which is a record in the store (not in Django's format,
/// which has no place for one; there they may all sweep, which does no harm).
///
/// ```
/// # async fn f(sessions: session_core::Sessions, shutdown: impl Future<Output = ()>) {
/// use session_core::Sweeper;
/// use std::time::Duration;
///
/// let sweeper = Sweeper::new(&sessions).with_interval(Duration::from_secs(600));
/// let swept = sweeper.run(shutdown).await; // in a task of its own
/// println!("{} removed, {} sweeps failed", swept.removed, swept.failures);
/// # }
/// ```
#[derive(Clone)]
pub struct Sweeper {
    sessions: Sessions,
    interval: Duration,
    batch: NonZeroU32,
    pause: Duration,
    on_progress: Option<Arc<Progress>>,
}

type Progress = dyn Fn(&Swept) + Send + Sync;

/// What was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Swept {
    /// How many expired sessions were removed.
    pub removed: u64,
    /// In how many batches.
    pub batches: u64,
    /// How many sweeps were left to another node, which was at it.
    pub skipped: u64,
    /// How many sweeps ended at an error of the store. They were tried again later.
    pub failures: u64,
    /// Whether it was told to stop before nothing was left.
    pub stopped: bool,
}

/// After an error the next try comes after this long, then twice as long, up to the interval.
const FIRST_RETRY: Duration = Duration::from_secs(1);

/// How long one node sweeps before another may begin, should the first have died. Two at once do no harm.
const LEASE: Duration = Duration::from_secs(120);

impl Sweeper {
    /// For these sessions: every five minutes, a thousand at a time.
    pub fn new(sessions: &Sessions) -> Self {
        Self {
            sessions: sessions.clone(),
            interval: Duration::from_secs(300),
            batch: NonZeroU32::new(1000).unwrap_or(NonZeroU32::MIN),
            pause: Duration::from_millis(10),
            on_progress: None,
        }
    }

    /// How long after one sweep the next begins; 5 minutes if not set. Up to a tenth of it is added or taken away by chance, so that
    /// nodes that were started together do not go on together.
    #[must_use = "this returns the changed sweeper"]
    pub fn with_interval(self, interval: Duration) -> Self {
        Self { interval, ..self }
    }

    /// How many sessions are removed at once; 1,000 if not set. Requests of a store with one writer (SQLite) wait for one batch.
    #[must_use = "this returns the changed sweeper"]
    pub fn with_batch(self, batch: NonZeroU32) -> Self {
        Self { batch, ..self }
    }

    /// How long it waits between two batches, for the requests; 10 ms if not set.
    #[must_use = "this returns the changed sweeper"]
    pub fn with_pause(self, pause: Duration) -> Self {
        Self { pause, ..self }
    }

    /// Is told after each batch what was done so far.
    #[must_use = "this returns the changed sweeper"]
    pub fn with_progress(self, on_progress: impl Fn(&Swept) + Send + Sync + 'static) -> Self {
        Self { on_progress: Some(Arc::new(on_progress)), ..self }
    }

    /// Sweeps once, until nothing expired is left: what Django's `clearsessions` does.
    ///
    /// # Errors
    ///
    /// That of the store. What was removed before stays removed.
    pub async fn sweep(&self) -> Result<Swept> {
        self.sweep_until(std::future::pending()).await
    }

    /// Sweeps once, until nothing expired is left or `stop` is ready, which is looked at after each batch. Begun again, it goes on with
    /// what is left.
    ///
    /// # Errors
    ///
    /// As [`sweep`](Self::sweep).
    pub async fn sweep_until(&self, stop: impl Future<Output = ()>) -> Result<Swept> {
        let mut swept = Swept::default();
        if let Place::Server(store) = self.sessions.place() {
            let ended = self.sweep_store(store, &mut swept, pin!(stop), None).await?;
            swept.stopped = matches!(ended, Ended::Stopped);
        }
        Ok(swept)
    }

    /// Sweeps again and again until `stop` is ready, which is looked at between two batches and in every pause. An error never ends
    /// it: it tries again soon, then less and less often.
    pub async fn run(&self, stop: impl Future<Output = ()>) -> Swept {
        let mut all = Swept::default();
        let mut stop = pin!(stop);
        let mut retry = FIRST_RETRY;
        loop {
            let wait = match self.sweep_in_turn(&mut all, stop.as_mut()).await {
                Ok(Ended::Stopped) => return Swept { stopped: true, ..all },
                Ok(Ended::Done) => {
                    retry = FIRST_RETRY;
                    self.interval
                }
                Err(_) => {
                    all.failures += 1;
                    let wait = retry.min(self.interval);
                    retry = wait.saturating_mul(2);
                    wait
                }
            };
            if until(stop.as_mut(), sleep(jittered(wait))).await.is_none() {
                return all;
            }
        }
    }

    /// A sweep, if no other node is at it.
    async fn sweep_in_turn(
        &self,
        all: &mut Swept,
        stop: Pin<&mut impl Future<Output = ()>>,
    ) -> Result<Ended> {
        let Place::Server(store) = self.sessions.place() else { return Ok(Ended::Done) };
        if !store.capabilities().tokens.has_secrets() {
            return self.sweep_store(store, all, stop, None).await;
        }
        let mut lease = match Lease::take(store, self.now()).await {
            Ok(Some(lease)) => lease,
            Ok(None) => {
                all.skipped += 1;
                return Ok(Ended::Done);
            }
            // There is no room for a lease until somebody sweeps.
            Err(Error::Store(error)) if error.kind() == StoreErrorKind::Full => {
                return self.sweep_store(store, all, stop, None).await;
            }
            Err(error) => return Err(error),
        };
        let done = self.sweep_store(store, all, stop, Some(&mut lease)).await;
        lease.give_back(store, self.now()).await;
        done
    }

    async fn sweep_store(
        &self,
        store: &Watched,
        swept: &mut Swept,
        stop: Pin<&mut impl Future<Output = ()>>,
        lease: Option<&mut Lease>,
    ) -> Result<Ended> {
        let before = swept.removed;
        let done = self.batches(store, swept, stop, lease).await;
        let count = swept.removed - before;
        if count > 0 {
            self.sessions.tell(&Event::Purged { count });
        }
        done
    }

    async fn batches(
        &self,
        store: &Watched,
        swept: &mut Swept,
        mut stop: Pin<&mut impl Future<Output = ()>>,
        mut lease: Option<&mut Lease>,
    ) -> Result<Ended> {
        loop {
            let removed = store.purge(self.now(), self.batch).await?;
            swept.removed += removed;
            swept.batches += 1;
            if let Some(on_progress) = &self.on_progress {
                on_progress(swept);
            }
            if removed < u64::from(self.batch.get()) {
                return Ok(Ended::Done);
            }
            if until(stop.as_mut(), sleep(self.pause)).await.is_none() {
                return Ok(Ended::Stopped);
            }
            if let Some(lease) = &mut lease {
                lease.renew(store, self.now()).await;
            }
        }
    }

    fn now(&self) -> Time {
        self.sessions.settings().clock.now()
    }
}

impl fmt::Debug for Sweeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sweeper")
            .field("interval", &self.interval)
            .field("batch", &self.batch)
            .field("pause", &self.pause)
            .finish_non_exhaustive()
    }
}

/// How a sweep ended.
enum Ended {
    /// Nothing expired is left.
    Done,
    /// It was asked to.
    Stopped,
}

/// That one node sweeps: a record under a key that no session has, which no token opens.
struct Lease {
    key: RecordKey,
    record: Record,
    /// What nobody else has: by it the lease is given back.
    secret: SecretHash,
}

/// The key of the lease. A session's key is drawn: that it is this one does not happen.
pub(crate) const LEASE_KEY: &str = "sweeperlease0000000000000";

impl Lease {
    async fn take(store: &Watched, now: Time) -> Result<Option<Self>> {
        let Ok(key) = LEASE_KEY.parse::<RecordKey>() else { return Ok(None) };
        let mut nobody_s = [0; 32];
        for part in nobody_s.chunks_mut(8) {
            part.copy_from_slice(&random_nonce()?.to_le_bytes());
        }
        let secret = SecretHash::from_bytes(nobody_s);
        let record = Record {
            version: Version { seq: 1, nonce: random_nonce()? },
            created_at: now,
            last_active: now,
            expires_at: now + LEASE,
            account: None,
            secret: Some(secret),
            details: Details::new(now),
            data: bytes::Bytes::from_static(b"{}"),
        };
        Ok(match store.insert(&key, &record, now).await? {
            Inserted::Done => Some(Self { key, record, secret }),
            Inserted::Taken => None,
        })
    }

    /// Keeps it for as long again, when half of its time is over. Where that fails another node may begin as well, which does no harm.
    async fn renew(&mut self, store: &Watched, now: Time) {
        if self.record.expires_at > now + LEASE / 2 {
            return;
        }
        let Ok(nonce) = random_nonce() else { return };
        let version = Version { seq: self.record.version.next_seq(), nonce };
        let next = Record { version, expires_at: now + LEASE, ..self.record.clone() };
        if let Ok(Replaced::Done) = store.replace(&self.key, &self.key, &next, &self.record, now).await {
            self.record = next;
        }
    }

    /// Where this fails the lease ends by itself; and another node's is not touched.
    async fn give_back(self, store: &Watched, now: Time) {
        let _ = store.remove(Select::Presented(&self.key, &self.secret), now).await;
    }
}

/// A tenth more or less, by chance; as it is where there is no chance to be had.
fn jittered(wait: Duration) -> Duration {
    let percent = random_nonce().map_or(100, |chance| 90 + chance % 21);
    (wait / 100).saturating_mul(u32::try_from(percent).unwrap_or(100))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_a_tenth_more_or_less() {
        let waits: Vec<_> = (0..1000).map(|_| jittered(Duration::from_secs(100)).as_secs()).collect();
        assert_eq!((waits.iter().min(), waits.iter().max()), (Some(&90), Some(&110)));
    }

    #[test]
    fn the_lease_has_a_key() {
        assert!(LEASE_KEY.parse::<RecordKey>().is_ok());
    }
}
