//! What the clients of a game know together.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::id::{RecordKey, Token};
use crate::testing::history::{Answer, History, Operation, Secret};

/// The name of the session with which everything begins.
pub(super) const FIRST: &str = "session 1";

/// What all clients know together: the history, and what each cookie opens.
#[derive(Clone, Debug, Default)]
pub(super) struct Book {
    pub(super) history: History,
    pages: Arc<Mutex<Pages>>,
}

#[derive(Debug, Default)]
struct Pages {
    tickets: BTreeMap<String, Ticket>,
    /// Those that have begun, or may.
    sessions: Vec<String>,
    /// Accounts whose sessions are being ended.
    ending: Vec<String>,
}

/// What a cookie opens, or did.
#[derive(Clone, Debug)]
pub(super) struct Ticket {
    pub(super) session: String,
    pub(super) secret: Secret,
    pub(super) handle: RecordKey,
}

impl Book {
    /// That of a process beside others, which know a session of this name by its token.
    pub(super) fn of_process(history: History, session: &str, token: &Token) -> Self {
        let book = Self { history, pages: Arc::default() };
        book.lock().sessions.push(session.to_owned());
        book.learns(session, token);
        book
    }

    /// Every cookie that anybody was given.
    pub(super) fn cookies(&self) -> Vec<String> {
        self.lock().tickets.keys().cloned().collect()
    }

    /// The time of every session is up; for a request that is under way perhaps only after its next step.
    pub(super) fn expire(&self, at_once: bool) {
        for session in self.sessions() {
            let call = self.history.invoke("time", session, None, [Operation::Expire]);
            if at_once { call.done(Answer::saved()) } else { call.unknown() }
        }
    }

    /// Those that have begun, or may have.
    pub(super) fn sessions(&self) -> Vec<String> {
        self.lock().sessions.clone()
    }

    /// A name for a session that may begin now.
    pub(super) fn new_session(&self) -> String {
        let mut pages = self.lock();
        let session = match pages.sessions.first() {
            None => FIRST.to_owned(),
            // Its own also where several processes have a part in the history.
            Some(_) => format!("session {} of process {}", pages.sessions.len() + 1, std::process::id()),
        };
        pages.sessions.push(session.clone());
        for account in &pages.ending {
            let operations = [Operation::RevokeAccount(account.clone())];
            self.history.invoke("a revocation under way", &session, None, operations).unknown();
        }
        session
    }

    /// What a cookie opens, or did.
    pub(super) fn ticket(&self, cookie: &str) -> Option<Ticket> {
        self.lock().tickets.get(cookie).cloned()
    }

    /// A session's token is this one now.
    pub(super) fn learns(&self, session: &str, token: &Token) -> Ticket {
        let cookie = token.expose();
        let ticket =
            Ticket { session: session.to_owned(), secret: Secret::of(&cookie), handle: *token.lookup_key() };
        self.lock().tickets.insert(cookie, ticket.clone());
        ticket
    }

    /// From now on an account's sessions are being ended, also one that begins meanwhile.
    pub(super) fn revokes(&self, account: &str) {
        self.lock().ending.push(account.to_owned());
    }

    pub(super) fn has_revoked(&self, account: &str) {
        let mut pages = self.lock();
        if let Some(at) = pages.ending.iter().position(|ending| *ending == *account) {
            pages.ending.remove(at);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
