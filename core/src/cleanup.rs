//! Removing sessions that have not expired: by age, by account, by what is in them.

use std::fmt;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::try_join_all;

use crate::clock::Time;
use crate::devices::PAGE;
use crate::error::Result;
use crate::event::Event;
use crate::id::{RecordKey, TokenFormat};
use crate::patience::until;
use crate::record::{Record, Version};
use crate::sessions::Sessions;
use crate::store::{Cursor, Filter, Replaced, Select};
use crate::stored::{StoredSession, is_session};
use crate::timer::sleep;
use crate::watched::Watched;

/// How many sessions of a page are ended at once: a store that commits together what comes together waits for its disk less often.
const AT_ONCE: usize = 32;

/// How long it waits after a page of which something was ended, for the requests: as [`Sweeper`](crate::Sweeper) does.
const PAUSE: Duration = Duration::from_millis(10);

type Predicate<'a> = dyn Fn(&StoredSession) -> bool + Send + Sync + 'a;
type Progress<'a> = dyn Fn(&CleanedUp) + Send + Sync + 'a;

/// Ends live sessions that fulfil every condition that was set; made by [`Sessions::cleanup`].
///
/// ```
/// # async fn f(sessions: session_core::Sessions) -> session_core::Result<()> {
/// use std::time::Duration;
///
/// let month = Duration::from_secs(30 * 24 * 3600);
/// let would = sessions.cleanup().older_than(month).matching(|session| session.contains_key("cart")).dry_run().run().await?;
/// println!("{} of {} sessions have an old cart", would.matched, would.seen);
/// # Ok(()) }
/// ```
#[must_use = "nothing is done before `run`"]
pub struct Cleanup<'a> {
    sessions: &'a Sessions,
    older_than: Option<Duration>,
    account: Option<String>,
    matching: Option<Box<Predicate<'a>>>,
    on_progress: Option<Box<Progress<'a>>>,
    dry_run: bool,
}

/// What a cleanup has found and done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CleanedUp {
    /// How many live sessions were looked at.
    pub seen: u64,
    /// How many fulfilled the conditions.
    pub matched: u64,
    /// How many of these were ended; none in a dry run.
    pub removed: u64,
    /// How many could not be read. They were left as they are.
    pub unreadable: u64,
    /// Whether it was told to stop before it had looked at all.
    pub stopped: bool,
    /// The session that it has met last. A store that goes through its sessions by their keys, as files and SQL stores do, shows by it
    /// how far it is, for keys are spread evenly.
    pub reached: Option<RecordKey>,
}

/// What became of a session.
enum Judged {
    Spared,
    Matched,
    Removed,
    Unreadable,
}

impl Sessions {
    /// Begins to end sessions by what they are, whatever their deadline. Without a condition that is every one.
    pub fn cleanup(&self) -> Cleanup<'_> {
        Cleanup {
            sessions: self,
            older_than: None,
            account: None,
            matching: None,
            on_progress: None,
            dry_run: false,
        }
    }
}

impl<'a> Cleanup<'a> {
    /// Those that were last active longer ago than this.
    pub fn older_than(self, age: Duration) -> Self {
        Self { older_than: Some(age), ..self }
    }

    /// Those of this account.
    pub fn of_account(self, account: impl Into<String>) -> Self {
        Self { account: Some(account.into()), ..self }
    }

    /// Those for which this says so.
    pub fn matching(self, predicate: impl Fn(&StoredSession) -> bool + Send + Sync + 'a) -> Self {
        Self { matching: Some(Box::new(predicate)), ..self }
    }

    /// Is told after each page of sessions what was done so far.
    pub fn on_progress(self, on_progress: impl Fn(&CleanedUp) + Send + Sync + 'a) -> Self {
        Self { on_progress: Some(Box::new(on_progress)), ..self }
    }

    /// Counts, and ends nothing.
    pub fn dry_run(self) -> Self {
        Self { dry_run: true, ..self }
    }

    /// Does it. A session that a request changes meanwhile is judged again by what it is then.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`](crate::Error::Unsupported) where sessions live in cookies; that of the store, and what was ended before
    /// stays ended.
    pub async fn run(self) -> Result<CleanedUp> {
        self.run_until(std::future::pending()).await
    }

