//! A key that is taken: chance has drawn it twice, or it is our own. And a write that arrives late.

#![expect(clippy::unwrap_used, reason = "a test fails where it is")]

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};

use session_core::store::{
    Capabilities, Cursor, Filter, Inserted, Page, Replaced, Select, SessionStore, StoreError, StoreErrorKind,
    StoreResult,
};
use session_core::testing::{Probe, Verb, Visitor};
use session_core::{Record, RecordKey, SecretHash, Sessions, Settings, Time, TokenFormat, Version};
use session_memory::MemoryStore;

/// A store in which the first key is taken.
#[derive(Debug)]
struct Crowded {
    store: Probe,
    by: By,
    inserts: AtomicU32,
    replacements: AtomicU32,
}

#[derive(Clone, Copy, Debug)]
enum By {
    /// Somebody has drawn it a moment before.
    Another,
    /// The first try was given up, and arrives only with the second. A replacement, too.
    Us,
    /// Nobody, and the tokens are Django's, which have no secret: a rotation is another key.
    #[cfg(feature = "django")]
    Nobody,
}

impl By {
    fn tokens(self) -> TokenFormat {
        match self {
            #[cfg(feature = "django")]
            Self::Nobody => TokenFormat::Plain,
            Self::Another | Self::Us => TokenFormat::Split,
        }
    }
}

impl Crowded {
    fn of(store: &Probe, by: By) -> Self {
        Self { store: store.clone(), by, inserts: AtomicU32::new(0), replacements: AtomicU32::new(0) }
    }

    fn sessions(store: &Probe, by: By) -> Sessions {
        Sessions::new(Self::of(store, by), Settings::default()).unwrap()
    }
}

impl SessionStore for Crowded {
    fn capabilities(&self) -> Capabilities {
        let mut capabilities = self.store.capabilities();
        capabilities.tokens = self.by.tokens();
        capabilities
    }
    async fn insert(&self, key: &RecordKey, record: &Record, now: Time) -> StoreResult<Inserted> {
        match (self.by, self.inserts.fetch_add(1, Ordering::SeqCst)) {
            (By::Another, 0) => {
                let theirs = Version { seq: 7, nonce: 7 };
                let secret = Some(SecretHash::from_bytes([7; 32]));
                let theirs = Record { version: theirs, secret, ..record.clone() };
                assert_eq!(self.store.insert(key, &theirs, now).await?, Inserted::Done);
            }
            (By::Us, 0) => return Err(StoreError::new(StoreErrorKind::Unavailable, "no answer")),
            (By::Us, 1) => assert_eq!(self.store.insert(key, record, now).await?, Inserted::Done),
            _ => {}
        }
        self.store.insert(key, record, now).await
    }
    async fn load(&self, key: &RecordKey, now: Time) -> StoreResult<Option<Record>> {
        self.store.load(key, now).await
    }
    async fn replace(
        &self,
        key: &RecordKey,
        to: &RecordKey,
        record: &Record,
        was: &Record,
        now: Time,
    ) -> StoreResult<Replaced> {
        if key != to {
            // As a table does whose keys are Django's.
            assert_eq!(self.store.insert(to, record, now).await?, Inserted::Done);
            self.store.remove(Select::One(key), now).await?;
            return Ok(Replaced::Done);
        }
        match (self.by, self.replacements.fetch_add(1, Ordering::SeqCst)) {
            (By::Us, 0) => return Err(StoreError::new(StoreErrorKind::Unavailable, "no answer")),
            (By::Us, 1) => {
                assert_eq!(self.store.replace(key, to, record, was, now).await?, Replaced::Done);
            }
            _ => {}
        }
        self.store.replace(key, to, record, was, now).await
    }
    async fn touch(&self, key: &RecordKey, until: Time, was: &Record, now: Time) -> StoreResult<bool> {
        self.store.touch(key, until, was, now).await
    }
    async fn remove(&self, what: Select<'_>, now: Time) -> StoreResult<u64> {
        self.store.remove(what, now).await
    }
    async fn page(
        &self,
        of: Filter<'_>,
        after: Option<Cursor>,
        limit: NonZeroU32,
        now: Time,
    ) -> StoreResult<Page> {
        self.store.page(of, after, limit, now).await
    }
    async fn purge(&self, now: Time, batch: NonZeroU32) -> StoreResult<u64> {
        self.store.purge(now, batch).await
    }
    async fn ping(&self) -> StoreResult<()> {
        self.store.ping().await
    }
}

