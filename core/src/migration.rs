//! Moving the sessions that nobody uses, so that an old store can go today.

use std::fmt;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::try_join_all;

use crate::any_store::AnyStore;
use crate::backend::Backend;
use crate::clock::Time;
use crate::details::Details;
use crate::devices::PAGE;
use crate::error::{Result, SettingsError};
use crate::id::{RecordKey, Token, TokenFormat, random_nonce};
use crate::migrating::{MigratingStore, is_tombstone};
use crate::patience::until;
use crate::record::{Previous, Record, Rotated, Version};
use crate::sessions::Sessions;
use crate::settings::Settings;
use crate::store::{Cursor, Filter, Replaced, Select, SessionStore as _, StoreError, StoreErrorKind};
use crate::stored::is_session;
use crate::timer::sleep;

/// How many sessions are moved at once: a store that commits together what comes together waits for its disk less often.
const AT_ONCE: usize = 32;

/// How long it waits after each page, for the requests: as [`Sweeper`](crate::Sweeper) does.
const PAUSE: Duration = Duration::from_millis(10);

/// How often a session is tried that others change meanwhile.
const TRIES: usize = 8;

const RESTLESS: &str = "a session is changed again and again while it is being moved: try again";

/// Moves every live session from an old store to a new one, as it is: its secret, its deadlines, its version and its dates stay, and
/// so do the visitors' cookies.
///
/// While it runs, and from before it begins, the application uses the two stores as a [`MigratingStore`], or it does not run: one that
/// still uses the old store alone does not find what has moved. Then all that holds for a `MigratingStore` holds here too. Broken
/// off at any moment and begun again, it goes on with what is left.
///
/// From Django's format a session gets a key and a secret of this project's, which no browser has yet. The application goes on with
/// [`MigratingStore::from_django`], which exchanges each visitor's cookie when they come, although Django's table is empty then.
///
/// ```
/// # use session_memory::MemoryStore;
/// # async fn f() -> Result<(), Box<dyn std::error::Error>> {
/// use session_core::{AnyStore, Migration, Settings};
///
/// # let (old, new) = (MemoryStore::new(), MemoryStore::new());
/// let migration = Migration::new(AnyStore::new(old), AnyStore::new(new), Settings::default())?;
/// let migrated = migration.with_progress(|so_far| println!("{} have moved", so_far.moved)).run().await?;
/// assert_eq!(migrated.left, 0, "the old store can go");
/// # Ok(()) }
/// ```
pub struct Migration {
    both: MigratingStore,
    /// Reads and writes in the format of each.
    sessions: Sessions,
    on_progress: Option<Box<Progress>>,
}

type Progress = dyn Fn(&Migrated) + Send + Sync;

/// What a migration has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Migrated {
    /// How many sessions it has moved. Each was read back from the new store.
    pub moved: u64,
    /// How many were in the new store already: moved by a request, or by a run that was broken off.
    pub before: u64,
    /// How many ended meanwhile.
    pub ended: u64,
    /// How many stay in the old store: they cannot be read, or the new one does not take them (an account of too many bytes).
    pub left: u64,
    /// How many were read back otherwise than they were written. The new store is at fault.
    pub differing: u64,
    /// Whether it was told to stop before it had looked at all.
    pub stopped: bool,
    /// The session that it has met last: see [`CleanedUp::reached`](crate::CleanedUp::reached).
    pub reached: Option<RecordKey>,
}

/// What became of a session.
enum Outcome {
    Moved,
    Before,
    Ended,
    Left,
    Differs,
}

impl Migration {
    /// From one store to another, with the settings of the new one (whether and how its sessions are encrypted). The old one may be in
    /// [Django's format](AnyStore::with_django_format).
    ///
    /// # Errors
    ///
    /// [`SettingsError::Format`] where the new store is in Django's format, or the settings do not go with it.
    pub fn new(old: AnyStore, new: AnyStore, settings: Settings) -> Result<Self, SettingsError> {
        let both = MigratingStore::of(old, new)?;
        let mut store = AnyStore::new(both.clone());
        store.django.clone_from(&both.old.django);
        Ok(Self { sessions: Sessions::new(Backend::Server(store), settings)?, both, on_progress: None })
    }

    /// Is told after each page of sessions what was done so far.
    #[must_use = "this returns the changed migration"]
    pub fn with_progress(self, on_progress: impl Fn(&Migrated) + Send + Sync + 'static) -> Self {
        Self { on_progress: Some(Box::new(on_progress)), ..self }
    }

    /// Moves all.
    ///
    /// # Errors
    ///
    /// That of a store. What was moved before stays moved.
    pub async fn run(&self) -> Result<Migrated> {
        self.run_until(std::future::pending()).await
    }

