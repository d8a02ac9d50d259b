//! Removing sessions that have not expired: by age, by account, by what is in them.

use std::fmt;
use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::clock::Time;
use crate::devices::PAGE;
use crate::entries::Entries;
use crate::error::Result;
use crate::event::Event;
use crate::id::{RecordKey, TokenFormat};
use crate::journal::Content;
use crate::key::AsKey;
use crate::record::{Record, Version};
use crate::sessions::Sessions;
use crate::store::{Cursor, Filter, Replaced, Select};
use crate::sweeper::LEASE_KEY;
use crate::watched::Watched;

type Predicate<'a> = dyn Fn(&StoredSession<'_>) -> bool + Send + Sync + 'a;
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
}

/// A session in its store, as a cleanup looks at it.
#[derive(Debug)]
pub struct StoredSession<'a> {
    handle: RecordKey,
    record: &'a Record,
    content: &'a Content,
}

impl StoredSession<'_> {
    /// Its public handle.
    pub fn handle(&self) -> RecordKey {
        self.handle
    }

    /// When it began.
    pub fn created(&self) -> Time {
        self.record.created_at
    }

    /// When it was last written, or used where use counts.
    pub fn last_active(&self) -> Time {
        self.record.last_active
    }

    /// When it ends if it is not used again.
    pub fn expires(&self) -> Time {
        self.record.expires_at
    }

    /// Who is signed in.
    pub fn account(&self) -> Option<&str> {
        self.record.account.as_deref()
    }

    #[expect(clippy::needless_pass_by_value, reason = "as in `Session::get`")]
    /// The value under the key; `None` also where it is of another type.
    pub fn get<T: DeserializeOwned>(&self, key: impl AsKey<T>) -> Option<T> {
        self.entries().get(key.name())?.get()
    }

    /// Whether there is a value under the key.
    pub fn contains_key(&self, key: impl AsRef<str>) -> bool {
        self.entries().get(key.as_ref()).is_some()
    }

    /// All values, as the text of a JSON object.
    pub fn to_json(&self) -> String {
        String::from_utf8_lossy(&self.entries().to_json()).into_owned()
    }

    fn entries(&self) -> &Entries {
        &self.content.entries
    }
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
    pub fn matching(self, predicate: impl Fn(&StoredSession<'_>) -> bool + Send + Sync + 'a) -> Self {
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
        let store = self.sessions.store("look through its sessions")?;
        let can = store.capabilities();
        // Sessions that have not moved from Django's format are in no index.
        let indexed = can.accounts && can.tokens != TokenFormat::SplitFromPlain;
        let by_index = self.account.as_deref().filter(|_| indexed);
        let of = by_index.map_or(Filter::All, Filter::Account);
        let (mut done, mut after) = (CleanedUp::default(), None::<Cursor>);
        loop {
            let page = store.page(of, after, PAGE, self.now()).await?;
            done.unreadable += page.unreadable;
            for (key, record) in page.records {
                if key.as_str() != LEASE_KEY {
                    self.judge(store, key, record, &mut done).await?;
                }
            }
            if let Some(on_progress) = &self.on_progress {
                on_progress(&done);
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        if done.removed > 0 {
            self.sessions.tell(&Event::Revoked { count: done.removed });
        }
        Ok(done)
    }

    async fn judge(
        &self,
        store: &Watched,
        key: RecordKey,
        mut stored: Record,
        done: &mut CleanedUp,
    ) -> Result<()> {
        done.seen += 1;
        loop {
            let mut record = stored.clone();
            let Ok(content) = self.sessions.read(&key, &mut record) else {
                done.unreadable += 1;
                return Ok(());
            };
            let handle = *self.sessions.token_of(&key).key();
            if !self.fits(&StoredSession { handle, record: &record, content: &content }) {
                return Ok(());
            }
            if self.dry_run {
                done.matched += 1;
                return Ok(());
            }
            match end_if_still(store, &key, &stored, self.now()).await? {
                Replaced::Done => {
                    done.matched += 1;
                    done.removed += 1;
                    return Ok(());
                }
                Replaced::Conflict(fresh) => stored = *fresh,
                Replaced::Gone => return Ok(()),
            }
        }
    }

    fn fits(&self, session: &StoredSession<'_>) -> bool {
        let is_old = |age| self.now().since(session.last_active()) > age;
        self.older_than.is_none_or(is_old)
            && self.account.as_deref().is_none_or(|account| session.account() == Some(account))
            && self.matching.as_ref().is_none_or(|matching| matching(session))
    }

    fn now(&self) -> Time {
        self.sessions.settings().clock.now()
    }
}

/// Ends a session if nobody has written it since: by a deadline that has come, for which there is a compare-and-set. In Django's
/// format a deadline stands in the text as well, so there it is removed.
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
    let ended = Record { version, expires_at: now, account: None, ..was.clone() };
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
