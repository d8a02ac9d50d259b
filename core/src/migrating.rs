//! Two stores as one, while a site moves from one to the other.

use std::num::NonZeroU32;
use std::time::Duration;

use bytes::Bytes;

use crate::any_store::AnyStore;
use crate::clock::Time;
use crate::details::Details;
use crate::error::SettingsError;
use crate::id::{RecordKey, Token, TokenFormat, random_nonce};
use crate::record::{Record, Version};
use crate::store::{
    Capabilities, Cursor, Filter, Inserted, Page, Replaced, Select, SessionStore, StoreError, StoreErrorKind,
    StoreResult,
};

/// Sessions that move from an old store to a new one without anybody being signed out: what the new one does not have is read from
/// the old one, and what is written goes to the new one, and leaves the old one.
///
/// A session moves when it is saved for the first time, or its deadline moves. So the old store is empty, and can go, when the
/// longest-lived session that nobody uses has expired: with the default settings the cookie's age after the change. A
/// [`Migration`](crate::Migration) moves those too, for who does not want to wait. All nodes must change at once: one that still writes
/// to the old store alone does not see what has moved.
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
/// Whoever ends a session leaves a *tombstone* in the new store, for two minutes, so that a writer who is about to move it finds its
/// place taken. A process that is killed while it moves a session leaves it in both stores; then the new one counts, and the old one's
/// does not outlast it.
///
/// A listing shows the old store's sessions first; one that moves while it is being listed may be in it twice.
///
/// # From Django's format
///
/// With [`from_django`](Self::from_django) a session also gets a token of this project's as it moves: the answer brings another
/// cookie, and the old one is recognised until that has arrived, so that requests which a browser sends together all find the session.
/// What `django.contrib.auth` has written stays, for [`django::Auth`](crate::django::Auth).
///
/// Django's tables and files have no index by account: an account's list, and the count for `max_sessions`, have only its sessions
/// that have moved, and by a handle only those are ended; but whoever ends all of them (`revoke_account`, `revoke_others`) reads
/// through the whole old store.
#[derive(Clone, Debug)]
pub struct MigratingStore {
    pub(crate) old: AnyStore,
    pub(crate) new: AnyStore,
    /// Whether the old store is in Django's format, and the new one is not.
    from_django: bool,
}

/// What a tombstone holds: no format writes it.
const TOMBSTONE: &[u8] = b"ended";
/// Longer than any save may take.
const STANDS_FOR: Duration = Duration::from_secs(120);
/// Four times as long as Django keeps a session by its default settings.
const BURIED_FOR: Duration = Duration::from_secs(4 * 1_209_600);
/// In a tombstone's version.
const NO_WRITER: u64 = 0;
/// The most bytes of a session of Django's that is looked into for its account.
#[cfg(feature = "django")]
const MOST: usize = 16 << 20;
/// How often an ending is tried that finds the session on its way.
const TRIES: usize = 32;
const RESTLESS: &str = "the session is being moved to another store again and again: try again";

/// Before the cursor of a listing's part.
const OF_OLD: &str = "old:";
const OF_NEW: &str = "new:";

impl MigratingStore {
    /// From one store to another, both in this project's format.
    ///
    /// # Errors
    ///
    /// [`SettingsError::Format`] where one is in Django's.
    pub fn new(old: impl SessionStore, new: impl SessionStore) -> Result<Self, SettingsError> {
        let (old, new) = (AnyStore::new(old), AnyStore::new(new));
        if [&old, &new].iter().all(|store| store.capabilities().tokens == TokenFormat::Split) {
            Ok(Self { old, new, from_django: false })
        } else {
            Err(SettingsError::Format(
                "sessions move from Django's format with `MigratingStore::from_django`, and not into it",
            ))
        }
    }

