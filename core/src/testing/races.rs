//! Two requests do different things to one session at the same moment: whatever the order, what is left makes sense.
//!
//! Each pair runs here many times with both sides in one process, and in [`processes`](super::processes) with each side in a
//! process of its own. The moments are chance; what is judged is the end.

use std::time::Duration;

use super::{Visitor, rounds, run_cases};
use crate::any_store::AnyStore;
use crate::backend::Backend;
use crate::clock::{Clock as _, SystemClock};
use crate::error::{Error, Result};
use crate::id::RecordKey;
use crate::key::Key;
use crate::session::Session;
use crate::sessions::Sessions;
use crate::settings::Settings;
use crate::store::SessionStore;

const N: Key<u32> = Key::new("n");
const LATE: Key<u32> = Key::new("late");

/// How often each pair meets.
const ROUNDS: u32 = 20;

/// Runs every pair in this process.
///
/// # Panics
///
/// Where a pair leaves what cannot be.
pub async fn conformance<S: SessionStore>(make: &impl AsyncFn() -> S) {
    run_cases!(make; every_pair_leaves_what_some_order_would);
}

async fn every_pair_leaves_what_some_order_would(store: AnyStore) {
    let sessions = sessions_over(&store);
    for pair in Pair::all(&store) {
        for _ in 0..rounds(ROUNDS) {
            let scene = Scene::set(&sessions).await;
            let [first, second] = pair.sides().map(|act| {
                let (sessions, store, scene) = (sessions.clone(), store.clone(), scene.clone());
                tokio::spawn(async move { act.play(&sessions, &store, &scene).await })
            });
            let ends = [first.await.expect("a side ends"), second.await.expect("a side ends")];
            pair.judge(&sessions, &scene, &ends).await;
        }
    }
}

/// Sessions in which a use alone moves the deadline.
pub(super) fn sessions_over(store: &AnyStore) -> Sessions {
    let settings = Settings::default().with_save_every_request(true);
    Sessions::new(Backend::Server(store.clone()), settings).expect("settings that fit")
}

/// A session that both sides know.
#[derive(Clone, Debug)]
pub(super) struct Scene {
    pub(super) cookie: String,
    pub(super) handle: RecordKey,
    /// Of this scene alone.
    pub(super) account: String,
}

impl Scene {
    pub(super) async fn set(sessions: &Sessions) -> Self {
        let mut visitor = Visitor::new(sessions);
        let handle = visitor.visit(200, async |s| {
            s.insert(N, 0)?;
            s.save().await?;
            Ok(s.session_key().expect("it is stored"))
        });
        let handle = handle.await.expect("a new session");
        let cookie = visitor.cookie().expect("a cookie").to_owned();
        Self { cookie, handle, account: format!("races {handle}") }
    }

    /// As a line for another process, and back.
    pub(super) fn to_line(&self) -> String {
        format!("{} {}", self.cookie, self.handle)
    }

    pub(super) fn from_line(line: &str) -> Self {
        let (cookie, handle) = line.split_once(' ').expect("a cookie and a handle");
        let handle: RecordKey = handle.parse().expect("a handle");
        Self { cookie: cookie.to_owned(), handle, account: format!("races {handle}") }
    }
}

/// What one side does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Write,
    Rotate,
    Flush,
    Revoke,
    Login,
    RevokeAccount,
    Use,
    /// By a clock by which everything has expired.
    Purge,
}

const ACTS: [(&str, Act); 8] = [
    ("write", Act::Write),
    ("rotate", Act::Rotate),
    ("flush", Act::Flush),
    ("revoke", Act::Revoke),
    ("login", Act::Login),
    ("revoke-account", Act::RevokeAccount),
    ("use", Act::Use),
    ("purge", Act::Purge),
];

