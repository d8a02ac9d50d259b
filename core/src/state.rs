//! What one request knows of its session.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::lock::Mutex as Gate;

use crate::backend::Place;
use crate::clock::Time;
use crate::commit::GRACE;
use crate::error::Result;
use crate::event::Event;
use crate::expiry::Deadlines;
use crate::id::{RecordKey, SecretHash, Token};
use crate::journal::{Change, Content, overwrite};
use crate::record::{Previous, Record, Rotated, Version};
use crate::sessions::Sessions;
use crate::store::{StoreError, StoreErrorKind};

/// One request's session: shared by the adapter, the handler's extractors and every clone of them.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) sessions: Sessions,
    /// The values of the request's `Cookie` headers, not looked at until somebody asks.
    pub(crate) cookies: Box<[u8]>,
    /// Held while the session is loaded or saved: one at a time.
    pub(crate) gate: Gate<()>,
    state: Mutex<State>,
}

impl Shared {
    pub(crate) fn new(sessions: Sessions, cookies: Box<[u8]>) -> Arc<Self> {
        let (gate, state) = (Gate::new(()), Mutex::new(State::default()));
        Arc::new(Self { sessions, cookies, gate, state })
    }

    /// The state, for as long as it takes to look at it or change it: never across an await, never while the application's
    /// code runs. So no panic of theirs can poison it, and ours leave it whole.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> Time {
        self.sessions.settings().clock.now()
    }

    /// What may be told of the session.
    pub(crate) fn handle(&self) -> Option<RecordKey> {
        let Place::Server(store) = self.sessions.place() else { return None };
        self.lock().token.as_ref().and_then(|token| store.handle(token.key()))
    }

    pub(crate) fn deadlines(&self, content: &Content) -> Deadlines<'_> {
        Deadlines {
            settings: self.sessions.settings(),
            own: content.expiry,
            absolute_at: content.absolute_at,
        }
    }
}

impl Drop for Shared {
    /// What nobody has saved by now is lost: who changed it was told, or never asked.
    fn drop(&mut self) {
        let changes = self.lock().journal.len();
        if changes > 0 {
            self.sessions.tell(&Event::Dropped { handle: self.handle(), changes });
        }
    }
}

/// How the request's cookie turned out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum Arrival {
    /// Nobody has asked for the session yet.
    #[default]
    Unopened,
    /// There is no cookie of the name.
    NoCookie,
    /// It opens a session.
    Live,
    /// It opens a session that was given a new secret because time had passed: the answer leaves the cookie alone.
    Renewed,
    /// It opens nothing: unknown, ended, expired or malformed.
    Unknown,
    /// It opened a session until a moment ago, when its privileges changed: this request is anonymous, may not write, and
    /// must not clear the cookie, which holds the new secret by now.
    Superseded,
    /// The store cannot be reached, and the settings let the request go on: it is anonymous, may not write, and leaves the cookie.
    Outage,
}

/// What is known, what was changed, and what was saved.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) arrival: Arrival,
    /// Somebody has asked for the session, though it may not have been found out.
    pub(crate) asked: bool,
    /// The record as it was loaded or last saved; none where there is none (yet).
    pub(crate) base: Option<Record>,
    /// The token that the browser has, or will have.
    pub(crate) token: Option<Token>,
    /// The hash of the secret that came with the request, whichever token there is by now.
    pub(crate) presented: Option<SecretHash>,
    /// Whether that token's secret is the record's: else another request has renewed it, and its answer sets the cookie.
    pub(crate) token_is_current: bool,
    /// The session as the handler sees it: the base with the journal applied.
    pub(crate) content: Content,
    /// What has not been saved.
    pub(crate) journal: Vec<Change>,
    /// A new secret that has not been saved.
    pub(crate) rotate: Option<Rotated>,
    /// To be saved though the journal is empty, or created though there is no data.
    pub(crate) save_due: bool,
    /// A renewed secret has come for the first time, which the record must say.
    pub(crate) confirm_due: bool,
    /// Saves that were broken off without a clear answer.
    pub(crate) unsure: Vec<Unsure>,
    /// What one of them turned out to have stored, where what came on top of it was broken off too.
    pub(crate) earlier: Earlier,
    pub(crate) accessed: bool,
    pub(crate) modified: bool,
    /// The session was flushed in this request.
    pub(crate) ended: bool,
    /// What was saved in this request.
    pub(crate) saved: Saved,
    /// The sealed session, where it lives in the cookie.
    pub(crate) sealed: Option<String>,
    /// The response has left.
    pub(crate) detached: bool,
}

