//! A session in Django's files, which is read as a row of its table is, and has its deadline in its text.

use std::fs::{File, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;

use session_backends::file::Durability;
use session_backends::file::django::FileStore;
use session_core::django::Auth;
use session_core::testing::Visitor;
use session_core::{AnyStore, Backend, Sessions};
use tempfile::TempDir;

use crate::django::{bombs, keys, text};
use crate::visits::{MOST, NOW, settings, use_session, wait};

const SALT: &str = "django.contrib.sessions.SessionStore";
const KEY: &str = "kqpt0w3ws4gc1dtw8cm7h8wnxabcdefg";

/// A project's folder, in which one file is written again and again.
struct Project {
    folder: TempDir,
    sessions: Sessions,
}

impl Project {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = FileStore::open(folder.path().join("s"), &keys(), &settings()).expect("it is ours");
        let store = AnyStore::new(store.with_durability(Durability::Fast)).with_django_format(&keys());
        let sessions = Sessions::new(Backend::Server(store), settings()).expect("the default settings");
        Self { folder, sessions }
    }

    fn write(&self, text: &[u8]) {
        let mut file =
            File::create(self.folder.path().join("s").join(format!("sessionid{KEY}"))).expect("a file");
        file.write_all(text).expect("there is room");
        file.set_permissions(Permissions::from_mode(0o600)).expect("it is ours");
        file.set_modified(NOW.into()).expect("it is ours");
    }
}

pub(crate) fn run(input: &[u8]) {
    thread_local! {
        static PROJECT: Project = Project::new();
    }
    PROJECT.with(|project| {
        project.write(&text(SALT, input));
        wait(async {
            let mut visitor = Visitor::with_cookie(&project.sessions, KEY);
            let auth = Auth::new(keys());
            visitor.visit(200, async |session| auth.check(&session, "a password").await).await.ok();
        });
        project.write(&text(SALT, input));
        wait(use_session(&project.sessions, KEY));
    });
}

pub(crate) fn hostile() -> Vec<Vec<u8>> {
    bombs(MOST)
}
