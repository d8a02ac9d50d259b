//! What a visitor with a hostile cookie, or a hostile record, makes a site do.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use session_backends::memory::MemoryStore;
use session_core::store::{Inserted, SessionStore as _};
use session_core::testing::Visitor;
use session_core::{Expiry, ManualClock, Record, Session, Sessions, Settings, Time, Token, TokenFormat};
use tokio::runtime::{Builder, Runtime};

/// Where every clock stands.
pub(crate) const NOW: Time = Time::from_millis(1_700_000_000_000);

/// The cookie of the one session that there is.
pub(crate) const COOKIE: &str = "kqpt0w3ws4gc1dtw8cm7h8wnxabcdefghijklmnopqrstuvwxy";

/// What [`COOKIE`] says.
pub(crate) fn token() -> Token {
    Token::parse(TokenFormat::Split, COOKIE.as_bytes()).expect("it is a token")
}

/// Waits for what has no server to wait for.
pub(crate) fn wait<T>(work: impl Future<Output = T>) -> T {
    thread_local! {
        static RUNTIME: Runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    }
    RUNTIME.with(|runtime| runtime.block_on(work))
}

/// What is inflated at most: what settings allow, and as much again.
pub(crate) const MOST: usize = 1 << 20;

/// Settings whose clock stands.
pub(crate) fn settings() -> Settings {
    Settings::default().with_clock(ManualClock::at(NOW)).with_max_bytes(MOST / 2)
}

/// Keeps a record as that of [`COOKIE`], and uses it.
pub(crate) async fn use_record(record: Record, settings: Settings) {
    assert!(
        [record.created_at, record.last_active, record.expires_at]
            .iter()
            .all(|at| !at.to_string().is_empty())
    );
    let (store, token) = (MemoryStore::new(), token());
    let expires_at = NOW + Duration::from_secs(3600);
    let record = Record { secret: token.secret_hash(), expires_at, ..record };
    assert_eq!(store.insert(token.key(), &record, NOW).await.expect("there is room"), Inserted::Done);
    let (renew, idle) = (Some(Duration::from_secs(60)), Some(Duration::from_secs(600)));
    let settings = settings.with_renew_every(renew).with_idle_timeout(idle);
    let sessions = Sessions::new(store, settings).expect("settings that go with any store");
    use_session(&sessions, COOKIE).await;
    // A device list shows it.
    if let Some(account) = record.account {
        sessions.sessions_of(&account).await.ok();
    }
}

/// Does with the session of a cookie what handlers do. What fails is an error; what succeeds keeps what was there.
pub(crate) async fn use_session(sessions: &Sessions, cookie: &str) {
    const OURS: &str = "fuzz";
    let mut visitor = Visitor::with_cookie(sessions, cookie);
    let Ok(before) = visitor.visit(200, async |session| Ok(look(&session))).await else { return };
    if visitor.visit(200, async |session| session.insert(OURS, 1)).await.is_ok() {
        let after = visitor.visit(200, async |session| Ok(look(&session))).await;
        let after = after.expect("what was just written can be read");
        // A session whose own end has come ends with the request, whatever it has written.
        if before.ends > NOW {
            let moved = after.ends.since(before.ends).max(before.ends.since(after.ends));
            assert!(moved <= Duration::from_secs(1), "whole seconds at least are kept: {moved:?}");
            let known =
                |seen: &Seen| seen.values.keys().filter(|key| *key != OURS).cloned().collect::<Vec<_>>();
            assert_eq!(known(&after), known(&before), "no key comes or goes");
            let kept = |(key, value): (&String, _)| key == OURS || after.values.get(key) == Some(value);
            assert!(before.values.iter().all(kept), "no value changes");
        }
    }
    let mut other = visitor.clone();
    other.visit(200, async |session| session.set_meta("device", Some("phone".to_owned()))).await.ok();
    other.visit(200, async |session| session.set_expiry(Expiry::At(Time::MAX))).await.ok();
    other.visit(200, async |session| session.rotate()).await.ok();
    other.visit(200, async |session| session.login("ada").await).await.ok();
    other.visit(200, async |session| session.flush().await).await.ok();
    visitor
        .visit(200, async |session| {
            session.clear();
            Ok(())
        })
        .await
        .ok();
}

/// All that can be seen of a session.
struct Seen {
    /// A value that is no JSON (it is too deep, or half a character) is as good as none.
    values: BTreeMap<String, Option<Value>>,
    ends: Time,
}

fn look(session: &Session) -> Seen {
    let _ = (session.expiry(), session.expiry_age(), session.expires_at_browser_close());
    let _ = (session.account(), session.authenticated_at(), session.session_key(), session.is_empty());
    let _ = session.require_recent_login(Duration::from_secs(60));
    let values = session.iter().map(|(key, value)| (key, value.get())).collect();
    Seen { values, ends: session.expiry_date().into() }
}
