//! What logs and metrics get: names and numbers, and nothing that opens a session.

#![expect(clippy::unwrap_used, reason = "a test fails where it is")]

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshot};
use session_core::testing::{Probe, Verb, Visitor, When};
use session_core::{ManualClock, Sessions, Settings};
use session_memory::MemoryStore;

/// What a log would have, at its most talkative.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A visitor whose session is begun, read, given a new secret, guessed at and ended, and whose store fails once. Returns every cookie
/// that was given.
async fn story() -> Vec<String> {
    let (probe, clock) = (Probe::new(MemoryStore::new()), ManualClock::default());
    let settings = Settings::default().with_clock(clock.clone());
    let sessions = Sessions::new(probe.clone(), settings).unwrap();
    let mut visitor = Visitor::new(&sessions);
    let mut cookies = Vec::new();
    visitor.visit(200, async |s| s.insert("name", "a-value-of-hers")).await.unwrap();
    cookies.push(visitor.cookie().unwrap().to_owned());
    visitor.visit(200, async |s| s.login("ada@example.org").await).await.unwrap();
    cookies.push(visitor.cookie().unwrap().to_owned());
    visitor.visit(200, async |s| s.get::<String>("name")).await.unwrap();
    clock.advance(Duration::from_secs(60));
    let mut old = Visitor::with_cookie(&sessions, cookies[0].clone());
    old.visit(200, async |s| s.get::<String>("name")).await.unwrap();
    probe.fail_next(Verb::Load, When::Before);
    visitor.visit(200, async |s| s.get::<String>("name")).await.unwrap_err();
    visitor.visit(500, async |s| s.insert("name", "a-value-of-hers")).await.unwrap();
    visitor.visit(200, async |s| s.flush().await).await.unwrap();
    cookies
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// T15, C31: at the lowest level nothing is there that opens a session, or says whose it is.
#[test]
fn a_trace_names_what_happens_and_shows_no_secret() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_ansi(false)
        .with_span_events(tracing_subscriber::fmt::format::FmtSpan::CLOSE)
        .with_writer(move || writer.clone())
        .finish();
    // For the whole process: where one thread has a subscriber and another has none, either may decide what is listened to.
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let cookies = run(story());
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for event in ["created", "loaded", "rotated", "signed_in", "reuse_after_rotation", "flushed"] {
        assert!(text.contains(&format!("event=\"{event}\"")), "{event}: {text}");
    }
    assert!(text.contains("ERROR") && text.contains("store_failed"), "{text}");
    assert!(text.contains("session_store{verb=\"load\"}"), "a span for each call: {text}");
    for cookie in &cookies {
        let (selector, secret) = cookie.split_at(25);
        for secret in [selector, secret, "a-value-of-hers", "ada@example.org"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
}

#[test]
fn metrics_count_what_happens_and_time_the_store() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    metrics::with_local_recorder(&recorder, || run(story()));
    let all: Vec<_> = Snapshot::into_vec(snapshotter.snapshot());
    let of = |name: &str, label: &str| {
        let found = all.iter().find(|(key, ..)| {
            let key = key.key();
            key.name() == name && key.labels().any(|have| have.value() == label)
        });
        found.map(|(.., value)| value)
    };
    for (event, count) in [("created", 1), ("signed_in", 1), ("reuse_after_rotation", 1), ("store_failed", 1)]
    {
        let value = of("session_events_total", event);
        assert!(matches!(value, Some(DebugValue::Counter(n)) if *n == count), "{event}: {value:?}");
    }
    let loads = of("session_store_seconds", "load");
    assert!(matches!(loads, Some(DebugValue::Histogram(times)) if times.len() >= 5), "{loads:?}");
}
