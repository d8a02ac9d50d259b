//! A client that notes in the history what it does, and what it was told.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::book::{Book, Ticket};
use super::serial::apply;
use crate::any_store::AnyStore;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::lifecycle::Finished;
use crate::session::Session;
use crate::sessions::Sessions;
use crate::settings::Settings;
use crate::testing::history::{Answer, Call, End, Operation, Secret};
use crate::testing::{Visit, Visitor};

/// What a session may have; all of it is read whenever a session is.
pub(super) const KEYS: [&str; 2] = ["a", "b"];

/// What a client does in one request.
#[derive(Clone, Debug)]
pub(super) enum Act {
    /// Changes the session; the first changes are saved in the handler, where there are any, the others with the response.
    Change(Vec<Operation>, Vec<Operation>),
    Flush,
    /// Without loading it.
    FlushUnseen,
    /// By its handle.
    Revoke,
    RevokeAccount(String),
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |operations: &[Operation]| {
            let told: Vec<_> = operations.iter().map(ToString::to_string).collect();
            told.join(", ")
        };
        match self {
            Self::Change(first, then) if first.is_empty() && then.is_empty() => f.write_str("look"),
            Self::Change(first, then) if first.is_empty() => f.write_str(&list(then)),
            Self::Change(first, then) => write!(f, "{}, save, {}", list(first), list(then)),
            Self::Flush => f.write_str("flush"),
            Self::FlushUnseen => f.write_str("flush without a look"),
            Self::Revoke => f.write_str("revoke its session"),
            Self::RevokeAccount(account) => write!(f, "revoke the sessions of {account}"),
        }
    }
}

/// One process of an application.
#[derive(Clone, Debug)]
pub(super) struct Process {
    pub(super) sessions: Sessions,
    /// Whether a session was begun since this was last set back.
    pub(super) began: Arc<AtomicBool>,
}

impl Process {
    pub(super) fn new(store: AnyStore, settings: Settings) -> Self {
        let began = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&began);
        let settings = settings.with_event_handler(move |event| {
            told.fetch_or(matches!(event, Event::Created { .. }), Ordering::SeqCst);
        });
        Self { sessions: Sessions::new(store, settings).expect("settings that fit"), began }
    }
}

/// A browser.
#[derive(Clone, Debug)]
pub(super) struct Client {
    pub(super) name: String,
    pub(super) process: Process,
    pub(super) visitor: Visitor,
    pub(super) book: Book,
}

impl Client {
    pub(super) fn new(number: usize, process: &Process, book: &Book) -> Self {
        Self {
            name: format!("client {number}"),
            process: process.clone(),
            visitor: Visitor::new(&process.sessions),
            book: book.clone(),
        }
    }

    pub(super) fn has_cookie(&mut self, cookie: Option<&str>) {
        self.visitor = match cookie {
            Some(cookie) => Visitor::with_cookie(&self.process.sessions, cookie),
            None => Visitor::new(&self.process.sessions),
        };
    }

    /// Makes a request with the cookie that it has now.
    pub(super) fn request(&self, act: Act) -> impl Future<Output = Finished> + Send + use<> {
        let request = Request {
            who: self.name.clone(),
            process: self.process.clone(),
            book: self.book.clone(),
            visit: self.visitor.begin(),
            ticket: self.visitor.cookie().and_then(|cookie| self.book.ticket(cookie)),
        };
        request.run(act)
    }
}

struct Request {
    who: String,
    process: Process,
    book: Book,
    visit: Visit,
    /// What its cookie opens, or did; none once it is known that it does not.
    ticket: Option<Ticket>,
}

impl Request {
    async fn run(mut self, act: Act) -> Finished {
        let done = match act {
            Act::Change(first, then) => return self.change(first, then).await,
            Act::Flush => self.flush().await,
            Act::FlushUnseen => self.flush_unseen().await,
            Act::Revoke => self.revoke().await,
            Act::RevokeAccount(account) => self.revoke_account(account).await,
        };
        self.visit.finish(done.map_or_else(|error| error.status(), |()| 200)).await
    }

