//! T5, T18, T19: nothing leads out of the folder, and nothing in it is taken for a session that is none.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::Path;

use session_core::store::{Filter, SessionStore, StoreErrorKind};
use session_core::testing::Visitor;
use session_core::{RecordKey, Sessions, Settings};
use session_file::FileStore;

use crate::{NOW, Place, files, kind, listed, new_key, of_account, put, record};

#[tokio::test]
async fn folders_and_files_are_for_their_owner_alone() {
    let place = Place::new();
    put(&place.store, &of_account(&place.store, "ada")).await;
    let mut folders = vec![place.path("")];
    while let Some(folder) = folders.pop() {
        assert_eq!(mode(&folder), 0o700, "{}", folder.display());
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                assert_eq!(mode(&path), 0o600, "{}", path.display());
            }
        }
    }
}

#[tokio::test]
async fn a_folder_that_lets_others_in_is_refused_with_the_remedy() {
    let place = Place::new();
    let key = put(&place.store, &record(&place.store)).await;
    for inner in ["", "records", &format!("records/{}", &key.as_str()[..2])] {
        for loose in [0o777, 0o770, 0o755, 0o702] {
            fs::set_permissions(place.path(inner), Permissions::from_mode(loose)).unwrap();
            let error = place.store.load(&key, NOW).await.unwrap_err();
            assert_eq!(error.kind(), StoreErrorKind::Misconfigured, "{loose:o} on {inner}");
            assert!(error.to_string().contains("chmod 700"), "{error}");
        }
        fs::set_permissions(place.path(inner), Permissions::from_mode(0o700)).unwrap();
    }
    fs::set_permissions(place.path(""), Permissions::from_mode(0o755)).unwrap();
    assert_eq!(kind(FileStore::open(place.path(""))), StoreErrorKind::Misconfigured);
    assert_eq!(kind(place.store.ping().await), StoreErrorKind::Misconfigured);
}

#[tokio::test]
async fn a_file_that_others_may_write_is_refused_with_the_remedy() {
    let place = Place::new();
    let key = put(&place.store, &record(&place.store)).await;
    fs::set_permissions(place.file_of(&key), Permissions::from_mode(0o620)).unwrap();
    let error = place.store.load(&key, NOW).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Misconfigured);
    assert!(error.to_string().contains("chmod 600") && !error.to_string().contains(key.as_str()), "{error}");
}

/// Where this runs as root, things are given away; where not, what is root's is at hand.
#[tokio::test]
async fn what_belongs_to_another_user_is_refused() {
    const NOBODY: u32 = 65_534;
    let place = Place::new();
    let key = put(&place.store, &record(&place.store)).await;
    if fs::metadata(place.path("")).unwrap().uid() == 0 {
        for path in [place.file_of(&key), place.path("records"), place.path("")] {
            chown(&path, Some(NOBODY), None).unwrap();
            let error = place.store.load(&key, NOW).await.unwrap_err();
            assert_eq!(error.kind(), StoreErrorKind::Misconfigured);
            assert!(error.to_string().contains("65534"), "{error}");
            chown(&path, Some(0), None).unwrap();
        }
    } else {
        assert_eq!(kind(FileStore::open("/usr")), StoreErrorKind::Misconfigured);
    }
}

#[tokio::test]
async fn the_folder_itself_may_be_no_link_and_no_file() {
    let place = Place::new();
    let beside = |name: &str| place.folder.path().join(name);
    symlink(place.path(""), beside("link")).unwrap();
    symlink(beside("nowhere"), beside("dangling")).unwrap();
    fs::write(beside("letter"), "Dear reader").unwrap();
    for name in ["link", "link/", "dangling", "letter", "letter/sessions"] {
        let error = FileStore::open(beside(name)).unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Misconfigured, "{name}: {error}");
    }
    assert_eq!(kind(FileStore::open(beside("missing/sessions"))), StoreErrorKind::Absent);
    let error = FileStore::open(beside("link/")).unwrap_err();
    assert!(error.to_string().contains("symbolic link"), "{error}");
    assert_eq!(fs::read_to_string(beside("letter")).unwrap(), "Dear reader");
    assert!(!beside("nowhere").exists() && !beside("missing").exists());
}

