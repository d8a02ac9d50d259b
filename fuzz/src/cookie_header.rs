//! The headers `Cookie` of a request, one a line.

use session_backends::memory::MemoryStore;
use session_core::store::{Filter, SessionStore as _};
use session_core::testing::{Probe, Verb, Visitor};
use session_core::{Sessions, Time};

use crate::visits::{COOKIE, NOW, settings, wait};

/// A server takes no more headers than that.
const HEADERS: usize = 100;

pub(crate) fn run(input: &[u8]) {
    let headers = || input.splitn(HEADERS, |byte| *byte == b'\n');
    wait(async {
        let store = Probe::new(MemoryStore::new());
        let sessions = Sessions::new(store.clone(), settings()).expect("the default settings");

        let pending = sessions.begin(headers());
        assert_eq!(store.calls(), 0, "nobody has asked for the session");
        let session = pending.open().await.expect("a cookie is never an error");
        assert!(session.is_empty() && session.account().is_none());
        assert!(store.calls_of(Verb::Load) <= 3, "of many cookies three are tried");
        let cookie = sessions.finish(pending, 200).await.headers;
        assert!(cookie.set_cookie().is_none_or(|cookie| cookie.contains("Max-Age=0")), "none is adopted");
        assert_eq!(live(&store, NOW).await, 0, "none is created");

        // What is written goes under a key of its own.
        let pending = sessions.begin(headers());
        pending.open().await.and_then(|session| session.insert("n", 1)).expect("a new session");
        let finished = sessions.finish(pending, 200).await;
        assert_eq!(live(&store, NOW).await, 1);
        let mut visitor = Visitor::with_cookie(&sessions, COOKIE);
        visitor.receive(&finished);
        assert!(visitor.cookie().is_some_and(|cookie| !contains(input, cookie)), "it was drawn now");

        // A logout needs no session.
        let pending = sessions.begin(headers());
        pending.flush().await.expect("nothing is there to be ended");
        let _ = sessions.finish(pending, 200).await;
        assert_eq!(live(&store, NOW).await, 1, "nobody else's session is ended");
    });
}

async fn live(store: &Probe, now: Time) -> usize {
    let page = store.page(Filter::All, None, 10.try_into().expect("not zero"), now).await;
    page.expect("it is in memory").records.len()
}

fn contains(input: &[u8], text: &str) -> bool {
    input.windows(text.len()).any(|part| part == text.as_bytes())
}

pub(crate) fn hostile() -> Vec<Vec<u8>> {
    let pair = format!("sessionid={COOKIE}; ");
    vec![
        pair.repeat(20_000).into(),
        b"sessionid=".repeat(100_000),
        vec![b';'; 1 << 20],
        [&b"sessionid="[..], &vec![b'a'; 1 << 20]].concat(),
        format!("{pair}\n").repeat(1_000).into(),
    ]
}
