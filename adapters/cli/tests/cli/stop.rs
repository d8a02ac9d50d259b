//! Ctrl-C between two batches, and what a terminal sees.

use std::fs::File;
use std::io::Read as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use session_core::Clock as _;
use session_core::SystemClock;
use sqlx::{AssertSqlSafe, Connection as _, Row as _, SqliteConnection};

use crate::program::{Ran, session};
use crate::site::Site;

/// So many sessions, made by the database, that end so many milliseconds from now.
async fn fill(site: &Site, count: u32, ends: i64) {
    let mut database = SqliteConnection::connect(&site.url).await.unwrap();
    let now = SystemClock.now().as_millis();
    let ends = now + ends;
    let sql = format!(
        "WITH RECURSIVE rows(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM rows WHERE n < {count})
        INSERT INTO sessions (session_key, seq, nonce, created_at, last_active, expires_at, secret, details, data)
        SELECT substr(lower(hex(randomblob(13))), 1, 25), 1, n, {now}, {now}, {ends}, zeroblob(32), x'01000000000000', x'7b226e223a317d'
        FROM rows"
    );
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut database).await.unwrap();
}

async fn rows(site: &Site) -> i64 {
    let mut database = SqliteConnection::connect(&site.url).await.unwrap();
    sqlx::query("SELECT count(*) FROM sessions").fetch_one(&mut database).await.unwrap().get(0)
}

/// Waits until it has done something, and presses Ctrl-C.
async fn interrupt(child: &Child, has_begun: impl AsyncFn() -> bool) {
    let patience = Instant::now() + Duration::from_secs(30);
    while !has_begun().await {
        assert!(Instant::now() < patience, "nothing happens");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    kill_process(Pid::from_child(child), Signal::INT).unwrap();
}

#[tokio::test]
async fn clearing_stops_between_two_batches_and_goes_on() {
    const ALL: i64 = 5000;
    let site = Site::sqlite();
    fill(&site, 5000, -1000).await;
    let mut command = site.command(&["clear", "--json", "--batch", "10"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    interrupt(&child, async || rows(&site).await < ALL).await;
    let ran = Ran::from(child.wait_with_output().unwrap());
    assert_eq!((ran.code, ran.err.as_str()), (130, ""), "{ran:?}");
    let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    let removed = report["expired"].as_i64().unwrap();
    assert_eq!((removed % 10, ALL - removed), (0, rows(&site).await), "what was said is what was done");
    assert!(0 < removed && removed < ALL && report["stopped"] == true);
    assert_eq!(site.run(&["clear", "--json"]).json()["expired"], ALL - removed);
    assert_eq!(rows(&site).await, 0);
}

#[tokio::test]
async fn ending_live_sessions_stops_between_two_pages_and_goes_on() {
    let site = Site::sqlite();
    fill(&site, 6000, 3_600_000).await;
    let mut command = site.command(&["clear", "--where", "n=1"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let live = async || {
        let mut database = SqliteConnection::connect(&site.url).await.unwrap();
        let sql = "SELECT count(*) FROM sessions WHERE seq = 1";
        sqlx::query(sql).fetch_one(&mut database).await.unwrap().get::<i64, _>(0)
    };
    interrupt(&child, async || live().await < 6000).await;
    let ran = Ran::from(child.wait_with_output().unwrap());
    assert_eq!(ran.code, 130, "{ran:?}");
    assert!(ran.out.starts_with("stopped: ") && ran.out.ends_with("run it again to go on\n"), "{ran:?}");
    assert!(live().await > 0);
    assert_eq!(site.run(&["clear", "--where", "n=1"]).code, 0);
    assert_eq!(rows(&site).await, 0);
}

#[tokio::test]
async fn a_migration_stops_between_two_pages_and_goes_on() {
    const ALL: i64 = 6000;
    let (site, other) = (Site::sqlite(), Site::sqlite());
    fill(&site, 6000, 3_600_000).await;
    let mut command = session(&["migrate", &site.url, &other.url, "--json"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    interrupt(&child, async || rows(&other).await > 1).await;
    let ran = Ran::from(child.wait_with_output().unwrap());
    assert_eq!(ran.code, 130, "{ran:?}");
    let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    let moved = report["moved"].as_i64().unwrap();
    assert!(0 < moved && moved < ALL && moved % 500 == 0, "{moved}");
    assert_eq!((rows(&site).await, rows(&other).await), (ALL - moved, moved));
    assert_eq!(Ran::of(&mut command).json()["moved"], ALL - moved);
    assert_eq!((rows(&site).await, rows(&other).await), (0, ALL));
}

/// Runs it on a terminal of its own, and says all that was written there.
fn on_a_terminal(mut command: Command) -> String {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap();
    let side = || rustix::fs::open(&*name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
    command.env("TERM", "xterm-256color");
    let mut child = command.stdin(side()).stdout(side()).stderr(side()).spawn().unwrap();
    drop(command);
    let (mut seen, mut part) = (Vec::new(), [0; 4096]);
    let mut terminal = File::from(terminal);
    // It ends with an error when nobody has the other side any more.
    while let Ok(count @ 1..) = terminal.read(&mut part) {
        seen.extend_from_slice(&part[..count]);
    }
    assert!(child.wait().unwrap().success());
    String::from_utf8_lossy(&seen).into_owned()
}

/// A moving line while it works, and the sentence at its end.
#[tokio::test]
async fn a_terminal_sees_what_it_does() {
    let site = Site::sqlite();
    fill(&site, 500, -1000).await;
    let seen = on_a_terminal(site.command(&["clear", "--batch", "5"]));
    assert!(seen.contains("removing expired sessions"), "{seen}");
    assert!(seen.contains("500 expired sessions removed in "), "{seen}");
}

/// Where all sessions are looked at, also how far that is.
#[tokio::test]
async fn a_terminal_sees_how_far_it_is() {
    let site = Site::sqlite();
    fill(&site, 6000, 3_600_000).await;
    let seen = on_a_terminal(site.command(&["clear", "--where", "n=1"]));
    let (before, _) = seen.rsplit_once(" ended, ").unwrap();
    let shown: Vec<u32> =
        before.split('%').filter_map(|part| part.split_whitespace().last()?.parse().ok()).collect();
    assert!(shown.is_sorted() && shown.iter().any(|percent| (1..50).contains(percent)), "{shown:?} {seen}");
}
