//! A small file system in memory, for the tests of a full disk: no package provides it, only root can mount it.

use std::process::{Command, Stdio};

use crate::Outcome;

/// What tests are told that there is none of, where there is none.
pub(crate) const NAME: &str = "tmpfs";

/// Whether one can be mounted; else what is missing.
pub(crate) fn provide() -> Outcome {
    let folder = std::env::temp_dir().join(format!("xtask-disk-{}", std::process::id()));
    let quiet = |program: &str, arguments: &[&str]| {
        let mut command = Command::new(program);
        command.args(arguments).arg(&folder).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    std::fs::create_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mounted = quiet("mount", &["-t", "tmpfs", "-o", "size=1m", "tmpfs"]);
    if mounted {
        quiet("umount", &[]);
    }
    let _ = std::fs::remove_dir(&folder);
    if mounted {
        Ok(())
    } else {
        Err("stores on a full disk: run as root, who can mount a small one".to_owned())
    }
}