    async fn change(mut self, first: Vec<Operation>, then: Vec<Operation>) -> Finished {
        let (session, save) = match self.prepare(first, then).await {
            Ok(prepared) => prepared,
            Err(error) => return self.visit.finish(error.status()).await,
        };
        let finished = self.visit.clone().finish(200).await;
        save.ended(&mut self, &session, finished.error.as_ref(), false);
        finished
    }

    /// All that the handler does.
    async fn prepare(&mut self, first: Vec<Operation>, then: Vec<Operation>) -> Result<(Session, Save)> {
        let session = self.load().await?;
        if !first.is_empty() {
            let changes = self.apply_all(&session, first).await?;
            let save = self.save(&session, changes);
            let mut saved = session.save().await;
            let is_second = matches!(saved, Err(Error::Store(_)));
            if is_second {
                saved = session.save().await;
            }
            save.ended(self, &session, saved.as_ref().err(), is_second);
            saved?;
        }
        let changes = self.apply_all(&session, then).await?;
        let save = self.save(&session, changes);
        Ok((session, save))
    }

    /// The request's load: one step, which sees everything.
    async fn load(&mut self) -> Result<Session> {
        let call = self.begins(KEYS.map(|key| Operation::Read(key.to_owned())));
        let session = self.visit.session().await;
        let Some(call) = call else { return session };
        match &session {
            Err(_) => call.failed(),
            Ok(session) if is_stored(session) => {
                call.done(Answer::There { read: values(session), secret: None });
            }
            Ok(_) => {
                self.ticket = None;
                call.done(Answer::Gone);
            }
        }
        session
    }

    /// Does this to what the request has loaded, and says what of it is to be saved.
    async fn apply_all(&mut self, session: &Session, operations: Vec<Operation>) -> Result<Vec<Operation>> {
        let mut changes = Vec::new();
        for operation in operations {
            match &operation {
                // What is not there when it is removed is no change.
                Operation::Remove(key) if !session.contains_key(key) => continue,
                Operation::Login(account) if session.account().is_some_and(|present| present != *account) => {
                    self.change_account(session, account).await?;
                    changes.clear();
                }
                operation => apply(session, operation).await?,
            }
            changes.push(operation);
        }
        Ok(changes)
    }

    /// A login in another account's session ends that first.
    async fn change_account(&mut self, session: &Session, account: &str) -> Result<()> {
        let flush = self.ending(session);
        let done = session.login(account).await;
        end(flush, &done);
        done
    }

    async fn flush(&mut self) -> Result<()> {
        let session = self.load().await?;
        let flush = self.ending(&session);
        let done = session.flush().await;
        end(flush, &done);
        done
    }

    /// The request is about to end the session that it has loaded, whatever its secret is by then. In Django's format the secret is
    /// the key, so there another one is not found.
    fn ending(&self, session: &Session) -> Option<Call> {
        let ticket = self.ticket.as_ref().filter(|_| is_stored(session))?;
        let secret = (!ticket.handle.is_selector()).then_some(ticket.secret);
        Some(self.book.history.invoke(&self.who, &ticket.session, secret, [Operation::Flush]))
    }

    async fn flush_unseen(&mut self) -> Result<()> {
        let call = self.begins([Operation::Flush]);
        let done = self.visit.pending().flush().await;
        end(call, &done);
        done
    }

    async fn revoke(&mut self) -> Result<()> {
        let Some(ticket) = self.ticket.clone().filter(|ticket| ticket.handle.is_selector()) else {
            return Ok(());
        };
        let call = self.book.history.invoke(&self.who, &ticket.session, None, [Operation::Revoke]);
        match self.process.sessions.revoke(&ticket.handle).await {
            Ok(true) => call.done(Answer::saved()),
            Ok(false) => call.done(Answer::Gone),
            Err(_) => call.unknown(),
        }
        Ok(())
    }

    async fn revoke_account(&mut self, account: String) -> Result<()> {
        if self.process.sessions.account_store().is_err() {
            return Ok(());
        }
        self.book.revokes(&account);
        let call = |session: String| {
            let operations = [Operation::RevokeAccount(account.clone())];
            self.book.history.invoke(&self.who, session, None, operations)
        };
        let calls: Vec<_> = self.book.sessions().into_iter().map(call).collect();
        let done = self.process.sessions.revoke_account(&account).await;
        for call in calls {
            if done.is_ok() { call.done(Answer::saved()) } else { call.unknown() }
        }
        if done.is_ok() {
            self.book.has_revoked(&account);
        }
        Ok(())
    }

