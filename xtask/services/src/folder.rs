//! The temporary folder of a server, and whom it belongs to.

use std::io;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::Path;

use tempfile::TempDir;

/// A user of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// A new folder of this process's user.
pub(crate) fn new() -> io::Result<TempDir> {
    tempfile::Builder::new().prefix("test-services-").tempdir()
}

/// Whether the owner of this folder, which is who runs this process, is root.
pub(crate) fn is_roots(folder: &Path) -> io::Result<bool> {
    Ok(folder.metadata()?.uid() == 0)
}

/// Gives a file or a folder to the user.
pub(crate) fn give(path: &Path, user: Option<User>) -> io::Result<()> {
    user.map_or(Ok(()), |user| chown(path, Some(user.uid), Some(user.gid)))
}

/// The first of these users that this machine has.
pub(crate) fn user(names: &[&str]) -> Option<User> {
    let passwd = std::fs::read_to_string("/etc/passwd").ok()?;
    names.iter().find_map(|name| entry(&passwd, name))
}

/// `NAME:x:UID:GID:…`
fn entry(passwd: &str, name: &str) -> Option<User> {
    let mut fields = passwd.lines().map(|line| line.split(':')).find_map(|mut fields| {
        let found = fields.next() == Some(name);
        found.then_some(fields)
    })?;
    Some(User { uid: fields.nth(1)?.parse().ok()?, gid: fields.next()?.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::{User, entry};

    #[test]
    fn users_are_found_by_their_whole_name() {
        let passwd =
            "root:x:0:0:root:/root:/bin/sh\npostgres2:x:7:8::/:\npostgres:x:101:104:,,,:/var/lib:/bin/sh\n";
        assert_eq!(entry(passwd, "postgres"), Some(User { uid: 101, gid: 104 }));
        assert_eq!(entry(passwd, "post"), None);
    }
}
