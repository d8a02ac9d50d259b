//! Two stores as one, while a site moves from one to the other.

use std::num::NonZeroU32;
use std::time::Duration;

use bytes::Bytes;

use crate::any_store::AnyStore;
use crate::clock::Time;
use crate::error::SettingsError;
use crate::id::RecordKey;
use crate::record::{Details, Record, Version};
use crate::store::{
    Capabilities, Cursor, Filter, Inserted, Page, Replaced, Select, SessionStore, StoreError, StoreErrorKind,
    StoreResult,
};

/// Sessions that move from an old store to a new one without anybody being signed out: what the new one does not have is read from
/// the old one, and what is written goes to the new one, and leaves the old one.
///
/// A session moves with its first save. When the longest-lived of those that nobody saves has expired (the cookie's age after the
/// change), the old store is empty and can go. All nodes must change at once: one that still writes to the old store alone does not see
/// what has moved.
///
/// ```
/// # use session_memory::MemoryStore;
/// # use session_core::{MigratingStore, Sessions, Settings};
/// # let (old, new) = (MemoryStore::new(), MemoryStore::new());
/// let sessions = Sessions::new(MigratingStore::new(old, new)?, Settings::default())?;
/// # Ok::<(), session_core::SettingsError>(())
/// ```
///
/// # What holds
///
/// All that holds on a store, also while a session moves: of two writers neither loses anything, and one that was ended stays ended.
/// Whoever ends a session that has not moved first puts a *tombstone* into the new store, so that a writer who is about to move it
/// finds its place taken. A process that is killed while it moves a session leaves it in both stores; then the new one counts.
///
/// A listing shows the old store's sessions first; one that moves while it is being listed may be in it twice.
#[derive(Clone, Debug)]
pub struct MigratingStore {
    old: AnyStore,
    new: AnyStore,
}

/// What a tombstone holds: no format writes it.
const TOMBSTONE: &[u8] = b"ended";
/// Longer than any save may take.
const STANDS_FOR: Duration = Duration::from_secs(120);
/// How often an ending is tried that finds the session on its way.
const TRIES: usize = 8;
const RESTLESS: &str = "the session is being moved to another store again and again: try again";

/// Before the cursor of a listing's part.
const OF_OLD: &str = "old:";
const OF_NEW: &str = "new:";

impl MigratingStore {
    /// From one store to another of the same kind of tokens, as all are but Django's.
    ///
    /// # Errors
    ///
    /// [`SettingsError::Format`] where one has tokens of this project's and the other keys of Django's.
    pub fn new(old: impl SessionStore, new: impl SessionStore) -> Result<Self, SettingsError> {
        let (old, new) = (AnyStore::new(old), AnyStore::new(new));
        if old.capabilities().tokens == new.capabilities().tokens {
            Ok(Self { old, new })
        } else {
            Err(SettingsError::Format(
                "sessions in Django's format and in this project's have different cookies, so that one store cannot hold both",
            ))
        }
    }

    /// A session that the new store does not have: moves it, if it still is `was`.
    async fn take_over(
        &self,
        key: &RecordKey,
        to: &RecordKey,
        record: &Record,
        was: &Record,
        now: Time,
    ) -> StoreResult<Replaced> {
        match self.old.reload(key, now).await? {
            None => return Ok(Replaced::Gone),
            Some(there) if there.version != was.version => return Ok(Replaced::Conflict(Box::new(there))),
            Some(_) => {}
        }
        if self.new.insert(to, record, now).await? == Inserted::Taken {
            // Another request has moved it, or ended it, a moment ago.
            let there = self.new.reload(to, now).await?.filter(|record| !is_tombstone(record));
            return Ok(there.map_or(Replaced::Gone, |there| Replaced::Conflict(Box::new(there))));
        }
        if self.old.remove(Select::One(key), now).await? > 0 {
            return Ok(Replaced::Done);
        }
        // Somebody has ended it meanwhile, or moved it to another key.
        self.new.remove(Select::One(to), now).await?;
        Ok(Replaced::Gone)
    }

    /// Ends one session, wherever it is.
    async fn end(&self, key: &RecordKey, what: Select<'_>, now: Time) -> StoreResult<u64> {
        for _ in 0..TRIES {
            match self.new.reload(key, now).await? {
                Some(there) if is_tombstone(&there) => return Ok(0),
                Some(_) => {
                    let ended = self.new.remove(what, now).await?;
                    if ended > 0 {
                        // What a killed process may have left.
                        self.old.remove(Select::One(key), now).await?;
                    }
                    return Ok(ended);
                }
                None => {}
            }
            let there = self.old.reload(key, now).await?;
            if !there.is_some_and(|there| is_meant(&there, what)) {
                return Ok(0);
            }
            if self.new.insert(key, &tombstone(now), now).await? == Inserted::Done {
                return self.old.remove(what, now).await;
            }
        }
        Err(StoreError::new(StoreErrorKind::Unavailable, RESTLESS))
    }

