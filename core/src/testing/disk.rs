//! A disk that is soon full.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::is_without;
use crate::id::RecordKey;

/// A small file system in memory, for tests of a store on a full disk. Only root can mount one; it goes with this value.
#[derive(Debug)]
pub struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Mounts one with these options of Linux's tmpfs: `size=1m`, for example. `None` where
    /// [`WITHOUT`](super::WITHOUT) says that there is no `tmpfs`, and then the test has not run.
    ///
    /// # Panics
    ///
    /// Where it cannot be mounted, and nobody has said so before.
    pub fn mount(options: &str) -> Option<Self> {
        if is_without("tmpfs") {
            return None;
        }
        let name = format!("small-disk-{}", RecordKey::random().expect("random bytes"));
        let disk = Self(std::env::temp_dir().join(name));
        std::fs::create_dir(&disk.0).expect("a folder");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(&disk.0);
        assert!(
            mount.status().is_ok_and(|status| status.success()),
            "a full disk needs root, who can mount one: set TEST_WITHOUT=tmpfs to go without"
        );
        Some(disk)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Also while something on it is still open. What is not mounted has nothing to be unmounted.
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).stderr(Stdio::null()).status();
        let _ = std::fs::remove_dir(&self.0);
    }
}
