//! Sessions in a folder: a file each.
//!
//! Nothing to install and nothing to run, and a session outlives the process. Any number of processes of one machine may use one
//! folder at once, and any of them may be killed at any instant.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use session_core::{Sessions, Settings};
//! use session_file::FileStore;
//!
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("sessions");
//! let sessions = Sessions::new(FileStore::open(path)?, Settings::default())?;
//! # Ok(())
//! # }
//! ```
//!
//! # The folder
//!
//! | path | what |
//! | --- | --- |
//! | `records/kq/kqpt0w3ws4gc1dtw8cm7h8wnx` | a session, under its key, in the folder of the key's first two characters |
//! | `records/kq/.kqpt0w3ws4gc1dtw8cm7h8wnx.new` | one that is being written, or was when its process was killed |
//! | `accounts/3fa/3fa…-kqpt0w3ws4gc1dtw8cm7h8wnx` | that this session is of the account with this hash; empty |
//! | `locks/records-00` … `locks/accounts-ff` | what is locked, and never written; at most 512 |
//!
//! Folders have mode 0700 and files 0600. The store refuses, and says so, a folder or file that is a link, that belongs to another
//! user, or that others could change. A record's modification time is the session's deadline. Files with other names are not its own: it neither lists nor touches them. It may be
//! emptied with `rm -r` while it is in use, which ends all sessions.
//!
//! # How it writes
//!
//! A record is written to a temporary file, which is then renamed over the record's: at every instant the record is whole, the
//! old one or the new one. Each file has a checksum; one that does not match is an error and is left as it is, never taken for an
//! empty session. With [`Durability::Full`] a write waits for the disk (the file, then its folder) before it is answered.
//!
//! Reading takes no lock. A write takes the lock of its folder of records, for its one step; the operating system gives it
//! back when the process ends, however it ends. A login shares the lock of its account, which whoever ends all the account's
//! sessions has alone, so that no session slips through.
//!
//! Expired sessions leave the folder with [`purge`](session_core::store::SessionStore::purge), which goes on where it stopped
//! last, and removes what killed processes left.
//!
//! The sessions of a Django project, in its own files, are in `django` (feature `django`).
//!
//! # When not
//!
//! On several machines: the locks of network shares cannot be relied on. On Windows: this crate asks for owners, modes and locks
//! as Unix has them. And where many sessions are written per second with [`Durability::Full`], SQLite's one log
//! is synchronised sooner than many files.

// Which feature an item needs, shown beside it.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(not(unix))]
compile_error!("session-file needs a Unix: its safety rests on the owners and modes of files");

mod dir;
#[cfg(feature = "django")]
pub mod django;
mod error;
mod folder;
mod index;
mod layout;
mod listing;
mod lock;
mod purge;
mod store;
mod turns;

pub use store::{Durability, FileStore};

/// The README, whose programs compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