    /// From a store in [Django's format](AnyStore::with_django_format) to one in this project's.
    ///
    /// ```
    /// # use session_core::{AnyStore, MigratingStore, SecretKeys, Sessions, Settings, SettingsError};
    /// # use session_core::store::SessionStore;
    /// # fn f(django_table: impl SessionStore, new: impl SessionStore) -> Result<(), SettingsError> {
    /// let keys = SecretKeys::new("the project's SECRET_KEY");
    /// let old = AnyStore::new(django_table).with_django_format(&keys);
    /// let sessions = Sessions::new(MigratingStore::from_django(old, new)?, Settings::default())?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`SettingsError::Format`] where the old store is not in Django's format, or the new one is.
    #[cfg(feature = "django")]
    pub fn from_django(old: AnyStore, new: impl SessionStore) -> Result<AnyStore, SettingsError> {
        let new = AnyStore::new(new);
        let kinds = (old.capabilities().tokens, new.capabilities().tokens);
        let fit = kinds == (TokenFormat::Plain, TokenFormat::Split);
        let Some(django) = old.django.clone().filter(|_| fit) else {
            return Err(SettingsError::Format(
                "to move from Django's format the old store must be in it (`AnyStore::with_django_format`), and the new one not",
            ));
        };
        let mut both = AnyStore::new(Self { old, new, from_django: true });
        both.django = Some(django);
        Ok(both)
    }

    /// From either format.
    pub(crate) fn of(old: AnyStore, new: AnyStore) -> Result<Self, SettingsError> {
        if old.django.is_none() {
            return Self::new(old, new);
        }
        if new.capabilities().tokens == TokenFormat::Split {
            return Ok(Self { old, new, from_django: true });
        }
        Err(SettingsError::Format("sessions do not move into Django's format"))
    }

    /// Whether it is a key of Django's, from which the session has another one in the new store.
    pub(crate) fn is_former(&self, key: &RecordKey) -> bool {
        self.from_django && !key.is_selector()
    }

    /// Where a session is that has moved.
    pub(crate) fn place(&self, key: &RecordKey) -> RecordKey {
        if self.is_former(key) { *Token::of_former(*key).key() } else { *key }
    }

    /// Whether the old store may have it.
    fn may_be_old(&self, key: &RecordKey) -> bool {
        !self.from_django || !key.is_selector()
    }

    /// What the new store has.
    async fn found(&self, key: &RecordKey, there: Record, now: Time) -> StoreResult<Option<Record>> {
        let ended = is_tombstone(&there);
        if self.is_former(key) || ended && self.may_be_old(key) {
            // What a process that was stopped in the middle may have left: of Django's key and the new one nobody else knows that they
            // are of one session.
            self.old.remove(Select::One(key), now).await?;
        }
        Ok(Some(there).filter(|_| !ended))
    }

    /// What the new store has by now, asked after the old one had nothing: between two looks a session may have moved.
    async fn moved(&self, key: &RecordKey, now: Time) -> StoreResult<Option<Record>> {
        let there = self.new.reload(&self.place(key), now).await?;
        Ok(there.filter(|record| !is_tombstone(record)))
    }

    /// A session that the new store does not have: moves it, if it still is `was`.
    ///
    /// Whoever is stopped before the old store is told leaves it there as well. It must not be found again when it has ended where it is
    /// now: so it has no later deadline there, from the beginning.
    pub(crate) async fn take_over(
        &self,
        key: &RecordKey,
        to: &RecordKey,
        record: &Record,
        was: &Record,
        now: Time,
    ) -> StoreResult<Replaced> {
        let there = match self.old.reload(key, now).await? {
            Some(there) if there.version != was.version => return Ok(Replaced::Conflict(Box::new(there))),
            there => there,
        };
        // One that ends by this takes the place all the same.
        let dead = (!record.is_live(now)).then(|| tombstone(now, now + STANDS_FOR));
        let record = dead.as_ref().unwrap_or(record);
        if let Some(there) =
            there.as_ref().filter(|there| dead.is_none() && record.expires_at < there.expires_at)
        {
            self.old.touch(key, record.expires_at, there, now).await?;
        }
        if there.is_none() || self.new.insert(to, record, now).await? == Inserted::Taken {
            // Another request has moved it, or ended it, a moment ago.
            let there = self.moved(key, now).await?;
            return Ok(there.map_or(Replaced::Gone, |there| Replaced::Conflict(Box::new(there))));
        }
        let was_there = self.old.remove(Select::One(key), now).await? > 0;
        // A key of Django's is removed by whoever finds the session moved.
        if was_there || self.is_former(key) {
            return Ok(Replaced::Done);
        }
        // It has expired there, another move of the same session has taken ours for done before and cleaned up, or somebody has ended
        // it: who does that, begins with the new store.
        Ok(if self.moved(to, now).await?.is_some() { Replaced::Done } else { Replaced::Gone })
    }

