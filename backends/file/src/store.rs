//! The store: the verbs of the folder, where blocking is allowed.

use std::fmt;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use session_core::store::{
    Capabilities, Cursor, Filter, Inserted, Page, Replaced, Select, SessionStore, StoreResult,
};
use session_core::{Head, Record, RecordKey, Time};

use crate::dir::Dir;
use crate::error::{Error, Result};
use crate::folder::{Folder, Was};
use crate::purge::Part;
use crate::turns::{self, Gate, Gates, PATIENCE};

/// What an answer promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[expect(clippy::exhaustive_enums, reason = "either the disk is waited for, or it is not")]
pub enum Durability {
    /// What was answered outlasts a power failure: each write waits for the disk.
    #[default]
    Full,
    /// What was answered outlasts this process, however it dies. A power failure may take back the last seconds, and may leave
    /// a record that cannot be read, which is then an error and never an empty session.
    Fast,
}

/// Sessions in a folder, which any number of processes of one machine may share.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use session_core::{Sessions, Settings};
/// use session_file::{Durability, FileStore};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("sessions");
/// // Created where it is absent, for this user alone.
/// let store = FileStore::open(path)?.with_durability(Durability::Fast);
/// let sessions = Sessions::new(store, Settings::default())?;
/// # Ok(())
/// # }
/// ```
///
/// Its verbs run in a Tokio runtime, on the threads that it keeps for what blocks; elsewhere they panic. Clones are the same
/// store.
#[derive(Clone)]
pub struct FileStore {
    folder: Folder,
    shared: Arc<Shared>,
}

struct Shared {
    gates: Gates,
    removals: Gate,
    /// Where `purge` goes on.
    position: Mutex<Option<Part>>,
}

impl FileStore {
    /// Opens a folder, and creates it where it is absent (its parent must be there), with mode 0700. What lies in it and is not
    /// this store's is left alone.
    ///
    /// Blocks for a moment, as it is meant for a program's start.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](session_core::store::StoreErrorKind::Misconfigured) where the folder is a link, belongs to somebody
    /// else, lets others in, or cannot be created; the error says what to do.
    pub fn open(path: impl AsRef<Path>) -> StoreResult<Self> {
        let path = absolute(path.as_ref())?;
        let folder = Folder { path, durability: Durability::Full, patience: PATIENCE };
        Dir::create(&folder.path, folder.durability).map_err(|error| error.at(&folder.path))?;
        let shared = Shared { gates: Gates::new(), removals: Gate::default(), position: Mutex::default() };
        Ok(Self { folder, shared: Arc::new(shared) })
    }

    /// What an answer promises; [`Durability::Full`] unless set.
    #[must_use = "this returns the store with the setting"]
    pub fn with_durability(mut self, durability: Durability) -> Self {
        self.folder.durability = durability;
        self
    }

    /// How long a verb waits for other processes, before it answers
    /// [`Unavailable`](session_core::store::StoreErrorKind::Unavailable); 5 seconds unless set. A lock is held for one write, so
    /// only a process that was stopped in the middle of one, or a disk that hangs, makes anybody wait that long.
    #[must_use = "this returns the store with the setting"]
    pub fn with_lock_timeout(mut self, timeout: Duration) -> Self {
        self.folder.patience = timeout;
        self
    }

    /// Runs a verb that takes no lock.
    async fn read<T: Send + 'static>(
        &self,
        verb: impl FnOnce(&Folder) -> Result<T> + Send + 'static,
    ) -> StoreResult<T> {
        self.run(None, verb).await
    }

    /// Runs a verb that takes this key's lock.
    async fn write<T: Send + 'static>(
        &self,
        key: &RecordKey,
        verb: impl FnOnce(&Folder) -> Result<T> + Send + 'static,
    ) -> StoreResult<T> {
        self.run(Some(self.shared.gates.of(key)), verb).await
    }

    async fn run<T: Send + 'static>(
        &self,
        gate: Option<Gate>,
        verb: impl FnOnce(&Folder) -> Result<T> + Send + 'static,
    ) -> StoreResult<T> {
        let folder = self.folder.clone();
        let done =
            turns::run(gate, folder.patience, move |patience| verb(&Folder { patience, ..folder })).await;
        done.map_err(|error| error.at(&self.folder.path))
    }

    fn position(&self) -> std::sync::MutexGuard<'_, Option<Part>> {
        self.shared.position.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The path of a folder, without a slash at the end, which would follow a link; and as it is now, for the application may change its