impl Act {
    pub(super) fn name(self) -> &'static str {
        ACTS.iter().find(|(_, act)| *act == self).map_or("", |(name, _)| name)
    }

    pub(super) fn named(name: &str) -> Self {
        ACTS.iter().find(|(known, _)| *known == name).expect("an act").1
    }

    pub(super) async fn play(self, sessions: &Sessions, store: &AnyStore, scene: &Scene) -> End {
        let requests = |handler: Handler| async move {
            let mut visitor = Visitor::with_cookie(sessions, &*scene.cookie);
            let account = scene.account.clone();
            let done = visitor.visit(200, async |s| handler.run(&s, account).await).await;
            End { done: code(&done), cookie: visitor.cookie().map(str::to_owned) }
        };
        match self {
            Act::Write => requests(Handler::Write).await,
            Act::Rotate => requests(Handler::Rotate).await,
            Act::Flush => requests(Handler::Flush).await,
            Act::Login => requests(Handler::Login).await,
            Act::Use => requests(Handler::Use).await,
            Act::Revoke => End::of(&sessions.revoke(&scene.handle).await.map(drop)),
            Act::RevokeAccount => End::of(&sessions.revoke_account(&scene.account).await.map(drop)),
            Act::Purge => {
                let late = SystemClock.now() + Duration::from_secs(15 * 24 * 3600);
                let purged = store.purge(late, 100.try_into().expect("not zero")).await;
                End::of(&purged.map(drop).map_err(Error::from))
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Handler {
    Write,
    Rotate,
    Flush,
    Login,
    Use,
}

impl Handler {
    async fn run(self, session: &Session, account: String) -> Result<()> {
        match self {
            Self::Write => session.insert(LATE, 1),
            Self::Rotate => session.rotate(),
            Self::Flush => session.flush().await,
            Self::Login => session.login(account).await,
            Self::Use => session.get(N).map(drop),
        }
    }
}

/// How one side ended.
#[derive(Clone, Debug)]
pub(super) struct End {
    /// `ok`, or the error's code.
    pub(super) done: String,
    /// What the browser has then.
    pub(super) cookie: Option<String>,
}

impl End {
    fn of(done: &Result<()>) -> Self {
        Self { done: code(done), cookie: None }
    }

    pub(super) fn to_line(&self) -> String {
        format!("{} {}", self.done, self.cookie.as_deref().unwrap_or("-"))
    }

    pub(super) fn from_line(line: &str) -> Self {
        let (done, cookie) = line.split_once(' ').expect("how it ended, and a cookie");
        Self { done: done.to_owned(), cookie: Some(cookie.to_owned()).filter(|cookie| cookie != "-") }
    }

    pub(super) fn is_ok(&self) -> bool {
        self.done == "ok"
    }
}

fn code(done: &Result<()>) -> String {
    done.as_ref().map_or_else(|error| error.code().to_owned(), |()| "ok".to_owned())
}

/// What happens at the same moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pair {
    RotateAndWrite,
    LogoutAndRotate,
    RevokeAndWrite,
    LoginAndRevokeAccount,
    LogoutAndUse,
    PurgeAndWrite,
}

impl Pair {
    /// Those that a store of this kind can be asked for.
    pub(super) fn all(store: &AnyStore) -> Vec<Self> {
        let mut all = vec![
            Self::RotateAndWrite,
            Self::LogoutAndRotate,
            Self::RevokeAndWrite,
            Self::LogoutAndUse,
            Self::PurgeAndWrite,
        ];
        all.extend(store.capabilities().accounts.then_some(Self::LoginAndRevokeAccount));
        all
    }

    pub(super) fn sides(self) -> [Act; 2] {
        match self {
            Self::RotateAndWrite => [Act::Rotate, Act::Write],
            Self::LogoutAndRotate => [Act::Flush, Act::Rotate],
            Self::RevokeAndWrite => [Act::Revoke, Act::Write],
            Self::LoginAndRevokeAccount => [Act::Login, Act::RevokeAccount],
            Self::LogoutAndUse => [Act::Flush, Act::Use],
            Self::PurgeAndWrite => [Act::Purge, Act::Write],
        }
    }

    /// Whether some order of the two would leave what is there.
    pub(super) async fn judge(self, look: &Sessions, scene: &Scene, ends: &[End; 2]) {
        let [first, second] = ends;
        let told = format!("{self:?}: {} and {}", first.done, second.done);
        for end in ends {
            assert!(["ok", "session_interrupted"].contains(&&*end.done), "{told}");
        }
        let before = seen(look, Some(&scene.cookie)).await;
        match self {
            Self::RotateAndWrite => {
                assert!(first.is_ok(), "{told}: a rotation is no conflict with a write");
                let after = seen(look, first.cookie.as_deref()).await.expect("the rotated session lives");
                // In Django's format the old key is as unknown as any: who came with it later has begun another session.
                let began_anew = second.is_ok() && second.cookie.as_ref() != Some(&scene.cookie);
                let is_django_s = second.cookie.as_ref().is_some_and(|cookie| cookie.len() < 50);
                assert!(!began_anew || is_django_s, "{told}: another session");
                let is_there = second.is_ok() && !began_anew;
                assert_eq!(after.late, is_there, "{told}: what was acknowledged is there, and nothing else");
                assert_eq!(before, None, "{told}: the old cookie opens nothing");
            }
            Self::LogoutAndRotate => {
                assert!(first.is_ok(), "{told}");
                // A logout that came after the rotation came with a cookie that was nobody's by then.
                let rotated = seen(look, second.cookie.as_deref()).await;
                assert_eq!(before, None, "{told}");
                assert!(rotated.is_none() || second.is_ok(), "{told}");
            }
            Self::RevokeAndWrite => {
                assert!(first.is_ok(), "{told}");
                assert_eq!(before, None, "{told}: it came back");
            }
            Self::LogoutAndUse => {
                assert!(first.is_ok() && second.is_ok(), "{told}");
                assert_eq!(before, None, "{told}: it came back");
            }
            Self::PurgeAndWrite => {
                assert!(first.is_ok(), "{told}");
                assert!(second.is_ok() || before.is_none(), "{told}: it came back");
                assert!(before.is_none_or(|seen| seen.late), "{told}: what was acknowledged is there");
            }
            Self::LoginAndRevokeAccount => {
                assert!(first.is_ok() && second.is_ok(), "{told}");
                let after = seen(look, first.cookie.as_deref()).await;
                let listed = look.sessions_of(&scene.account).await.expect("a list").len();
                let stands = after.is_some_and(|seen| seen.signed_in);
                assert_eq!(listed, usize::from(stands), "{told}: what stands is listed, and can be ended");
                look.revoke_account(&scene.account).await.expect("an end");
                assert_eq!(seen(look, first.cookie.as_deref()).await, None, "{told}: it stays");
            }
        }
    }
}

/// What a browser with this cookie sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    late: bool,
    signed_in: bool,
}

async fn seen(sessions: &Sessions, cookie: Option<&str>) -> Option<Seen> {
    let mut visitor = Visitor::with_cookie(sessions, cookie?);
    let look = visitor.visit(200, async |s| {
        let seen = Seen { late: s.contains_key(LATE.name()), signed_in: s.account().is_some() };
        Ok(s.get(N)?.map(|_| seen))
    });
    look.await.expect("a read")
}