    /// Ends one session, wherever it is.
    async fn end(&self, key: &RecordKey, what: Select<'_>, now: Time) -> StoreResult<u64> {
        let place = self.place(key);
        for _ in 0..TRIES {
            match self.new.reload(&place, now).await? {
                Some(there) if is_tombstone(&there) => {
                    // Whoever put it may have been stopped before the old store was told.
                    return if self.may_be_old(key) { self.end_old(key, what, now).await } else { Ok(0) };
                }
                Some(there) => {
                    let Some(tombstone) = self.tombstone_of(&there, now) else {
                        return self.new.remove(what, now).await;
                    };
                    if !is_meant(&there, what) {
                        return Ok(0);
                    }
                    if self.new.replace(&place, &place, &tombstone, &there, now).await? == Replaced::Done {
                        self.forget(key, now).await?;
                        return Ok(1);
                    }
                    continue;
                }
                None if !self.may_be_old(key) => return Ok(0),
                None => {}
            }
            match self.old.reload(key, now).await? {
                Some(there) if self.is_former(key) || is_meant(&there, what) => {}
                None if self.moved(key, now).await?.is_some() => continue,
                Some(_) | None => return Ok(0),
            }
            if self.new.insert(&place, &tombstone(now, now + STANDS_FOR), now).await? == Inserted::Done {
                return self.end_old(key, what, now).await;
            }
        }
        Err(StoreError::new(StoreErrorKind::Unavailable, RESTLESS))
    }

    async fn end_old(&self, key: &RecordKey, what: Select<'_>, now: Time) -> StoreResult<u64> {
        self.old.remove(if self.is_former(key) { Select::One(key) } else { what }, now).await
    }

    /// What takes the place of a session that ends after it has moved; none where it was never in the old store.
    fn tombstone_of(&self, there: &Record, now: Time) -> Option<Record> {
        let until = match (self.from_django, &there.details.previous) {
            // Somebody may have read it in the old store, and not moved it yet.
            (false, _) => now + STANDS_FOR,
            // A process that was killed at the move may have left it there, under a key that cannot be told from the new one.
            (true, Some(_)) => there.expires_at.max(now + BURIED_FOR),
            (true, None) => return None,
        };
        // Later than any copy that a cache has.
        let version = Version { seq: there.version.next_seq(), nonce: random_nonce().unwrap_or(NO_WRITER) };
        Some(Record { version, ..tombstone(now, until) })
    }

    /// Removes what a process that was stopped in the middle of a move may have left.
    async fn forget(&self, key: &RecordKey, now: Time) -> StoreResult<()> {
        if self.may_be_old(key) {
            self.old.remove(Select::One(key), now).await?;
        }
        Ok(())
    }

    /// Of both stores, the old one first: what moves meanwhile is found in the new one.
    async fn end_account(&self, account: &str, except: Option<&RecordKey>, now: Time) -> StoreResult<u64> {
        let in_old = if self.from_django { Filter::All } else { Filter::Account(account) };
        let mut ended = self.end_each(&self.old, in_old, account, except, now).await?;
        ended += self.end_each(&self.new, Filter::Account(account), account, except, now).await?;
        // Who has signed in meanwhile.
        Ok(ended + self.new.remove(Select::Account { account, except }, now).await?)
    }

