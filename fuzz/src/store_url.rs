//! The URL of a store, as far as that is read without going there. The password in it is in no error.

use session_backends::Connect;
use session_core::SecretKeys;
use session_redis::KeyPrefix;
use session_sqlx::TableName;

use crate::visits::wait;

const PASSWORD: &str = "hunter2";

/// What lies behind these is a file or a server.
const ELSEWHERE: [&str; 6] = ["file", "sqlite", "postgres", "postgresql", "mysql", "mariadb"];

pub(crate) fn run(input: &[u8]) {
    let url = String::from_utf8_lossy(input);
    let url = &*url;
    if let Some(why) = session_redis::fuzzing::refuses(url) {
        shows_nothing(&why);
    }
    if let Some(why) = session_sqlx::fuzzing::refuses(url)
        && has_a_password(url)
    {
        shows_nothing(&why);
    }
    url.parse::<KeyPrefix>().ok();
    url.parse::<TableName>().ok();
    let scheme = url.split(':').next().unwrap_or_default().to_ascii_lowercase();
    if ELSEWHERE.contains(&&*scheme) || scheme.starts_with("redis") {
        return;
    }
    let keys = SecretKeys::new([7; 32]);
    let cached = Connect::new("memory:").with_cache(url);
    for connect in [Connect::new(url), cached, Connect::new(url).with_django_format()] {
        if let Err(error) = wait(connect.with_secret_keys(keys.clone()).open()) {
            // A scheme is shown, which is what stands before a colon and has no sign in it.
            if !scheme.contains(PASSWORD) {
                shows_nothing(&format!("{error} {error:?}"));
            }
        }
    }
}

/// Whether it stands where a server's password stands, and nowhere else. sqlx shows the parameter that it does not understand.
fn has_a_password(url: &str) -> bool {
    let server = ["postgres", "postgresql", "mysql", "mariadb"]
        .into_iter()
        .find_map(|scheme| url.strip_prefix(scheme)?.strip_prefix("://"));
    let authority = server.and_then(|rest| rest.split(['/', '?', '#']).next());
    url.matches(PASSWORD).count() == 1
        && authority.is_some_and(|authority| authority.contains(&format!(":{PASSWORD}@")))
}

fn shows_nothing(error: &str) {
    assert!(!error.contains(PASSWORD), "{error}");
}

pub(crate) fn hostile() -> Vec<Vec<u8>> {
    vec![
        format!("redis+cluster://{}", "a:1,".repeat(10_000)).into(),
        format!("redis+sentinel://me:{PASSWORD}@{}a:1/main/0?x", "a:1,".repeat(10_000)).into(),
        format!("redis://{}", "%FF".repeat(100_000)).into(),
        format!("redis://me:{PASSWORD}@[{}]", ":".repeat(100_000)).into(),
        format!("postgres://me:{PASSWORD}@{}/d?{}", "h".repeat(100_000), "a=b&".repeat(10_000)).into(),
        format!("mysql://me:{PASSWORD}@h/{}", "%00".repeat(100_000)).into(),
        format!("sqlite:{}?{}", "%2e%2e/".repeat(100_000), "mode=ro&".repeat(10_000)).into(),
        "a".repeat(1 << 20).into(),
    ]
}
