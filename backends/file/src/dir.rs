//! Folders that are open, and the files in them.
//!
//! Every folder is opened from the one above it, without following a link, and is refused where it is not ours alone (T19). So
//! no name in it can lead out of it (T5), and nobody can swap a folder for another between a look and a use.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, RawMode, Stat};
use rustix::io::Errno;
use session_core::Time;

use crate::error::{Error, Refusal, Result};
use crate::store::Durability;

const FOLDER_MODE: Mode = Mode::RWXU;
const FILE_MODE: Mode = Mode::RUSR.union(Mode::WUSR);
/// What no folder of sessions may have: anything for anybody else.
const OTHERS: RawMode = 0o077;
const OTHERS_WRITE: RawMode = 0o022;

/// A folder of ours.
#[derive(Debug)]
pub(crate) struct Dir {
    fd: OwnedFd,
    /// Under the folder of the store, for errors.
    name: String,
}

impl Dir {
    /// The folder of a store.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let opened = rustix::fs::openat(CWD, path, flags, Mode::empty());
        let name = ".".to_owned();
        let opened = opened.map_err(|errno| {
            let stat = || rustix::fs::statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW);
            explain(errno, stat, &name)
        })?;
        Self::checked(opened, name)
    }

    /// Creates the folder of a store where it is absent. Its parent must be there: a mistyped path makes no tree.
    pub(crate) fn create(path: &Path, durability: Durability) -> Result<Self> {
        match rustix::fs::mkdirat(CWD, path, FOLDER_MODE) {
            Ok(()) => {
                let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
                // A parent that we may not read cannot be synchronised; the folder is there all the same.
                if let (Durability::Full, Ok(parent)) =
                    (durability, File::open(parent.unwrap_or(Path::new("."))))
                {
                    parent.sync_all()?;
                }
            }
            Err(Errno::EXIST) => {}
            Err(errno) => return Err(errno.into()),
        }
        Self::open(path)
    }

    /// A folder in this one, if it is there.
    pub(crate) fn folder(&self, name: &str) -> Result<Option<Self>> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match rustix::fs::openat(&self.fd, name, flags, Mode::empty()) {
            Ok(fd) => Self::checked(fd, self.path_of(name)).map(Some),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(explain(errno, || self.stat(name), &self.path_of(name))),
        }
    }

    /// A folder in this one, which is created where it is absent.
    pub(crate) fn ensure_folder(&self, name: &str, durability: Durability) -> Result<Self> {
        if let Some(folder) = self.folder(name)? {
            return Ok(folder);
        }
        match rustix::fs::mkdirat(&self.fd, name, FOLDER_MODE) {
            Ok(()) => self.sync(durability)?,
            Err(Errno::EXIST) => {}
            Err(errno) => return Err(errno.into()),
        }
        self.folder(name)?.ok_or_else(|| Errno::NOENT.into())
    }

    /// The names in this folder that `wanted` makes something of, in order. What else lies there is somebody else's.
    pub(crate) fn list<T: Ord>(&self, wanted: impl Fn(&str) -> Option<T>) -> Result<Vec<T>> {
        let mut found = Vec::new();
        for entry in rustix::fs::Dir::read_from(&self.fd)? {
            found.extend(entry?.file_name().to_str().ok().and_then(&wanted));
        }
        found.sort_unstable();
        Ok(found)
    }

    /// What is in a file, if it is there.
    pub(crate) fn read(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let Some((mut file, size)) = self.open_file(name)? else { return Ok(None) };
        // With room for one byte more the end is seen without growing.
        let mut bytes = Vec::with_capacity(size + 1);
        file.read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    /// What is in a file, and when it was modified, if it is there.
    #[cfg(feature = "django")]
    pub(crate) fn read_dated(&self, name: &str) -> Result<Option<(Vec<u8>, Time)>> {
        let Some((mut file, size)) = self.open_file(name)? else { return Ok(None) };
        let mut bytes = Vec::with_capacity(size + 1);
        file.read_to_end(&mut bytes)?;
        Ok(Some((bytes, file.metadata()?.modified()?.into())))
    }

    /// The first bytes of a file, if it is there; within, `None` where it has not so many.
    #[expect(clippy::option_option, reason = "there may be no file, or a short one")]
    pub(crate) fn read_first<const N: usize>(&self, name: &str) -> Result<Option<Option<[u8; N]>>> {
        let Some((mut file, size)) = self.open_file(name)? else { return Ok(None) };
        if size < N {
            return Ok(Some(None));
        }
        let mut bytes = [0; N];
        file.read_exact(&mut bytes)?;
        Ok(Some(Some(bytes)))
    }

    /// When the session in a file ends, as far as its modification time tells; `None` where there is no file.
    pub(crate) fn deadline_hint(&self, name: &str) -> Result<Option<Time>> {
        match self.stat(name) {
            // Whole seconds: rather a little too early.
            Ok(stat) => Ok(Some(Time::from_millis(stat.st_mtime.saturating_mul(1000)))),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Whether something has this name.
    pub(crate) fn has(&self, name: &str) -> Result<bool> {
        match self.stat(name) {
            Ok(_) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Writes a file in one step: at every instant there is all of the old one or all of the new one. Only one at a time may
    /// write a name: whoever has its lock.
    ///
    /// Its modification time is set to `modified`: the session's deadline, so that whoever cleans up opens only what has expired.
    /// It is a hint: some file systems have no dates so late, and copies of a folder have others.
    pub(crate) fn write(
        &self,
        name: &str,
        bytes: &[u8],
        modified: Time,
        durability: Durability,
    ) -> Result<()> {
        let temporary = temporary_of(name);
        let renamed = self
            .write_new(&temporary, bytes, modified, durability)
            .and_then(|()| rustix::fs::renameat(&self.fd, &*temporary, &self.fd, name).map_err(Error::from));
        if let Err(error) = renamed {
            // Nothing half-written stays; where even this fails, `purge` finds it.
            let _ = self.remove(&temporary);
            return Err(error);
        }
        self.sync(durability).map_err(Error::after_the_fact)
    }

    /// Creates an empty file, if it is not there, and says whether it did. In a file's place nothing else is taken for one.
    pub(crate) fn create_empty(&self, name: &str, durability: Durability) -> Result<bool> {
        let created = match self.create_file(name) {
            Ok(_) => true,
            Err(Errno::EXIST) => false,
            Err(errno) => return Err(errno.into()),
        };
        // Also where it was there: who made it may have been killed before this.
        self.sync(durability)?;
        Ok(created)
    }

    /// A file that is only ever locked.
    pub(crate) fn lock_file(&self, name: &str) -> Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let opened = rustix::fs::openat(&self.fd, name, flags, FILE_MODE);
        let file = opened.map_err(|errno| explain(errno, || self.stat(name), &self.file_path_of(name)))?;
        self.check_file(&rustix::fs::fstat(&file)?, name)?;
        Ok(file.into())
    }

    /// Removes a file and says whether it was there.
    pub(crate) fn remove(&self, name: &str) -> Result<bool> {
        match rustix::fs::unlinkat(&self.fd, name, AtFlags::empty()) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Makes the names in this folder outlast a power failure, where that was asked for.
    pub(crate) fn sync(&self, durability: Durability) -> Result<()> {
        match durability {
            Durability::Full => Ok(rustix::fs::fsync(&self.fd)?),
            Durability::Fast => Ok(()),
        }
    }

    fn write_new(&self, name: &str, bytes: &[u8], modified: Time, durability: Durability) -> Result<()> {
        let created = match self.create_file(name) {
            // Of a process that was killed: we have the lock, so it is not being written.
            Err(Errno::EXIST) => {
                self.remove(name)?;
                self.create_file(name)
            }
            other => other,
        };
        let mut file = File::from(created?);
        file.write_all(bytes)?;
        // Where this fails the file is looked into more often than it need be.
        let _ = file.set_modified(modified.into());
        if durability == Durability::Full {
            file.sync_data()?;
        }
        Ok(())
    }

    fn create_file(&self, name: &str) -> Result<OwnedFd, Errno> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        rustix::fs::openat(&self.fd, name, flags, FILE_MODE)
    }

    fn open_file(&self, name: &str) -> Result<Option<(File, usize)>> {
        // Without NONBLOCK a pipe of this name would be waited for.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let file = match rustix::fs::openat(&self.fd, name, flags, Mode::empty()) {
            Ok(file) => file,
            Err(Errno::NOENT) => return Ok(None),
            Err(errno) => return Err(explain(errno, || self.stat(name), &self.file_path_of(name))),
        };
        let stat = rustix::fs::fstat(&file)?;
        self.check_file(&stat, name)?;
        Ok(Some((file.into(), usize::try_from(stat.st_size).unwrap_or_default())))
    }

    fn checked(fd: OwnedFd, name: String) -> Result<Self> {
        let stat = rustix::fs::fstat(&fd)?;
        let mode = permissions(&stat);
        let why = match () {
            () if !is_ours(&stat) => Refusal::OtherOwner(stat.st_uid),
            () if mode & OTHERS != 0 => Refusal::OpenFolder(mode),
            () => return Ok(Self { fd, name }),
        };
        Err(Error::Refused { what: name, why })
    }

    fn check_file(&self, stat: &Stat, name: &str) -> Result<()> {
        let mode = permissions(stat);
        let why = match () {
            () if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile => Refusal::NoFile,
            () if !is_ours(stat) => Refusal::OtherOwner(stat.st_uid),
            () if mode & OTHERS_WRITE != 0 => Refusal::OpenFile(mode),
            () => return Ok(()),
        };
        Err(Error::Refused { what: self.file_path_of(name), why })
    }

    fn stat(&self, name: &str) -> Result<Stat, Errno> {
        rustix::fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW)
    }

    /// Where a folder is, in an error.
    fn path_of(&self, name: &str) -> String {
        if self.name == "." { name.to_owned() } else { format!("{}/{name}", self.name) }
    }

    /// Where a file is, in an error. A long name ends with a key, which in Django's files opens the session.
    fn file_path_of(&self, name: &str) -> String {
        const SHOWN: usize = 4;
        match name.char_indices().nth(SHOWN) {
            Some((end, _)) if name.len() > 4 * SHOWN => self.path_of(&format!("{}…", &name[..end])),
            _ => self.path_of(name),
        }
    }
}

/// The file that becomes the one of this name. No key begins with a point, so it is never taken for a record (T18).
pub(crate) fn temporary_of(name: &str) -> String {
    format!(".{name}.new")
}

/// The name of the file that this one would have become.
pub(crate) fn of_temporary(name: &str) -> Option<&str> {
    name.strip_prefix('.')?.strip_suffix(".new")
}

fn is_ours(stat: &Stat) -> bool {
    stat.st_uid == rustix::process::geteuid().as_raw()
}

/// Without what says which kind of thing it is.
fn permissions(stat: &Stat) -> RawMode {
    stat.st_mode & 0o7777
}

/// Why something could not be opened. Systems differ in what they say of a link that is not followed, so it is looked at.
fn explain(errno: Errno, stat: impl Fn() -> Result<Stat, Errno>, what: &str) -> Error {
    let kind = || stat().map(|stat| FileType::from_raw_mode(stat.st_mode));
    let why = match errno {
        Errno::LOOP | Errno::MLINK | Errno::NOTDIR | Errno::ISDIR | Errno::NXIO => match kind() {
            Ok(FileType::Symlink) => Refusal::Link,
            Ok(_) if errno == Errno::NOTDIR => Refusal::NoFolder,
            Ok(_) => Refusal::NoFile,
            Err(_) => return errno.into(),
        },
        _ => return errno.into(),
    };
    Error::Refused { what: what.to_owned(), why }
}