    /// Does it until `stop` is ready, which is looked at after each page. Begun again, it goes on with what is left.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    pub async fn run_until(self, stop: impl Future<Output = ()>) -> Result<CleanedUp> {
        let store = self.sessions.store("look through its sessions")?;
        let can = store.capabilities();
        // Sessions that have not moved from Django's format are in no index.
        let indexed = can.accounts && can.tokens != TokenFormat::SplitFromPlain;
        let by_index = self.account.as_deref().filter(|_| indexed);
        let of = by_index.map_or(Filter::All, Filter::Account);
        let (mut done, mut after) = (CleanedUp::default(), None::<Cursor>);
        let mut stop = pin!(stop);
        loop {
            let page = store.page(of, after, PAGE, self.now()).await?;
            let before = done.removed;
            done.unreadable += page.unreadable;
            done.reached = page.records.last().map(|(key, _)| *key).or(done.reached);
            let mut records = page.records.into_iter().filter(|(key, record)| is_session(key, record));
            loop {
                let some = records.by_ref().take(AT_ONCE).map(|(key, record)| self.judge(store, key, record));
                let judged = try_join_all(some).await?;
                if judged.is_empty() {
                    break;
                }
                judged.iter().for_each(|judged| done.note(judged));
            }
            if let Some(on_progress) = &self.on_progress {
                on_progress(&done);
            }
            after = page.next;
            if after.is_none() {
                break;
            }
            let pause = if done.removed > before { PAUSE } else { Duration::ZERO };
            if until(stop.as_mut(), sleep(pause)).await.is_none() {
                done.stopped = true;
                break;
            }
        }
        if done.removed > 0 {
            self.sessions.tell(&Event::Revoked { count: done.removed });
        }
        Ok(done)
    }

    async fn judge(&self, store: &Watched, key: RecordKey, mut stored: Record) -> Result<Judged> {
        loop {
            let session = StoredSession::read(self.sessions, &key, stored.clone());
            if session.fault().is_some() {
                return Ok(Judged::Unreadable);
            }
            if !self.fits(&session) {
                return Ok(Judged::Spared);
            }
            if self.dry_run {
                return Ok(Judged::Matched);
            }
            match end_if_still(store, &key, &stored, self.now()).await? {
                Replaced::Done => return Ok(Judged::Removed),
                Replaced::Conflict(fresh) => stored = *fresh,
                Replaced::Gone => return Ok(Judged::Spared),
            }
        }
    }

    fn fits(&self, session: &StoredSession) -> bool {
        // Of no age at all is everybody, also who was seen by a clock that is ahead of this one.
        let is_old = |age: Duration| age.is_zero() || self.now().since(session.last_active()) > age;
        self.older_than.is_none_or(is_old)
            && self.account.as_deref().is_none_or(|account| session.account() == Some(account))
            && self.matching.as_ref().is_none_or(|matching| matching(session))
    }

    fn now(&self) -> Time {
        self.sessions.settings().clock.now()
    }
}

impl CleanedUp {
    fn note(&mut self, judged: &Judged) {
        self.seen += 1;
        match judged {
            Judged::Spared => {}
            Judged::Matched => self.matched += 1,
            Judged::Removed => {
                self.matched += 1;
                self.removed += 1;
            }
            Judged::Unreadable => self.unreadable += 1,
        }
    }
}

/// Ends a session if nobody has written it since: by a deadline that has come by everybody's clock, for which there is a compare-and-set.
/// In Django's format a deadline stands in the text as well, so there it is removed.
async fn end_if_still(store: &Watched, key: &RecordKey, was: &Record, now: Time) -> Result<Replaced> {
    if was.secret.is_none() {
        let is_here = store.reload(key, now).await?.is_some_and(|there| there.secret.is_none());
        if !is_here {
            // It has ended, or moved to this project's format, where it is met again.
            return Ok(Replaced::Gone);
        }
        let removed = store.remove(Select::One(key), now).await?;
        return Ok(if removed > 0 { Replaced::Done } else { Replaced::Gone });
    }
    let version = Version { seq: was.version.next_seq(), nonce: crate::id::random_nonce()? };
    let ended = Record { version, expires_at: Time::from_millis(0), account: None, ..was.clone() };
    Ok(store.replace(key, key, &ended, was, now).await?)
}

impl fmt::Debug for Cleanup<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cleanup")
            .field("older_than", &self.older_than)
            .field("dry_run", &self.dry_run)
            .finish_non_exhaustive()
    }
}
