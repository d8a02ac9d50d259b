//! A server's process, which never outlives who started it.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::Duration;

use crate::folder::User;
use crate::wait::until;

/// What to start, and how.
#[derive(Debug)]
pub(crate) struct Launch {
    /// The server's name, for errors.
    pub(crate) name: &'static str,
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<OsString>,
    /// Its working folder, which is removed with it; nothing else than servers' folders is beside it.
    pub(crate) folder: PathBuf,
    /// Who runs it, where that is somebody else.
    pub(crate) user: Option<User>,
    pub(crate) end: End,
}

impl Launch {
    /// Where its output goes.
    pub(crate) fn log(&self) -> PathBuf {
        self.folder.join("log")
    }
}

/// How a server is ended that nobody needs any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// SIGKILL.
    Kill,
    /// SIGQUIT, for PostgreSQL: it ends its own processes and gives back its shared memory, without saving anything.
    Quit,
}

/// A running server. Ends with this value.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    /// The pipe that tells the watchdog that this process lives.
    watchdog: Option<ChildStdin>,
    end: End,
}

impl Process {
    pub(crate) fn start(launch: &Launch) -> io::Result<Self> {
        let log = File::options().create(true).append(true).open(launch.log())?;
        let signal = match launch.end {
            End::Kill => "KILL",
            End::Quit => "QUIT",
        };
        let mut command = Command::new("/bin/sh");
        command.args(["-c", include_str!("watchdog.sh"), "sh", signal]);
        command.arg(&launch.folder).arg(&launch.program).args(&launch.arguments);
        command.stdin(Stdio::piped()).stdout(log.try_clone()?).stderr(log).current_dir(&launch.folder);
        // Ctrl-C at the terminal ends who started it, and only thereby the server.
        command.process_group(0);
        if let Some(user) = launch.user {
            command.uid(user.uid).gid(user.gid);
        }
        let mut child = command.spawn()?;
        Ok(Self { watchdog: child.stdin.take(), child, end: launch.end })
    }

    /// The shell becomes the server, so this is the server's own.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, where it did.
    pub(crate) fn has_ended(&mut self) -> Option<ExitStatus> {
        let status = self.child.try_wait().ok()??;
        self.dismiss_the_watchdog();
        Some(status)
    }

    /// `kill -9`, and waits until it is gone.
    pub(crate) fn kill(&mut self) {
        // Neither fails for a child that nobody has waited for; a server that ended by itself is gone as well.
        let _ = self.child.kill();
        self.dismiss_the_watchdog();
        let _ = self.child.wait();
    }

    /// Before the process is waited for: from then on its id may be another's, whom the watchdog must not end.
    fn dismiss_the_watchdog(&mut self) {
        if let Some(mut watchdog) = self.watchdog.take() {
            // One that is gone needs no word.
            let _ = watchdog.write_all(b"\n");
        }
    }

    /// Asks the process to quit, and gives it some seconds for that.
    fn quit(&mut self) {
        let id = self.id().to_string();
        let asked = Command::new("/bin/sh").args(["-c", "kill -s QUIT \"$1\"", "sh", &id]).status();
        if asked.is_ok_and(|status| status.success()) {
            let _ = until(Duration::from_secs(5), || self.has_ended().ok_or(()));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.end == End::Quit && self.has_ended().is_none() {
            self.quit();
        }
        self.kill();
    }
}
