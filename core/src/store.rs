//! The contract of a store, and its errors.
//!
//! A store keeps [`Record`]s under [`RecordKey`]s and never looks at a clock: every verb is told the time. It knows nothing of
//! cookies, secrets, formats or policies. It is good when [the conformance kit](crate::testing) passes on it.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use crate::clock::Time;
use crate::id::{RecordKey, SecretHash, TokenFormat};
use crate::record::{Head, Record};

/// The result of a store's verb.
pub type StoreResult<T> = std::result::Result<T, StoreError>;

/// Where sessions are kept on a server.
///
/// Each verb is **one atomic step** of the store's engine: a statement, a script, a section under one lock; never a check
/// followed by a write. Each must hold against other processes too, where the store is shared.
///
/// A record whose `expires_at` is not after `now` is *expired*: to every verb but [`purge`](Self::purge) it is as if it were not
/// there. An engine's own expiry may only collect what has long expired.
///
/// The test that pins each sentence is named in `[brackets]`: `session_core::testing::store::…`.
pub trait SessionStore: fmt::Debug + Send + Sync + 'static {
    /// Whether every verb is done when its future is first polled, as that of a store in this process's memory is. Such a store is
    /// called without an allocation. `[at_once_is_at_once]`
    const AT_ONCE: bool = false;

    /// What this store can do, so that what it cannot is known before it is tried.
    fn capabilities(&self) -> Capabilities;

    /// Stores a new record, if no live record has this key: then `Taken`, and nothing is changed. Of several inserts of one key
    /// one is `Done`. `[insert_has_one_winner]`
    fn insert(
        &self,
        key: &RecordKey,
        record: &Record,
        now: Time,
    ) -> impl Future<Output = StoreResult<Inserted>> + Send;

    /// The live record of this key, as it was written. Never creates anything. `[records_are_read_back_as_written]`
    fn load(&self, key: &RecordKey, now: Time) -> impl Future<Output = StoreResult<Option<Record>>> + Send;

    /// As [`load`](Self::load), past every cache: asked where a copy does not know a secret that may be newer than it. For a store
    /// without a cache they are the same.
    fn reload(&self, key: &RecordKey, now: Time) -> impl Future<Output = StoreResult<Option<Record>>> + Send {
        self.load(key, now)
    }

    /// The head of the live record of this key, for who has a copy of the rest (`session-cached`, with `with_verify`). It is what
    /// [`load`](Self::load) would say of it, but a store that can reads only these few bytes; this one is for those that cannot.
    /// `[a_head_is_that_of_the_record]`
    fn head(&self, key: &RecordKey, now: Time) -> impl Future<Output = StoreResult<Option<Head>>> + Send {
        async move { Ok(self.load(key, now).await?.map(|record| record.head())) }
    }

    /// Replaces the live record of `key` if it is still `was`, all of it, and moves it to `to` (which is `key`, but for a
    /// store of [`TokenFormat::Plain`] or [`TokenFormat::SplitFromPlain`]). It is still `was` if its version is; a store whose format has no version compares the
    /// data, as bytes. Where the version is another: `Conflict` with the present record, nothing changed.
    /// Where there is no live record: `Gone`, and none is made. `[replace_compares_and_sets]` `[the_dead_stay_dead]`
    fn replace(
        &self,
        key: &RecordKey,
        to: &RecordKey,
        record: &Record,
        was: &Record,
        now: Time,
    ) -> impl Future<Output = StoreResult<Replaced>> + Send;

    /// Sets `expires_at` to `until` and `last_active` to `now`, if there is a live record of this version; the version stays.
    /// Whether it did. `[touch_moves_only_the_deadline]`
    fn touch(
        &self,
        key: &RecordKey,
        until: Time,
        was: &Record,
        now: Time,
    ) -> impl Future<Output = StoreResult<bool>> + Send;

    /// Removes live records and says how many there were. Expired ones are neither counted nor necessarily removed.
    /// `[remove_is_exact]`
    fn remove(&self, what: Select<'_>, now: Time) -> impl Future<Output = StoreResult<u64>> + Send;

    /// Live records in the store's own order, at most `limit`, after where an earlier page ended. A record that stays live
    /// through the whole listing is in it exactly once; one that comes or goes meanwhile may be in it. `[pages_visit_all_once]`
    fn page(
        &self,
        of: Filter<'_>,
        after: Option<Cursor>,
        limit: NonZeroU32,
        now: Time,
    ) -> impl Future<Output = StoreResult<Page>> + Send;

    /// Removes at most `batch` expired records, and says how many. Fewer than `batch` means that no more were found. Never
    /// removes a live one. `[purge_spares_the_living]`
    fn purge(&self, now: Time, batch: NonZeroU32) -> impl Future<Output = StoreResult<u64>> + Send;

    /// Whether the store answers. Changes nothing.
    fn ping(&self) -> impl Future<Output = StoreResult<()>> + Send;
}

/// The verbs of a store, by name: in events, and where a test counts calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, clippy::exhaustive_enums, reason = "they are SessionStore's functions")]
pub enum Verb {
    Insert,
    Load,
    Head,
    Replace,
    Touch,
    Remove,
    Page,
    Purge,
    Ping,
}

impl Verb {
    /// How many there are.
    #[cfg(feature = "testing")]
    pub(crate) const ALL: usize = 9;

