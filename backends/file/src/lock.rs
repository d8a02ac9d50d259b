//! Locks between processes, and between tasks of this one.
//!
//! A lock is the operating system's, on a file of its own that is never renamed or removed: so a process that is killed gives it
//! back by that, and there is nothing to clean up. There are [`SHARDS`] of each kind, however many sessions there are.
//!
//! Whoever needs two takes the account's first. Nobody holds two of one kind.

use std::fs::{File, TryLockError};
use std::time::{Duration, Instant};

use crate::dir::Dir;
use crate::error::{Error, Result};
use crate::store::Durability;

/// How many locks there are of a kind. Two writers of different sessions rarely meet at one.
pub(crate) const SHARDS: usize = 256;

const FOLDER: &str = "locks";

/// While a lock is not to be had, it is asked for again after this long, then twice as long, up to the longest.
const SHORTEST_PAUSE: Duration = Duration::from_micros(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(5);

/// What is locked.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// The records of the folders in this shard.
    Records,
    /// Who belongs to the accounts in this shard: shared by those who sign in, alone for who ends an account's sessions.
    Accounts,
}

/// How.
#[derive(Clone, Copy, Debug)]
pub(crate) enum How {
    Shared,
    Alone,
}

/// A lock that is held until this is dropped.
#[derive(Debug)]
#[must_use = "the lock is given back when this is dropped"]
pub(crate) struct Lock(#[expect(dead_code, reason = "what is closed gives its lock back")] File);

impl Lock {
    /// Waits for a lock until `deadline`.
    pub(crate) fn take(root: &Dir, kind: Kind, shard: usize, how: How, deadline: Instant) -> Result<Self> {
        let name = match kind {
            Kind::Records => format!("records-{shard:02x}"),
            Kind::Accounts => format!("accounts-{shard:02x}"),
        };
        // A lock file that a power failure takes away is locked by nobody.
        let folder = root.ensure_folder(FOLDER, Durability::Fast)?;
        let mut pause = SHORTEST_PAUSE;
        let mut file = folder.lock_file(&name)?;
        loop {
            let taken = match how {
                How::Shared => file.try_lock_shared(),
                How::Alone => file.try_lock(),
            };
            match taken {
                // Somebody has emptied the folder meanwhile: the file that others lock now is another.
                Ok(()) if is_removed(&file)? => file = folder.lock_file(&name)?,
                Ok(()) => return Ok(Self(file)),
                Err(TryLockError::Error(error)) => return Err(error.into()),
                Err(TryLockError::WouldBlock) if Instant::now() >= deadline => return Err(Error::Busy),
                Err(TryLockError::WouldBlock) => {
                    std::thread::sleep(pause);
                    pause = LONGEST_PAUSE.min(2 * pause);
                }
            }
        }
    }
}

fn is_removed(file: &File) -> Result<bool> {
    Ok(rustix::fs::fstat(file)?.st_nlink == 0)
}
