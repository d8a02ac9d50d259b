//! A real Django beside us, on the same sessions.

mod shared;

pub use shared::{SECRET_KEY, shares_its_sessions};

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

/// A Python process with Django that does with sessions what it is told. Ends with this value.
#[derive(Debug)]
pub struct DjangoPeer {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl DjangoPeer {
    /// Starts it with these settings: `engine` (`db`, `file`, `signed_cookies`), `secret_key`, `fallbacks`, `database` (as in
    /// Django's `DATABASES`) or `file_path`. `None` where there is no Django, which [`server`](super::server)`("django")` decides:
    /// `TEST_DJANGO_URL` is the path of a Python that has it.
    ///
    /// # Panics
    ///
    /// Where it does not start.
    pub fn start(settings: &Value) -> Option<Self> {
        let python = super::server("django")?;
        let mut child = Command::new(python)
            .args(["-c", include_str!("django/peer.py"), &settings.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a Python with Django");
        let to = child.stdin.take().expect("a pipe");
        let from = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut peer = Self { child, to, from };
        assert_eq!(peer.hear(), "ready", "Django starts");
        Some(peer)
    }

    /// Has it do something, and returns what it answers.
    ///
    /// # Panics
    ///
    /// Where Django raises an exception.
    pub fn does(&mut self, line: &Value) -> Value {
        writeln!(self.to, "{line}").expect("Django listens");
        let answer = self.hear();
        serde_json::from_str(&answer)
            .unwrap_or_else(|_| panic!("Django fails at {line}: its standard error says why"))
    }

    fn hear(&mut self) -> String {
        let mut line = String::new();
        self.from.read_line(&mut line).expect("Django answers");
        line.trim().to_owned()
    }
}

impl Drop for DjangoPeer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
