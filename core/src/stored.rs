//! Sessions as they lie in their store: for an administrator's list, a cleanup, a command line.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use serde::de::DeserializeOwned;

use crate::clock::Time;
use crate::entries::Entries;
use crate::error::{Error, Result};
use crate::expiry::Expiry;
use crate::id::RecordKey;
use crate::journal::Content;
use crate::key::AsKey;
use crate::migrating::is_tombstone;
use crate::record::Record;
use crate::sessions::Sessions;
use crate::store::{Cursor, Filter};
use crate::sweeper::LEASE_KEY;

/// A session in its store, as nobody's request sees it. It has no secret: it can be looked at, and not used.
#[derive(Debug)]
pub struct StoredSession {
    handle: RecordKey,
    record: Record,
    content: Result<Content>,
}

/// A part of a list of stored sessions; made by [`Sessions::page`].
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct StoredPage {
    /// The sessions, in the store's own order.
    pub sessions: Vec<StoredSession>,
    /// How many more are there that the store itself cannot read. They are left as they are.
    pub unreadable: u64,
    /// Where to go on; `None` at the end.
    pub next: Option<Cursor>,
}

impl StoredSession {
    pub(crate) fn read(sessions: &Sessions, key: &RecordKey, mut record: Record) -> Self {
        let content = sessions.read(key, &mut record);
        Self { handle: *sessions.token_of(key).key(), record, content }
    }

    /// Its public handle. In Django's format, which has none, it is the key, and opens the session: see [`RecordKey`].
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

    /// When it ends however busy it is.
    pub fn absolute_end(&self) -> Option<Time> {
        self.record.details.absolute_at
    }

    /// When somebody last signed in.
    pub fn authenticated(&self) -> Option<Time> {
        self.record.details.authenticated_at
    }

    /// Its own expiry, where it has one.
    pub fn expiry(&self) -> Option<Expiry> {
        self.record.details.expiry
    }

    /// What the application noted about it.
    pub fn meta(&self) -> &BTreeMap<String, String> {
        &self.record.details.meta
    }

    /// Who is signed in.
    pub fn account(&self) -> Option<&str> {
        self.record.account.as_deref()
    }

    /// How many bytes its data takes in the store.
    pub fn size(&self) -> usize {
        self.record.data.len()
    }

    /// Why its values cannot be read, where they cannot: damaged, or encrypted with another key. It has none then.
    pub fn fault(&self) -> Option<&Error> {
        self.content.as_ref().err()
    }

    #[expect(clippy::needless_pass_by_value, reason = "as in `Session::get`")]
    /// The value under the key; `None` also where it is of another type.
    pub fn get<T: DeserializeOwned>(&self, key: impl AsKey<T>) -> Option<T> {
        self.entries()?.get(key.name())?.get()
    }

    /// Whether there is a value under the key.
    pub fn contains_key(&self, key: impl AsRef<str>) -> bool {
        self.entries().is_some_and(|entries| entries.get(key.as_ref()).is_some())
    }

    /// All values, as the text of a JSON object.
    pub fn to_json(&self) -> String {
        let json = self.entries().map_or_else(|| b"{}".to_vec(), Entries::to_json);
        String::from_utf8_lossy(&json).into_owned()
    }

    fn entries(&self) -> Option<&Entries> {
        self.content.as_ref().ok().map(|content| &content.entries)
    }
}

/// # What is stored
impl Sessions {
    /// Live sessions with what is in them, at most `limit`, after where an earlier page ended. For an account's own list of devices
    /// there is [`sessions_of`](Self::sessions_of), which reads no values.
    ///
    /// ```
    /// # async fn f(sessions: session_core::Sessions) -> session_core::Result<()> {
    /// use session_core::store::Filter;
    /// use std::num::NonZeroU32;
    ///
    /// let (limit, mut after) = (NonZeroU32::new(500).unwrap(), None);
    /// loop {
    ///     let page = sessions.page(Filter::All, after, limit).await?;
    ///     for session in page.sessions {
    ///         println!("{} of {:?} until {}", session.handle(), session.account(), session.expires());
    ///     }
    ///     after = page.next;
    ///     if after.is_none() {
    ///         break;
    ///     }
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] where sessions live in cookies; that of the store, which is `Unsupported` too where it is asked for an
    /// account and knows none.
    pub async fn page(&self, of: Filter<'_>, after: Option<Cursor>, limit: NonZeroU32) -> Result<StoredPage> {
        let store = self.store("list its sessions")?;
        let page = store.page(of, after, limit, self.settings().clock.now()).await?;
        let records = page.records.into_iter().filter(|(key, record)| is_session(key, record));
        let sessions = records.map(|(key, record)| StoredSession::read(self, &key, record)).collect();
        Ok(StoredPage { sessions, unreadable: page.unreadable, next: page.next })
    }

    /// The live session of this handle, to look at; to change it there is [`open`](Self::open).
    pub async fn look_up(&self, handle: &RecordKey) -> Result<Option<StoredSession>> {
        let store = self.store("look up a session")?;
        let record = store.load(handle, self.settings().clock.now()).await?;
        let record = record.filter(|record| is_session(handle, record));
        Ok(record.map(|record| StoredSession::read(self, handle, record)))
    }
}

/// Not what core keeps beside them: the sweeper's lease, and the places of sessions that have ended while they moved.
pub(crate) fn is_session(key: &RecordKey, record: &Record) -> bool {
    key.as_str() != LEASE_KEY && !is_tombstone(record)
}