    async fn end_each(
        &self,
        store: &AnyStore,
        of: Filter<'_>,
        account: &str,
        except: Option<&RecordKey>,
        now: Time,
    ) -> StoreResult<u64> {
        const PART: NonZeroU32 = NonZeroU32::new(500).unwrap();
        let (mut ended, mut after) = (0, None);
        loop {
            let page = store.page(of, after, PART, now).await?;
            for (key, record) in page.records {
                if Some(&self.place(&key)) != except && self.account_of(record).as_deref() == Some(account) {
                    ended += self.end(&key, Select::One(&key), now).await?;
                }
            }
            after = page.next;
            if after.is_none() {
                return Ok(ended);
            }
        }
    }

    /// In Django's format an account stands in the text.
    fn account_of(&self, record: Record) -> Option<String> {
        match &self.old.django {
            #[cfg(feature = "django")]
            Some(django) if self.from_django && record.secret.is_none() => {
                django.read(&mut { record }, MOST).ok()?.account
            }
            _ => record.account,
        }
    }
}

impl SessionStore for MigratingStore {
    fn capabilities(&self) -> Capabilities {
        let (old, new) = (self.old.capabilities(), self.new.capabilities());
        Capabilities {
            tokens: if self.from_django { TokenFormat::SplitFromPlain } else { new.tokens },
            accounts: new.accounts && (old.accounts || self.from_django),
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
        match self.new.load(&self.place(key), now).await? {
            Some(there) => self.found(key, there, now).await,
            None if !self.may_be_old(key) => Ok(None),
            None => match self.old.load(key, now).await? {
                None => self.moved(key, now).await,
                there => Ok(there),
            },
        }
    }

    async fn reload(&self, key: &RecordKey, now: Time) -> StoreResult<Option<Record>> {
        match self.new.reload(&self.place(key), now).await? {
            Some(there) => self.found(key, there, now).await,
            None if !self.may_be_old(key) => Ok(None),
            None => match self.old.reload(key, now).await? {
                None => self.moved(key, now).await,
                there => Ok(there),
            },
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
        if self.is_former(key) {
            return self.take_over(key, to, record, was, now).await;
        }
        let dead = if record.is_live(now) { None } else { self.tombstone_of(was, now) };
        match self.new.replace(key, to, dead.as_ref().unwrap_or(record), was, now).await? {
            Replaced::Done if record.expires_at < was.expires_at => {
                self.forget(key, now).await?;
                Ok(Replaced::Done)
            }
            Replaced::Gone if !self.may_be_old(key) => Ok(Replaced::Gone),
            Replaced::Gone => self.take_over(key, to, record, was, now).await,
            Replaced::Conflict(there) if is_tombstone(&there) => Ok(Replaced::Gone),
            answer => Ok(answer),
        }
    }

    async fn touch(&self, key: &RecordKey, until: Time, was: &Record, now: Time) -> StoreResult<bool> {
        if self.is_former(key) {
            // It moves with a new token, which a touch does not bring.
            return self.old.touch(key, until, was, now).await;
        }
        if self.new.touch(key, until, was, now).await? {
            if until < was.expires_at {
                self.forget(key, now).await?;
            }
            return Ok(true);
        }
        if !self.may_be_old(key) {
            return Ok(false);
        }
        let touched = Record { expires_at: until, last_active: now, ..was.clone() };
        Ok(self.take_over(key, key, &touched, was, now).await? == Replaced::Done)
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
        let skips_old = self.from_django && matches!(of, Filter::Account(_));
        let of_new = place.map_or(skips_old.then_some(""), |place| place.strip_prefix(OF_NEW));
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
fn tombstone(now: Time, until: Time) -> Record {
    Record {
        version: Version { seq: Version::UNORDERED, nonce: NO_WRITER },
        created_at: now,
        last_active: now,
        expires_at: until,
        account: None,
        secret: None,
        details: Details::new(now),
        data: Bytes::from_static(TOMBSTONE),
    }
}

pub(crate) fn is_tombstone(record: &Record) -> bool {
    record.data == TOMBSTONE
}

/// Whether a removal of one session is about this record.
fn is_meant(record: &Record, what: Select<'_>) -> bool {
    match what {
        Select::Presented(_, secret) => record.secret.as_ref() == Some(secret),
        Select::One(_) | Select::Account { .. } => true,
    }
}