/// T36, actix-session 5: another key is drawn, and the other's session is as it was.
#[tokio::test]
async fn a_key_that_is_taken_is_drawn_again() {
    let store = Probe::new(MemoryStore::new());
    let mut v = Visitor::new(&Crowded::sessions(&store, By::Another));
    v.visit(200, async |s| s.insert("n", 1)).await.unwrap();
    assert_eq!(store.calls_of(Verb::Insert), 3);
    let now = session_core::Clock::now(&session_core::SystemClock);
    let page = store.page(Filter::All, None, 10.try_into().unwrap(), now).await.unwrap();
    let (theirs, ours): (Vec<_>, Vec<_>) =
        page.records.iter().partition(|(_, record)| record.version == Version { seq: 7, nonce: 7 });
    assert_eq!((theirs.len(), ours.len()), (1, 1));
    assert_eq!(&v.cookie().unwrap()[..25], ours[0].0.as_str());
    assert_eq!(v.visit(200, async |s| s.get("n")).await.unwrap(), Some(1));
}

/// No record is left of which nobody has the cookie.
#[tokio::test]
async fn a_key_that_is_taken_by_ourselves_is_ours() {
    let store = Probe::new(MemoryStore::new());
    let mut v = Visitor::new(&Crowded::sessions(&store, By::Us));
    v.visit(200, async |s| s.insert("n", 1)).await.unwrap();
    let now = session_core::Clock::now(&session_core::SystemClock);
    let page = store.page(Filter::All, None, 10.try_into().unwrap(), now).await.unwrap();
    assert_eq!((page.records.len(), store.calls_of(Verb::Insert)), (1, 2), "nothing is left to be done");
    assert_eq!(&v.cookie().unwrap()[..25], page.records[0].0.as_str());
    assert_eq!(v.visit(200, async |s| s.get("n")).await.unwrap(), Some(1));
}

/// What was found not to have been done arrives before it is tried again: the session has it once.
#[tokio::test]
async fn a_write_that_arrives_late_is_ours() {
    let store = Probe::new(MemoryStore::new());
    let mut v = Visitor::new(&Crowded::sessions(&store, By::Us));
    v.visit(200, async |s| s.insert("n", 1)).await.unwrap();
    v.visit(200, async |s| s.update("n", |n: &mut u32| *n += 1)).await.unwrap();
    assert_eq!(store.calls_of(Verb::Replace), 2, "nothing is left to be done");
    assert_eq!(v.visit(200, async |s| s.get("n")).await.unwrap(), Some(2));
}

/// Nothing has the new key, so nothing was done.
#[cfg(feature = "django")]
#[tokio::test]
async fn a_rotation_that_was_not_stored_is_tried_again() {
    use session_core::{AnyStore, SecretKeys};

    let store = Probe::new(MemoryStore::new());
    let djangos =
        AnyStore::new(Crowded::of(&store, By::Nobody)).with_django_format(&SecretKeys::new("secret"));
    let mut v = Visitor::new(&Sessions::new(djangos, Settings::default()).unwrap());
    v.visit(200, async |s| s.insert("n", 1)).await.unwrap();
    let old = v.cookie().map(str::to_owned);
    store.fail_next(Verb::Insert, session_core::testing::When::Before);
    v.visit(200, async |s| s.rotate()).await.unwrap();
    assert_ne!(v.cookie().map(str::to_owned), old);
    assert_eq!(v.visit(200, async |s| s.get("n")).await.unwrap(), Some(1));
}
