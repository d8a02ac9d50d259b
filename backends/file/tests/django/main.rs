//! Django's session files: the conformance kit, a real Django on the same folder, and what is special to such files.

#![expect(clippy::unwrap_used, reason = "a test fails where what it is made of fails")]

use std::cell::Cell;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::Duration;

use serde_json::json;
use session_core::django::record_of;
use session_core::store::{Filter, Inserted, Replaced, Select, SessionStore, StoreErrorKind};
use session_core::testing::django::{DjangoPeer, SECRET_KEY, shares_its_sessions};
use session_core::testing::store::sample;
use session_core::testing::{Visitor, conformance};
use session_core::{AnyStore, RecordKey, SecretKeys, Sessions, Settings, Time};
use session_file::django::FileStore;

const NOW: Time = Time::from_millis(1_700_000_000_000);
const AGE: Duration = Duration::from_secs(1_209_600);

fn open(path: &Path) -> FileStore {
    FileStore::open(path, &SecretKeys::new(SECRET_KEY), &Settings::default()).unwrap()
}

fn with_format(store: FileStore) -> AnyStore {
    AnyStore::new(store).with_django_format(&SecretKeys::new(SECRET_KEY))
}

fn new_key() -> RecordKey {
    RecordKey::random().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_store_conforms() {
    let folder = tempfile::tempdir().unwrap();
    let next = Cell::new(0);
    let make = async || {
        next.set(next.get() + 1);
        with_format(open(&folder.path().join(next.get().to_string())))
    };
    conformance(make).await;
}

#[tokio::test]
async fn a_real_django_shares_its_sessions() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions");
    let store = open(&path);
    let project = json!({
        "engine": "file",
        "secret_key": SECRET_KEY,
        "file_path": path,
        "database": {"ENGINE": "django.db.backends.sqlite3", "NAME": folder.path().join("db.sqlite3")},
    });
    let Some(django) = DjangoPeer::start(&project) else { return };
    shares_its_sessions(store, django).await;
    for entry in fs::read_dir(&path).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        assert!(name == "locks" || name.starts_with("sessionid") && !name.contains("_out_"), "{name}");
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o077, 0, "{name}");
    }
}

/// D85, D90: the file's name, its text, and a modification time that makes it end when the session does.
#[tokio::test]
async fn a_file_is_as_django_writes_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let store = with_format(open(&path));
    let (key, record) = (new_key(), sample(&store, NOW));
    assert_eq!(store.insert(&key, &record, NOW).await.unwrap(), Inserted::Done);
    let file = path.join(format!("sessionid{key}"));
    assert_eq!(fs::read(&file).unwrap(), record.data);
    // Its own expiry is an hour after the last write.
    assert_eq!(fs::metadata(&file).unwrap().mtime(), NOW.as_millis() / 1000);
    assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
}

/// D88: Django makes an empty file before it writes the session; it is a session without data, and lasts the cookie's age.
#[tokio::test]
async fn a_placeholder_is_an_empty_session() {
    let folder = tempfile::tempdir().unwrap();
    let store = with_format(open(&folder.path().join("s")));
    let key = new_key();
    let file = fs::File::create(folder.path().join(format!("s/sessionid{key}"))).unwrap();
    file.set_modified(NOW.into()).unwrap();
    file.set_permissions(fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(store.load(&key, NOW).await.unwrap(), Some(record_of("", NOW + AGE)));
    assert_eq!(store.load(&key, NOW + AGE).await.unwrap(), None);
}

/// D107: of a file whose signature fits no key nobody knows whether it has ended: it is an error, and stays.
#[tokio::test]
async fn what_another_project_signed_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let (ours, key) = (with_format(open(&path)), new_key());
    let other_key = SecretKeys::new("another secret");
    let theirs = FileStore::open(&path, &other_key, &Settings::default()).unwrap();
    let theirs = AnyStore::new(theirs).with_django_format(&other_key);
    let record = sample(&theirs, NOW);
    assert_eq!(theirs.insert(&key, &record, NOW).await.unwrap(), Inserted::Done);
    let own = sample(&ours, NOW);
    assert_eq!(ours.insert(&key, &own, NOW).await.unwrap(), Inserted::Taken);
    for error in [
        ours.load(&key, NOW).await.unwrap_err(),
        ours.replace(&key, &key, &own, &own, NOW).await.unwrap_err(),
        ours.touch(&key, NOW + AGE, &own, NOW).await.unwrap_err(),
        ours.remove(Select::One(&key), NOW).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), StoreErrorKind::Undecodable);
        assert!(!format!("{error} {error:?}").contains(key.as_str()), "{error}");
    }
    assert_eq!(ours.purge(NOW + 100 * AGE, 10.try_into().unwrap()).await.unwrap(), 0);
    assert!(theirs.load(&key, NOW).await.unwrap().is_some());
}