    /// The function's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::Load => "load",
            Self::Head => "head",
            Self::Replace => "replace",
            Self::Touch => "touch",
            Self::Remove => "remove",
            Self::Page => "page",
            Self::Purge => "purge",
            Self::Ping => "ping",
        }
    }
}

/// What a store can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// How the tokens of its sessions are made.
    pub tokens: TokenFormat,
    /// Whether it knows which sessions an account has.
    pub accounts: bool,
    /// Whether its sessions outlive this process.
    pub durable: bool,
    /// Whether several processes may use it at once.
    pub shared: bool,
    /// For how long a session may be read that was ended, or changed, elsewhere: zero but for a cache.
    pub max_staleness: Duration,
}

impl Capabilities {
    /// Of a store in this process: accounts, this project's tokens, not durable, not shared.
    pub const fn in_process() -> Self {
        Self {
            tokens: TokenFormat::Split,
            accounts: true,
            durable: false,
            shared: false,
            max_staleness: Duration::ZERO,
        }
    }

    /// Of a store outside: accounts, this project's tokens, durable and shared.
    pub const fn durable() -> Self {
        Self {
            tokens: TokenFormat::Split,
            accounts: true,
            durable: true,
            shared: true,
            max_staleness: Duration::ZERO,
        }
    }
}

/// What an insert did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a key may be taken"]
#[expect(clippy::exhaustive_enums, reason = "every answer must be handled")]
pub enum Inserted {
    /// The record is stored.
    Done,
    /// Another live record has this key.
    Taken,
}

/// What a compare-and-set did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a compare-and-set may have found another version"]
#[expect(clippy::exhaustive_enums, reason = "every answer must be handled")]
pub enum Replaced {
    /// The record is stored.
    Done,
    /// Another write came first; this is its record.
    Conflict(Box<Record>),
    /// There is no live record of this key.
    Gone,
}

/// Which records to remove.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a store that skipped one would not remove what it must")]
pub enum Select<'a> {
    /// The record of this key.
    One(&'a RecordKey),
    /// The record of this key if its present secret has this hash: a logout that needs no load, and that knowing the public
    /// half of a token is not enough for.
    Presented(&'a RecordKey, &'a SecretHash),
    /// An account's records, but this one.
    Account {
        /// Whose.
        account: &'a str,
        /// Which one stays.
        except: Option<&'a RecordKey>,
    },
}

/// Which records to list.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a store that skipped one would list what it must not")]
pub enum Filter<'a> {
    /// Every one.
    All,
    /// An account's.
    Account(&'a str),
}

/// Where a page ended; the store's own words, to be handed back to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor(String);

impl Cursor {
    /// Wraps what the store needs to go on.
    pub fn new(place: impl Into<String>) -> Self {
        Self(place.into())
    }

    /// What it wrapped.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A part of a listing.
#[derive(Clone, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "a store makes pages")]
pub struct Page {
    /// The records with their keys.
    pub records: Vec<(RecordKey, Record)>,
    /// How many more are there that cannot be read: damaged, or written by a later version. They are left out, so that one of them
    /// hides no other, and left as they are.
    pub unreadable: u64,
    /// Where to go on; `None` at the end.
    pub next: Option<Cursor>,
}

/// A store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[error("{context}")]
pub struct StoreError {
    kind: StoreErrorKind,
    context: String,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
    /// Nothing was sent to the store.
    is_unsent: bool,
}

/// What kind of failure, and so what to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// It cannot be reached, or does not answer in time. Trying again later may help. A write may or may not have been done.
    Unavailable,
    /// What it holds under this key is no record that this version can read. It was left as it is.
    Undecodable,
    /// What it keeps sessions in does not exist: a table, a file, a folder. Somebody must create it, or name the right one.
    Absent,
    /// It is there, but not as it must be: wrong credentials, a table of another make, a folder that is not ours. Somebody must act.
    Misconfigured,
    /// It has no room for this: a full disk, or its bound is reached.
    Full,
    /// It cannot do this at all.
    Unsupported,
}

impl StoreErrorKind {
    /// A name for programs, which does not change between versions.
    pub fn code(self) -> &'static str {
        match self {
            Self::Unavailable => "store_unavailable",
            Self::Undecodable => "session_undecodable",
            Self::Absent => "store_absent",
            Self::Misconfigured => "store_misconfigured",
            Self::Full => "store_full",
            Self::Unsupported => "unsupported",
        }
    }
}

impl StoreError {
    /// An error of this kind. The context is a sentence that says what failed and what to do; no token, no secret.
    pub fn new(kind: StoreErrorKind, context: impl Into<String>) -> Self {
        Self { kind, context: context.into(), source: None, is_unsent: false }
    }

    /// As [`new`](Self::new), where the store was not asked at all.
    pub(crate) fn unsent(kind: StoreErrorKind, context: impl Into<String>) -> Self {
        Self { is_unsent: true, ..Self::new(kind, context) }
    }

    /// With the engine's own error behind it.
    #[must_use = "errors are values: return what this returns"]
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What kind it is.
    pub fn kind(&self) -> StoreErrorKind {
        self.kind
    }

    /// Whether a write that ended with it may have been done.
    pub(crate) fn may_be_done(&self) -> bool {
        self.kind == StoreErrorKind::Unavailable && !self.is_unsent
    }
}
