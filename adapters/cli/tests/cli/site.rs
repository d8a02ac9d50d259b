//! A site with sessions, in a place of its own.

use std::process::Command;
use std::time::Duration;

use session_backends::Connect;
use session_core::store::SessionStore as _;
use session_core::{
    AnyStore, Backend, Clock as _, ManualClock, Record, RecordKey, SecretKeys, Sessions, Settings,
    SystemClock,
};
use tempfile::TempDir;

use crate::program::{Ran, session};

pub(crate) const DAY: Duration = Duration::from_secs(86400);
pub(crate) const SECRET_KEY: &str = "a secret key of fifty characters which is for tests";

/// Where sessions are, and what must be in no output.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) url: String,
    table: Option<String>,
    key_prefix: Option<String>,
    django: bool,
    secrets: Vec<String>,
    _folder: Option<TempDir>,
}

/// A session that was made for a test.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    pub(crate) handle: RecordKey,
    /// What the visitor's cookie holds.
    pub(crate) cookie: String,
}

impl Site {
    /// A database file, created by the program.
    pub(crate) fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("shop.db").display());
        Self::at(url, Some(folder)).ready()
    }

    /// A Django project's.
    pub(crate) fn django() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("django.db").display());
        Self { django: true, ..Self::at(url, Some(folder)) }.ready()
    }

    pub(crate) fn folder() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("file:{}", folder.path().join("sessions").display());
        Self::at(url, Some(folder)).ready()
    }

    /// In a server that other tests use too: under a name that no other has.
    pub(crate) fn in_table(url: String) -> Self {
        Self { table: Some(format!("cli_{}", unique())), ..Self::at(url, None) }.ready()
    }

    pub(crate) fn under_prefix(url: String) -> Self {
        Self { key_prefix: Some(format!("cli-{}:", unique())), ..Self::at(url, None) }.ready()
    }

    fn at(url: String, folder: Option<TempDir>) -> Self {
        Self { url, table: None, key_prefix: None, django: false, secrets: Vec::new(), _folder: folder }
    }

    fn ready(self) -> Self {
        assert_eq!(self.run(&["init"]).code, 0);
        self
    }

    /// The table's or the keys' name, as the program is told.
    pub(crate) fn names(&self) -> Vec<&str> {
        let table = self.table.as_deref().map(|name| ["--table", name]);
        let prefix = self.key_prefix.as_deref().map(|prefix| ["--key-prefix", prefix]);
        table.into_iter().chain(prefix).flatten().collect()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = session(arguments);
        command.env("SESSION_STORE", &self.url).args(self.names());
        if self.django {
            command.args(["--format", "django"]).env("SESSION_SECRET_KEY", SECRET_KEY);
        }
        command
    }

    /// Runs the program, which shows none of the secrets.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        let ran = Ran::of(&mut self.command(arguments));
        for secret in self.secrets.iter().map(String::as_str).chain([SECRET_KEY]) {
            assert!(
                !ran.out.contains(secret) && !ran.err.contains(secret),
                "{arguments:?} shows {secret}: {ran:?}"
            );
        }
        ran
    }

    pub(crate) async fn store(&self) -> AnyStore {
        let mut connect = Connect::new(&self.url).with_secret_keys(SecretKeys::new(SECRET_KEY));
        if let Some(table) = &self.table {
            connect = connect.with_table(table);
        }
        if let Some(prefix) = &self.key_prefix {
            connect = connect.with_key_prefix(prefix);
        }
        let connect = if self.django { connect.with_django_format() } else { connect };
        match connect.open().await.unwrap() {
            Backend::Server(store) => store,
            Backend::Client(_) => panic!("a store was asked for"),
        }
    }

    /// The sessions as they are used at a moment so long ago.
    pub(crate) async fn sessions(&self, ago: Duration) -> Sessions {
        let clock = ManualClock::at(SystemClock.now() - ago);
        Sessions::new(self.store().await, Settings::default().with_clock(clock)).unwrap()
    }

    /// A session that was used so long ago; of 14 days ago it has expired.
    pub(crate) async fn make(&mut self, ago: Duration, account: Option<&str>, theme: &str) -> Made {
        let session = self.sessions(ago).await.create();
        session.insert("theme", theme).unwrap();
        session.insert("csrf_token", "never-shown").unwrap();
        session.set_meta("device", Some("phone".to_owned())).unwrap();
        if let Some(account) = account {
            session.login(account).await.unwrap();
        }
        session.save().await.unwrap();
        let (handle, cookie) = (session.session_key().unwrap(), session.token().unwrap().expose());
        // Of a token of this project's the first half is public.
        let secret =
            cookie.strip_prefix(handle.as_str()).filter(|secret| !secret.is_empty()).unwrap_or(&cookie);
        self.secrets.extend([secret.to_owned(), "never-shown".to_owned()]);
        Made { handle, cookie }
    }

    pub(crate) async fn record(&self, made: &Made) -> Option<Record> {
        self.store().await.load(&made.handle, SystemClock.now()).await.unwrap()
    }
}

/// Of this test in this run.
fn unique() -> String {
    let name = RecordKey::random().unwrap();
    name.as_str()[..12].to_owned()
}