    /// Moves sessions until all have moved or `stop` is ready, which is looked at after each page.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    pub async fn run_until(&self, stop: impl Future<Output = ()>) -> Result<Migrated> {
        self.check_that_they_are_two().await?;
        let (mut done, mut after) = (Migrated::default(), None::<Cursor>);
        let mut stop = pin!(stop);
        loop {
            let page = self.both.old.page(Filter::All, after, PAGE, self.now()).await?;
            done.left += page.unreadable;
            done.reached = page.records.last().map(|(key, _)| *key).or(done.reached);
            let mut records = page.records.into_iter().filter(|(key, record)| is_session(key, record));
            loop {
                let some = records.by_ref().take(AT_ONCE).map(|(key, record)| self.move_one(key, record));
                let outcomes = try_join_all(some).await?;
                if outcomes.is_empty() {
                    break;
                }
                outcomes.iter().for_each(|outcome| done.note(outcome));
            }
            if let Some(on_progress) = &self.on_progress {
                on_progress(&done);
            }
            after = page.next;
            if after.is_none() {
                return Ok(done);
            }
            if until(stop.as_mut(), sleep(PAUSE)).await.is_none() {
                done.stopped = true;
                return Ok(done);
            }
        }
    }

    /// One store under two names would lose what has "moved" already. So a record that was put into the new one must not be in the
    /// old one.
    async fn check_that_they_are_two(&self) -> Result<()> {
        const SAME: &str = "the old store and the new one are the same: nothing was moved";
        let (token, now) = (Token::random(TokenFormat::Split)?, self.now());
        let trace = Record {
            version: Version { seq: 1, nonce: random_nonce()? },
            created_at: now,
            last_active: now,
            expires_at: now + Duration::from_secs(60),
            account: None,
            secret: token.secret_hash(),
            details: Details::new(now),
            data: bytes::Bytes::from_static(b"{}"),
        };
        // That a key which was drawn is taken does not happen.
        let _ = self.both.new.insert(token.key(), &trace, now).await?;
        let found = self.both.old.load(token.key(), now).await;
        self.both.new.remove(Select::One(token.key()), now).await?;
        match found? {
            None => Ok(()),
            Some(_) => Err(StoreError::new(StoreErrorKind::Unsupported, SAME).into()),
        }
    }

    async fn move_one(&self, key: RecordKey, mut record: Record) -> Result<Outcome> {
        for _ in 0..TRIES {
            let now = self.now();
            if let Some(there) = self.both.new.reload(&self.both.place(&key), now).await? {
                // The new store counts. What a process left in the old one that was stopped between the two goes.
                self.both.old.remove(Select::One(&key), now).await?;
                return Ok(if is_tombstone(&there) { Outcome::Ended } else { Outcome::Before });
            }
            let Some((to, next)) = self.successor(&key, &record, now)? else { return Ok(Outcome::Left) };
            match self.both.take_over(&key, &to, &next, &record, now).await {
                Ok(Replaced::Done) => return self.read_back(&to, next).await,
                Ok(Replaced::Conflict(fresh)) => record = *fresh,
                Ok(Replaced::Gone) => return Ok(Outcome::Ended),
                // This one does not fit; others do.
                Err(error) if error.kind() == StoreErrorKind::Unsupported => return Ok(Outcome::Left),
                Err(error) => return Err(error.into()),
            }
        }
        Err(StoreError::new(StoreErrorKind::Unavailable, RESTLESS).into())
    }

    /// What the new store is given, and under which key; `None` where the old one's cannot be read.
    fn successor(&self, key: &RecordKey, record: &Record, now: Time) -> Result<Option<(RecordKey, Record)>> {
        if !self.both.is_former(key) {
            return Ok(Some((*key, record.clone())));
        }
        let mut read = record.clone();
        let Ok(content) = self.sessions.read(key, &mut read) else { return Ok(None) };
        // As if a request had renewed its secret, and the answer had been lost: the next one that comes with the former key brings
        // the visitor another cookie.
        let former = Token::of_former(*key);
        let why = Rotated::Renewal;
        let previous = former.secret_hash().map(|secret| Previous { secret, why, until: None });
        let mut next = Record {
            version: Version { seq: read.version.next_seq(), nonce: random_nonce()? },
            secret: former.rotated(TokenFormat::Split)?.secret_hash(),
            account: content.account,
            details: Details { previous, rotated_at: now, ..read.details },
            data: content.entries.to_json().into(),
            ..read
        };
        self.sessions.write(former.key(), &mut next)?;
        Ok(Some((*former.key(), next)))
    }

    async fn read_back(&self, to: &RecordKey, written: Record) -> Result<Outcome> {
        let there = self.both.new.reload(to, self.now()).await?;
        // A request may have used it, changed it or ended it by now.
        let differs = |there: Record| written.with_head(there.head()).is_some_and(|written| written != there);
        Ok(if there.is_some_and(differs) { Outcome::Differs } else { Outcome::Moved })
    }

    fn now(&self) -> Time {
        self.sessions.settings().clock.now()
    }
}

impl Migrated {
    fn note(&mut self, outcome: &Outcome) {
        *match outcome {
            Outcome::Moved => &mut self.moved,
            Outcome::Before => &mut self.before,
            Outcome::Ended => &mut self.ended,
            Outcome::Left => &mut self.left,
            Outcome::Differs => &mut self.differing,
        } += 1;
    }
}

impl fmt::Debug for Migration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Migration").field("both", &self.both).finish_non_exhaustive()
    }
}