/// What was saved in this request, and so what the cookie must say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum Saved {
    /// Nothing.
    #[default]
    Nothing,
    /// A later deadline, or new data under the token that the browser has.
    SameToken,
    /// A token that the browser does not have yet.
    NewToken,
}

/// A write that may or may not have been done, and how many changes are in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unsure {
    pub(crate) version: Version,
    pub(crate) changes: usize,
}

/// What a save had stored though there was no answer. No browser has been told of it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Earlier {
    /// The session was made by it.
    pub(crate) created: bool,
    /// A login was among its changes.
    pub(crate) signed_in: bool,
    /// The secret that is stored since.
    pub(crate) secret: Option<SecretHash>,
}

impl State {
    /// Records a change that has been applied to the content already.
    pub(crate) fn record(&mut self, change: Change) {
        // What may be stored already keeps its place, by which it is recognised.
        let may_be_stored = self.unsure.iter().map(|unsure| unsure.changes).max().unwrap_or(0);
        let open = self.journal.get_mut(may_be_stored..).unwrap_or_default();
        let change = overwrite(open, change);
        self.journal.extend(change);
        self.accessed = true;
        self.modified = true;
    }

    /// Whether there is something to save.
    pub(crate) fn is_dirty(&self) -> bool {
        !self.journal.is_empty() || self.rotate.is_some() || self.save_due || self.confirm_due
    }

    pub(crate) fn signs_in(&self) -> bool {
        signs_in(&self.journal)
    }

    /// Where the session is stored, or will be.
    pub(crate) fn key(&self) -> Option<&RecordKey> {
        let has_not_moved = self.base.as_ref().is_some_and(|base| base.secret.is_none());
        self.token.as_ref().map(if has_not_moved { Token::lookup_key } else { Token::key })
    }

    /// Whether its next save moves it from Django's format, and so gives it another token.
    pub(crate) fn moves_from_django(&self) -> bool {
        self.base.as_ref().is_some_and(|base| base.secret.is_none())
            && self.token.as_ref().is_some_and(Token::is_former)
    }

    /// Whether the answer that brought a renewed secret was lost: the one before still comes though its grace is over.
    pub(crate) fn lost_its_renewal(&self, now: Time) -> bool {
        let unconfirmed = |base: &Record| {
            base.details.previous.as_ref().is_some_and(Previous::is_unconfirmed)
                && now.since(base.details.rotated_at) >= GRACE
        };
        self.arrival == Arrival::Renewed
            && !self.token_is_current
            && self.presented.is_some()
            && self.base.as_ref().is_some_and(unconfirmed)
    }

    /// The session has ended: what comes now is another one.
    pub(crate) fn end(&mut self) {
        self.base = None;
        self.token = None;
        self.presented = None;
        self.sealed = None;
        self.content = Content::default();
        self.give_up_changes();
        self.saved = Saved::Nothing;
        self.ended = true;
        self.accessed = true;
        self.modified = true;
    }

    /// Drops what has not been saved.
    pub(crate) fn give_up_changes(&mut self) {
        self.journal.clear();
        self.rotate = None;
        self.save_due = false;
        self.confirm_due = false;
        self.unsure.clear();
        self.earlier = Earlier::default();
    }

    /// Whether it is known what the session is.
    pub(crate) fn check_known(&self) -> Result<()> {
        const SAYS: &str =
            "the session store could not be reached when the session was asked for: it can only be read";
        match self.arrival {
            Arrival::Outage => Err(StoreError::new(StoreErrorKind::Unavailable, SAYS).into()),
            _ => Ok(()),
        }
    }

    pub(crate) fn check_attached(&self) -> Result<()> {
        if self.detached { Err(crate::Error::Detached) } else { Ok(()) }
    }
}

/// Whether one of the changes is a login.
pub(crate) fn signs_in(changes: &[Change]) -> bool {
    changes.iter().any(|change| matches!(change, Change::Login { .. }))
}