    async fn end_account(&self, account: &str, except: Option<&RecordKey>, now: Time) -> StoreResult<u64> {
        const PART: NonZeroU32 = NonZeroU32::new(500).unwrap();
        let (mut ended, mut after) = (0, None);
        loop {
            let page = self.old.page(Filter::Account(account), after, PART, now).await?;
            for (key, _) in page.records.iter().filter(|(key, _)| Some(key) != except) {
                ended += self.end(key, Select::One(key), now).await?;
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        Ok(ended + self.new.remove(Select::Account { account, except }, now).await?)
    }
}

impl SessionStore for MigratingStore {
    fn capabilities(&self) -> Capabilities {
        let (old, new) = (self.old.capabilities(), self.new.capabilities());
        Capabilities {
            tokens: new.tokens,
            accounts: old.accounts && new.accounts,
            durable: old.durable && new.durable,
            shared: old.shared && new.shared,
            max_staleness: old.max_staleness.max(new.max_staleness),
        }
    }

    /// In the new store alone: a key that was drawn is in neither.
    async fn insert(&self, key: &RecordKey, record: &Record, now: Time) -> StoreResult<Inserted> {
        self.new.insert(key, record, now).await
    }

    async fn load(&self, key: &RecordKey, now: Time) -> StoreResult<Option<Record>> {
        match self.new.load(key, now).await? {
            Some(there) => Ok(Some(there).filter(|record| !is_tombstone(record))),
            None => self.old.load(key, now).await,
        }
    }

    async fn reload(&self, key: &RecordKey, now: Time) -> StoreResult<Option<Record>> {
        match self.new.reload(key, now).await? {
            Some(there) => Ok(Some(there).filter(|record| !is_tombstone(record))),
            None => self.old.reload(key, now).await,
        }
    }

    async fn replace(
        &self,
        key: &RecordKey,
        to: &RecordKey,
        record: &Record,
        was: &Record,
        now: Time,
    ) -> StoreResult<Replaced> {
        match self.new.replace(key, to, record, was, now).await? {
            Replaced::Gone => self.take_over(key, to, record, was, now).await,
            Replaced::Conflict(there) if is_tombstone(&there) => Ok(Replaced::Gone),
            answer => Ok(answer),
        }
    }

    /// Where it is: a use alone moves nothing.
    async fn touch(&self, key: &RecordKey, until: Time, was: &Record, now: Time) -> StoreResult<bool> {
        Ok(self.new.touch(key, until, was, now).await? || self.old.touch(key, until, was, now).await?)
    }

    async fn remove(&self, what: Select<'_>, now: Time) -> StoreResult<u64> {
        match what {
            Select::One(key) | Select::Presented(key, _) => self.end(key, what, now).await,
            Select::Account { account, except } => self.end_account(account, except, now).await,
        }
    }

    async fn page(
        &self,
        of: Filter<'_>,
        after: Option<Cursor>,
        limit: NonZeroU32,
        now: Time,
    ) -> StoreResult<Page> {
        let place = after.as_ref().map(Cursor::as_str);
        let of_new = place.and_then(|place| place.strip_prefix(OF_NEW));
        if let Some(place) = of_new {
            let after = Some(place).filter(|place| !place.is_empty()).map(Cursor::new);
            let mut page = self.new.page(of, after, limit, now).await?;
            page.records.retain(|(_, record)| !is_tombstone(record));
            page.next = page.next.map(|next| Cursor::new(format!("{OF_NEW}{}", next.as_str())));
            return Ok(page);
        }
        let after = place.and_then(|place| place.strip_prefix(OF_OLD)).map(Cursor::new);
        let mut page = self.old.page(of, after, limit, now).await?;
        // After the old store's last page comes the new store's first.
        let next = page.next.map_or_else(|| OF_NEW.to_owned(), |next| format!("{OF_OLD}{}", next.as_str()));
        page.next = Some(Cursor::new(next));
        Ok(page)
    }

    async fn purge(&self, now: Time, batch: NonZeroU32) -> StoreResult<u64> {
        let removed = self.old.purge(now, batch).await?;
        let left = u32::try_from(removed).ok().and_then(|removed| batch.get().checked_sub(removed));
        match left.and_then(NonZeroU32::new) {
            Some(left) => Ok(removed + self.new.purge(now, left).await?),
            None => Ok(removed),
        }
    }

    async fn ping(&self) -> StoreResult<()> {
        self.old.ping().await?;
        self.new.ping().await
    }
}

/// Keeps the place of a session that was ended before it moved.
fn tombstone(now: Time) -> Record {
    Record {
        version: Version { seq: Version::UNORDERED, nonce: 0 },
        created_at: now,
        last_active: now,
        expires_at: now + STANDS_FOR,
        account: None,
        secret: None,
        details: Details::new(now),
        data: Bytes::from_static(TOMBSTONE),
    }
}

fn is_tombstone(record: &Record) -> bool {
    record.data == TOMBSTONE
}

/// Whether a removal of one session is about this record.
fn is_meant(record: &Record, what: Select<'_>) -> bool {
    match what {
        Select::Presented(_, secret) => record.secret.as_ref() == Some(secret),
        Select::One(_) | Select::Account { .. } => true,
    }
}
