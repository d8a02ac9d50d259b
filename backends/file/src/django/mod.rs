//! Sessions in the files of `django.contrib.sessions.backends.file`, as Django 5.2 keeps them.
//!
//! A Rust service and a Django project with one `SESSION_FILE_PATH` share their sessions:
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use session_core::{AnyStore, SecretKeys, Sessions, Settings};
//! use session_file::django::FileStore;
//!
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("sessions");
//! let settings = Settings::default(); // SESSION_COOKIE_NAME and SESSION_COOKIE_AGE are the project's
//! let secret_key = SecretKeys::new("the project's SECRET_KEY");
//! let store = FileStore::open(path, &secret_key, &settings)?;
//! let sessions = Sessions::new(AnyStore::new(store).with_django_format(&secret_key), settings)?;
//! # Ok(())
//! # }
//! ```
//!
//! # What is otherwise than in this project's own folder
//!
//! - A file's name is the cookie's name and the key in the cookie (D85): who reads the folder can use every session in it.
//! - All files lie in one folder, so that a listing or a purge reads all of them.
//! - A file has no deadline of its own: it is the date that the session has set, or its age counted from the file's modification
//!   time (D90). Every write sets that time, so that a session ends for Django when it ends here.
//! - There is no index of accounts: sessions cannot be listed or ended by account
//!   ([`Unsupported`](session_core::store::StoreErrorKind::Unsupported)).
//! - Rotation writes the session under its new key and then removes the old file. Killed between the two, the process leaves both,
//!   and nobody was told the new key.
//!
//! What is the same: the folder must be this user's, with mode 0700 (`chmod 700`; Django does not mind), and its files 0600, as
//! Django makes them. Writers of ours take turns, and lose nothing of each other's; the locks lie in the folder `locks` beside the
//! files. Django takes no locks and writes over whatever is there.

mod folder;

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use session_core::django::FileExpiry;
use session_core::store::{
    Capabilities, Cursor, Filter, Inserted, Page, Replaced, Select, SessionStore, StoreResult,
};
use session_core::{Record, RecordKey, SecretKeys, Settings, Time, TokenFormat};

use crate::dir::Dir;
use crate::error::{Error, Result};
use crate::store::{Durability, absolute};
use crate::turns::{self, Gate, Gates, PATIENCE};
use folder::Folder;

/// The session files of a Django project. Clones are the same store.
#[derive(Clone, Debug)]
pub struct FileStore {
    folder: Folder,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    gates: Gates,
    /// The key that `purge` goes on after.
    position: Mutex<Option<RecordKey>>,
}

impl FileStore {
    /// Opens the project's `SESSION_FILE_PATH`, and creates it where it is absent (its parent must be there), with mode 0700. The
    /// names of its files begin with the cookie's name in these settings; all others are left alone.
    ///
    /// Blocks for a moment, as it is meant for a program's start.
    ///
    /// # Errors
    ///
    /// As [`FileStore::open`](crate::FileStore::open): Django's default, the system's folder for temporary files, is refused because
    /// others can write there.
    pub fn open(path: impl AsRef<Path>, secret_key: &SecretKeys, settings: &Settings) -> StoreResult<Self> {
        let folder = Folder {
            path: absolute(path.as_ref())?,
            prefix: settings.cookie_name().to_owned(),
            expiry: FileExpiry::new(secret_key, settings),
            durability: Durability::Full,
            patience: PATIENCE,
        };
        Dir::create(&folder.path, folder.durability).map_err(|error| error.at(&folder.path))?;
        let shared = Shared { gates: Gates::new(), position: Mutex::default() };
        Ok(Self { folder, shared: Arc::new(shared) })
    }

    /// What an answer promises; [`Durability::Full`] unless set. Django itself waits for no disk.
    #[must_use = "this returns the store with the setting"]
    pub fn with_durability(mut self, durability: Durability) -> Self {
        self.folder.durability = durability;
        self
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

    /// Runs a verb that takes this key's lock.
    async fn write<T: Send + 'static>(
        &self,
        key: &RecordKey,
        verb: impl FnOnce(&Folder) -> Result<T> + Send + 'static,
    ) -> StoreResult<T> {
        self.run(Some(self.shared.gates.of(key)), verb).await
    }

    fn unsupported<T>(&self) -> StoreResult<T> {
        Err(Error::NoAccounts.at(&self.folder.path))
    }
}

impl SessionStore for FileStore {
    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::durable();
        capabilities.tokens = TokenFormat::Plain;
        capabilities.accounts = false;
        capabilities
    }

    async fn insert(&self, key: &RecordKey, record: &Record, now: Time) -> StoreResult<Inserted> {
        let (own, record) = (*key, record.clone());
        self.write(key, move |folder| folder.insert(&own, &record, now)).await
    }

    async fn load(&self, key: &RecordKey, now: Time) -> StoreResult<Option<Record>> {
        let key = *key;
        self.run(None, move |folder| folder.load(&key, now)).await
    }

    async fn replace(
        &self,
        key: &RecordKey,
        to: &RecordKey,
        record: &Record,
        was: &Record,
        now: Time,
    ) -> StoreResult<Replaced> {
        let (own, to, record, was) = (*key, *to, record.clone(), was.data.clone());
        self.write(key, move |folder| folder.replace(&own, &to, &record, &was, now)).await
    }

    async fn touch(&self, key: &RecordKey, until: Time, was: &Record, now: Time) -> StoreResult<bool> {
        let (own, was) = (*key, was.data.clone());
        self.write(key, move |folder| folder.touch(&own, until, &was, now)).await
    }

    async fn remove(&self, what: Select<'_>, now: Time) -> StoreResult<u64> {
        let Select::One(key) = what else { return self.unsupported() };
        let own = *key;
        self.write(key, move |folder| folder.remove(&own, now)).await
    }

    async fn page(
        &self,
        of: Filter<'_>,
        after: Option<Cursor>,
        limit: NonZeroU32,
        now: Time,
    ) -> StoreResult<Page> {
        let Filter::All = of else { return self.unsupported() };
        self.run(None, move |folder| {
            folder.page(after.as_ref().map_or("", Cursor::as_str), limit.get() as usize, now)
        })
        .await
    }

    /// Reads every file once per call, until a batch is full; the next call begins where this one ended.
    async fn purge(&self, now: Time, batch: NonZeroU32) -> StoreResult<u64> {
        let position = || self.shared.position.lock().unwrap_or_else(PoisonError::into_inner);
        let (after, most) = (*position(), batch.get() as usize);
        let (removed, next) = self.run(None, move |folder| folder.clean(after, most, now)).await?;
        *position() = next;
        Ok(removed as u64)
    }

    async fn ping(&self) -> StoreResult<()> {
        self.run(None, Folder::ping).await
    }
}