    /// What it does to the session of its cookie.
    fn begins<const N: usize>(&self, operations: [Operation; N]) -> Option<Call> {
        let ticket = self.ticket.as_ref()?;
        Some(self.book.history.invoke(&self.who, &ticket.session, Some(ticket.secret), operations))
    }

    /// Notes that the session is about to be saved with these changes. What is there afterwards is seen in the same step.
    fn save(&self, session: &Session, changes: Vec<Operation>) -> Save {
        self.process.began.store(false, Ordering::SeqCst);
        let signs_in = changes.iter().any(|change| matches!(change, Operation::Login(_)));
        let gives_secret = signs_in || changes.contains(&Operation::Rotate);
        let is_stored = is_stored(session);
        let reads = KEYS.map(|key| Operation::Read(key.to_owned()));
        let present = self.ticket.as_ref().filter(|_| is_stored && !changes.is_empty()).map(|ticket| {
            let operations = changes.iter().chain(&reads).cloned();
            self.book.history.invoke(&self.who, &ticket.session, Some(ticket.secret), operations)
        });
        let anew = (!is_stored || signs_in).then(|| {
            let name = self.book.new_session();
            let operations = [Operation::Create].into_iter().chain(changes).chain(reads);
            (self.book.history.invoke(&self.who, &name, None, operations), name)
        });
        Save { present, anew, gives_secret }
    }
}

/// A save under way: of the session that was loaded, of one that it begins, or of a login's, which may be either.
struct Save {
    present: Option<Call>,
    anew: Option<(Call, String)>,
    gives_secret: bool,
}

impl Save {
    /// Notes how it ended. After a first try that broke off, what the second says of it may not be all that was done.
    fn ended(self, request: &mut Request, session: &Session, error: Option<&Error>, is_second: bool) {
        let lost = |end| if is_second { End::Unknown } else { end };
        let (present, anew) = match error {
            None if request.process.began.load(Ordering::SeqCst) => {
                let (call, name) = self.anew.expect("what begins a session knows it");
                let secret = request.has_new_secret(session, &name);
                call.done(Answer::There { read: values(session), secret });
                (lost(End::Done(Answer::Gone)), None)
            }
            None => {
                let name = request.ticket.as_ref().map(|ticket| ticket.session.clone());
                let name = name.filter(|_| self.gives_secret && self.present.is_some());
                let secret = name.and_then(|name| request.has_new_secret(session, &name));
                (End::Done(Answer::There { read: values(session), secret }), self.anew)
            }
            Some(Error::Interrupted) => (lost(End::Done(Answer::Gone)), self.anew),
            Some(Error::Conflict) => (lost(End::Failed), self.anew),
            Some(Error::Store(_)) => (End::Unknown, self.anew),
            Some(error) => panic!("an error that no move asks for: {error}"),
        };
        // A session that nobody was given a cookie of is nobody's.
        anew.into_iter().for_each(|(call, _)| call.failed());
        if let Some(call) = self.present {
            call.ended(present);
        }
        if error.is_some() {
            request.ticket = None;
        }
    }
}

impl Request {
    /// The session's cookie is another one now.
    fn has_new_secret(&mut self, session: &Session, name: &str) -> Option<Secret> {
        let ticket = self.book.learns(name, &session.token()?);
        let secret = ticket.secret;
        self.ticket = Some(ticket);
        Some(secret)
    }
}

fn end(call: Option<Call>, done: &Result<()>) {
    let Some(call) = call else { return };
    if done.is_ok() { call.done(Answer::saved()) } else { call.unknown() }
}

fn is_stored(session: &Session) -> bool {
    session.0.lock().base.is_some()
}

fn values(session: &Session) -> Vec<Option<i64>> {
    KEYS.iter().map(|key| session.get(*key).expect("a number")).collect()
}