/// Each link leads to a place where everything would work, were it followed.
#[tokio::test]
async fn no_link_in_the_folder_is_followed() {
    let (place, elsewhere) = (Place::new(), Place::new());
    let record = of_account(&place.store, "ada");
    let key = put(&place.store, &record).await;
    elsewhere.store.insert(&key, &record, NOW).await.map(drop).unwrap();
    let before = files(&elsewhere.path(""));
    let fan_out = format!("records/{}", &key.as_str()[..2]);
    let file = format!("{fan_out}/{key}");
    for inner in [&*file, &fan_out, "records", "locks", "accounts"] {
        fs::rename(place.path(inner), place.folder.path().join("aside")).unwrap();
        symlink(elsewhere.path(inner), place.path(inner)).unwrap();
        if inner != "locks" && inner != "accounts" {
            assert_eq!(kind(place.store.load(&key, NOW).await), StoreErrorKind::Misconfigured, "{inner}");
        }
        let removed = place.store.remove(all_of("ada"), NOW).await;
        assert_eq!(kind(removed), StoreErrorKind::Misconfigured, "{inner}");
        if inner != file {
            // Of this key, so that it comes by the link.
            let other: RecordKey = format!("{}22222222", &key.as_str()[..2]).parse().unwrap();
            let answer = place.store.insert(&other, &record, NOW).await;
            assert_eq!(kind(answer), StoreErrorKind::Misconfigured, "{inner}");
        }
        fs::remove_file(place.path(inner)).unwrap();
        fs::rename(place.folder.path().join("aside"), place.path(inner)).unwrap();
    }
    assert_eq!(files(&elsewhere.path("")), before, "nothing was written behind a link");
    assert_eq!(elsewhere.store.load(&key, NOW).await.unwrap(), Some(record));
}

/// A pipe would be waited for, a folder cannot be read.
#[tokio::test]
async fn what_is_no_file_is_refused_and_not_waited_for() {
    let place = Place::new();
    let key = put(&place.store, &record(&place.store)).await;
    fs::remove_file(place.file_of(&key)).unwrap();
    let made = std::process::Command::new("mkfifo").arg(place.file_of(&key)).status().unwrap();
    assert!(made.success());
    assert_eq!(kind(place.store.load(&key, NOW).await), StoreErrorKind::Misconfigured);
    fs::remove_file(place.file_of(&key)).unwrap();
    fs::create_dir(place.file_of(&key)).unwrap();
    assert_eq!(kind(place.store.load(&key, NOW).await), StoreErrorKind::Misconfigured);
}

#[tokio::test]
async fn foreign_files_are_neither_listed_nor_touched() {
    let place = Place::new();
    let key = put(&place.store, &of_account(&place.store, "ada")).await;
    let fan_out = place.file_of(&key).parent().unwrap().to_owned();
    let bucket = fs::read_dir(place.path("accounts")).unwrap().next().unwrap().unwrap().path();
    let elsewhere = if key.as_str().starts_with("zz") { "aaaaaaaa" } else { "zzzzzzzz" };
    let foreign = [
        place.path("README"),
        place.path("records/README"),
        place.path("records/lost+found"),
        fan_out.join(format!("{key}.bak")),
        fan_out.join(format!("{key}~")),
        fan_out.join(format!(".{key}.swp")),
        fan_out.join(format!("{}.NEW", key.as_str())),
        fan_out.join(".nfs0000000000000001"),
        fan_out.join(".new"),
        fan_out.join("short"),
        // The name of a key, in a folder that is not its own.
        fan_out.join(elsewhere),
        bucket.join("README"),
        bucket.join(key.as_str()),
    ];
    for path in &foreign {
        fs::write(path, "mine").unwrap();
    }
    let late = NOW + std::time::Duration::from_secs(100 * 3600);
    assert_eq!(listed(&place.store, Filter::All).await, [key]);
    assert_eq!(listed(&place.store, Filter::Account("ada")).await, [key]);
    assert_eq!(place.store.remove(all_of("ada"), late).await.unwrap(), 0);
    assert_eq!(place.store.purge(late, 100.try_into().unwrap()).await.unwrap(), 1);
    for path in &foreign {
        assert_eq!(fs::read_to_string(path).unwrap(), "mine", "{}", path.display());
    }
}