/// working directory later.
pub(crate) fn absolute(path: &Path) -> StoreResult<PathBuf> {
    let path: PathBuf = path.components().collect();
    std::path::absolute(&path).map_err(|error| Error::from(error).at(&path))
}

impl fmt::Debug for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileStore").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl SessionStore for FileStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities::durable()
    }

    async fn insert(&self, key: &RecordKey, record: &Record, now: Time) -> StoreResult<Inserted> {
        let (own, record) = (*key, record.clone());
        self.write(key, move |folder| folder.insert(&own, &record, now)).await
    }

    async fn load(&self, key: &RecordKey, now: Time) -> StoreResult<Option<Record>> {
        let key = *key;
        self.read(move |folder| folder.load(&key, now)).await
    }

    async fn head(&self, key: &RecordKey, now: Time) -> StoreResult<Option<Head>> {
        let key = *key;
        self.read(move |folder| folder.head(&key, now)).await
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
            return Err(Error::Moved.at(&self.folder.path));
        }
        let (own, record) = (*key, record.clone());
        let was = Was { version: was.version, account: was.account.clone() };
        self.write(key, move |folder| folder.replace(&own, &record, &was, now)).await
    }

    async fn touch(&self, key: &RecordKey, until: Time, was: &Record, now: Time) -> StoreResult<bool> {
        let (own, was) = (*key, was.version);
        self.write(key, move |folder| folder.touch(&own, until, was, now)).await
    }

    async fn remove(&self, what: Select<'_>, now: Time) -> StoreResult<u64> {
        let (key, secret) = match what {
            Select::One(key) => (*key, None),
            Select::Presented(key, secret) => (*key, Some(*secret)),
            Select::Account { account, except } => {
                let (account, except) = (account.to_owned(), except.copied());
                let gate = Arc::clone(&self.shared.removals);
                let remove = move |folder: &Folder| folder.remove_account(&account, except.as_ref(), now);
                return self.run(Some(gate), remove).await;
            }
        };
        self.write(&key, move |folder| folder.remove(&key, secret.as_ref(), now)).await
    }

    async fn page(
        &self,
        of: Filter<'_>,
        after: Option<Cursor>,
        limit: NonZeroU32,
        now: Time,
    ) -> StoreResult<Page> {
        let account = match of {
            Filter::All => None,
            Filter::Account(account) => Some(account.to_owned()),
        };
        self.read(move |folder| {
            let of = account.as_deref().map_or(Filter::All, Filter::Account);
            let after = after.as_ref().map_or("", Cursor::as_str);
            folder.page(of, after, limit.get() as usize, now)
        })
        .await
    }

    /// Looks at every file once per call, until a batch is full; the next call begins where this one ended. It opens only files
    /// whose modification time, which is the session's deadline, has passed.
    async fn purge(&self, now: Time, batch: NonZeroU32) -> StoreResult<u64> {
        let batch = batch.get() as usize;
        let from = self.position().clone();
        let parts = self.read(move |folder| folder.parts(from.as_ref())).await?;
        let mut removed = 0;
        for (i, part) in parts.iter().enumerate() {
            // A folder that fails is passed over by the next call.
            *self.position() = parts.get(i + 1).cloned();
            let (own, most) = (part.clone(), batch - removed);
            removed += self.read(move |folder| folder.clean(&own, most, now)).await?;
            if removed == batch {
                *self.position() = Some(part.clone());
                break;
            }
        }
        Ok(removed as u64)
    }

    async fn ping(&self) -> StoreResult<()> {
        self.read(Folder::ping).await
    }
}
