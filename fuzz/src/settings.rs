//! Settings from a configuration file, which is trusted but not to be right.

use cookie::Cookie;
use session_backends::memory::MemoryStore;
use session_core::testing::Visitor;
use session_core::{ManualClock, Sessions, Settings};

use crate::visits::{NOW, wait};

pub(crate) fn run(input: &[u8]) {
    let Ok(settings) = serde_json::from_slice::<Settings>(input) else { return };
    let settings = settings.with_clock(ManualClock::at(NOW));
    let Ok(sessions) = Sessions::new(MemoryStore::new(), settings) else { return };
    wait(async {
        let mut visitor = Visitor::new(&sessions);
        for status in [200, 302, 404] {
            let visit = visitor.begin();
            if let Ok(session) = visit.session().await {
                session.insert("n", status).ok();
                let _ = (session.expiry_age(), session.expiry_date(), session.login("ada").await);
            }
            let finished = visit.finish(status).await;
            if let Some(header) = finished.headers.set_cookie() {
                assert!(header.bytes().all(|c| (b' '..=b'~').contains(&c)), "one header, and no other");
                let cookie = Cookie::parse(header).expect("a browser can read it");
                assert_eq!(cookie.name(), sessions.settings().cookie_name());
            }
            visitor.receive(&finished);
        }
    });
}

pub(crate) fn hostile() -> Vec<Vec<u8>> {
    vec![
        format!("{{\"cookie_name\":\"{}\"}}", "a".repeat(1 << 20)).into(),
        format!("{{\"cookie_path\":\"/{}\"}}", "a".repeat(1 << 20)).into(),
        format!("{{\"cookie_domain\":\"{}\"}}", "a.".repeat(1 << 19)).into(),
        "[".repeat(1 << 20).into(),
    ]
}