/// T1, T3, T5: whatever a cookie says, nothing is created, and nothing outside is touched.
#[tokio::test]
async fn no_cookie_names_a_file() {
    let place = Place::new();
    let secret = place.folder.path().join("secret1234");
    fs::write(&secret, "mine").unwrap();
    let sessions = Sessions::new(place.store.clone(), Settings::default()).unwrap();
    let long = "a".repeat(10_000);
    let unknown = format!("{}{}", new_key(), new_key());
    for value in [
        "",
        "a",
        "..",
        ".",
        "../secret1234",
        "%2e%2e%2fsecret1234",
        "/etc/passwd",
        "aux",
        "con.txt",
        "nul",
        "a:b",
        "a\\b",
        "\0",
        "ünïcödé",
        &long,
        &unknown,
        &unknown[..25],
    ] {
        assert!(value == &unknown[..25] || value.parse::<RecordKey>().is_err(), "{value:?}");
        let mut visitor = Visitor::with_cookie(&sessions, value);
        assert_eq!(visitor.visit(200, async |s| s.get::<u32>("n")).await.unwrap(), None, "{value:?}");
        let visit = Visitor::with_cookie(&sessions, value).begin();
        visit.pending().flush().await.unwrap();
    }
    assert_eq!(files(&place.path("records")), Vec::<std::path::PathBuf>::new());
    assert_eq!(fs::read_to_string(secret).unwrap(), "mine");
}

/// An administrator ends all sessions with `rm -r`, and the store goes on.
#[tokio::test]
async fn an_emptied_folder_is_an_empty_store() {
    let place = Place::new();
    let record = of_account(&place.store, "ada");
    let key = put(&place.store, &record).await;
    for inner in ["records", "accounts", "locks"] {
        fs::remove_dir_all(place.path(inner)).unwrap();
    }
    assert_eq!(place.store.load(&key, NOW).await.unwrap(), None);
    assert_eq!(listed(&place.store, Filter::All).await, []);
    let key = put(&place.store, &record).await;
    assert_eq!(listed(&place.store, Filter::Account("ada")).await, [key]);
    fs::remove_dir_all(place.path("")).unwrap();
    let error = place.store.load(&key, NOW).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Absent, "down is not gone: {error}");
    assert_eq!(kind(place.store.insert(&key, &record, NOW).await), StoreErrorKind::Absent);
    let _opened_again = FileStore::open(place.path("")).unwrap();
    assert_eq!(place.store.load(&key, NOW).await.unwrap(), None);
    put(&place.store, &record).await;
}

#[tokio::test]
async fn a_relative_path_stays_what_it_was() {
    let place = Place::new();
    let store = FileStore::open(Path::new(".").join(relative_to_here(&place.path("")))).unwrap();
    let shown = format!("{store:?}");
    assert!(shown.contains(": \"/"), "{shown}");
}

fn relative_to_here(path: &Path) -> std::path::PathBuf {
    let up =
        std::env::current_dir().unwrap().components().skip(1).map(|_| "..").collect::<std::path::PathBuf>();
    up.join(path.strip_prefix("/").unwrap())
}

fn all_of(account: &str) -> session_core::store::Select<'_> {
    session_core::store::Select::Account { account, except: None }
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}