/// In these files the name has the key in it, and the key is the secret.
#[tokio::test]
async fn no_error_shows_a_key() {
    let folder = tempfile::tempdir().unwrap();
    let store = with_format(open(&folder.path().join("s")));
    let key = new_key();
    std::os::unix::fs::symlink("/etc/hostname", folder.path().join(format!("s/sessionid{key}"))).unwrap();
    let error = store.load(&key, NOW).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Misconfigured);
    assert!(!format!("{error} {error:?}").contains(&key.as_str()[..8]), "{error}");
}

/// T19: what somebody else may have written is no session, and neither is what lies elsewhere. The error says what to do.
#[tokio::test]
async fn what_is_not_ours_alone_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let store = with_format(open(&path));
    let (key, record) = (new_key(), sample(&store, NOW));
    assert_eq!(store.insert(&key, &record, NOW).await.unwrap(), Inserted::Done);
    let file = path.join(format!("sessionid{key}"));
    let refused = async |remedy: &str| {
        let error = store.load(&key, NOW).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Misconfigured);
        assert!(error.to_string().contains(remedy), "{error}");
        assert!(store.replace(&key, &key, &record, &record, NOW).await.is_err());
        assert!(store.remove(Select::One(&key), NOW).await.is_err());
    };
    let allow = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    allow(&file, 0o620);
    refused("chmod 600").await;
    allow(&file, 0o600);
    allow(&path, 0o755);
    refused("chmod 700").await;
    allow(&path, 0o700);
    let elsewhere = folder.path().join("elsewhere");
    fs::rename(&file, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &file).unwrap();
    refused("symbolic link").await;
    fs::rename(&elsewhere, &file).unwrap();
    assert_eq!(store.load(&key, NOW).await.unwrap().map(|there| there.data), Some(record.data.clone()));
}

/// T1, T3, T5: whatever a cookie says, nothing is created, and nothing but a session is looked at.
#[tokio::test]
async fn no_cookie_names_another_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let sessions = Sessions::new(with_format(open(&path)), Settings::default()).unwrap();
    let theirs = [folder.path().join("secret1234"), path.join("sessionid"), path.join("sessionid_out_1234")];
    for file in &theirs {
        fs::write(file, "mine").unwrap();
    }
    let names = || fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>();
    let before = names();
    let long = "a".repeat(10_000);
    let unknown = new_key();
    for value in [
        "",
        "_out_1234",
        "/../../secret1234",
        "%2f..%2f..%2fsecret1234",
        "..\\secret1234",
        "a:b",
        "\0",
        "ünïcödé",
        &long,
        unknown.as_str(),
    ] {
        assert!(value == unknown.as_str() || value.parse::<RecordKey>().is_err(), "{value:?}");
        let mut visitor = Visitor::with_cookie(&sessions, value);
        assert_eq!(visitor.visit(200, async |s| s.get::<u32>("n")).await.unwrap(), None, "{value:?}");
        Visitor::with_cookie(&sessions, value).begin().pending().flush().await.unwrap();
    }
    let after: Vec<_> = names().into_iter().filter(|name| name != "locks").collect();
    assert_eq!(after, before);
    for file in &theirs {
        assert_eq!(fs::read_to_string(file).unwrap(), "mine");
    }
}

#[tokio::test]
async fn what_django_has_no_place_for_is_unsupported() {
    let folder = tempfile::tempdir().unwrap();
    let store = with_format(open(&folder.path().join("s")));
    let of = Select::Account { account: "ada", except: None };
    assert_eq!(store.remove(of, NOW).await.unwrap_err().kind(), StoreErrorKind::Unsupported);
    let page = store.page(Filter::Account("ada"), None, 10.try_into().unwrap(), NOW).await;
    assert_eq!(page.unwrap_err().kind(), StoreErrorKind::Unsupported);
}

/// As between two processes: the locks are the operating system's, on files of their own.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_stores_on_one_folder_lose_no_write() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let store = with_format(open(&path));
    let (key, first) = (new_key(), sample(&store, NOW));
    assert_eq!(store.insert(&key, &first, NOW).await.unwrap(), Inserted::Done);
    let writers: Vec<_> = (0..8)
        .map(|_| {
            let (store, first) = (with_format(open(&path)), first.clone());
            // Each write is another text, for `sample` draws a nonce.
            tokio::spawn(async move {
                let next = sample(&store, NOW);
                let answer = store.replace(&key, &key, &next, &first, NOW).await.unwrap();
                usize::from(answer == Replaced::Done)
            })
        })
        .collect();
    let mut done = 0;
    for writer in writers {
        done += writer.await.unwrap();
    }
    assert_eq!(done, 1);
}
