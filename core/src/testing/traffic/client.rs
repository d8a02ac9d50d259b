//! A client: one request after the other.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::site::Site;
use crate::error::{Error, Result};
use crate::id::random_nonce;
use crate::session::Session;
use crate::store::StoreErrorKind;
use crate::testing::history::{Answer, End, Operation, Secret};
use crate::testing::{Visit, Visitor};

/// What every session has from its beginning: which one it is, and a counter.
pub(super) const NAME: &str = "name";
pub(super) const COUNT: &str = "count";
/// What is set now and then.
pub(super) const VALUE: &str = "value";

/// The longest pause between two requests.
const PAUSE: u64 = 120;

/// The selector's length in a cookie; the rest is the secret.
const SELECTOR: usize = 25;

/// Where one or more clients keep their cookie.
#[derive(Debug)]
pub(super) struct Jar {
    name: String,
    sessions: AtomicU32,
    present: Mutex<Option<Ticket>>,
}

/// A session's cookie, and what the session is called in the history.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Ticket {
    session: String,
    cookie: String,
}

impl Ticket {
    fn secret(&self) -> Secret {
        Secret::of(&self.cookie)
    }

    /// Each session has an account of its own, so that the end of one is that of no other.
    fn account(&self) -> String {
        format!("account of {}", self.session)
    }
}

impl Jar {
    pub(super) fn new(name: String) -> Self {
        Self { name, sessions: AtomicU32::default(), present: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Ticket>> {
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the cookie that somebody has now who came with this one, or forgets it; unless another has come meanwhile.
    fn keep(&self, came_with: &Ticket, cookie: Option<String>) {
        let mut present = self.lock();
        if present.as_ref() == Some(came_with) {
            *present = cookie.map(|cookie| Ticket { session: came_with.session.clone(), cookie });
        }
    }
}

/// Makes requests until the site closes.
pub(super) async fn browse(site: Arc<Site>, jar: Arc<Jar>, who: String) {
    while !site.stop.load(Ordering::SeqCst) {
        tokio::time::sleep(Duration::from_millis(random() % PAUSE)).await;
        let ticket = jar.lock().clone();
        let client = Client { site: &site, jar: &jar, who: &who };
        match ticket {
            None => client.begins().await,
            Some(ticket) => client.comes_again(&ticket).await,
        }
    }
}

fn random() -> u64 {
    random_nonce().expect("random bytes")
}

struct Client<'a> {
    site: &'a Site,
    jar: &'a Jar,
    who: &'a str,
}

/// Why a request failed, and what is known of its effect.
struct Failure(End, Error);

impl Client<'_> {
    /// A request without a cookie, with which a session begins.
    async fn begins(&self) {
        let number = self.jar.sessions.fetch_add(1, Ordering::SeqCst);
        let name = format!("{} {number}", self.jar.name);
        let operations = vec![Operation::Create, Operation::Set(COUNT.to_owned(), 0)];
        let cookie = self.request(&name, None, operations, async |visit| {
            let session = open(visit).await?;
            session.insert(NAME, &name).and_then(|()| session.insert(COUNT, 0)).map_err(unsure)?;
            Ok(Answer::saved())
        });
        if let Some(cookie) = cookie.await {
            *self.jar.lock() = Some(Ticket { session: name, cookie });
        }
    }

    async fn comes_again(&self, ticket: &Ticket) {
        let account = ticket.account();
        match random() % 100 {
            0..30 => {
                let operations = vec![Operation::Read(COUNT.to_owned()), Operation::Read(VALUE.to_owned())];
                let read = async |session: &Session| -> Result<Answer> {
                    Ok(Answer::There { read: vec![session.get(COUNT)?, session.get(VALUE)?], secret: None })
                };
                self.with(ticket, operations, read).await;
            }
            30..70 => {
                let increment = async |session: &Session| {
                    session.update(COUNT, |count: &mut i64| *count += 1).map(|()| Answer::saved())
                };
                self.with(ticket, vec![Operation::Increment(COUNT.to_owned())], increment).await;
            }
            70..84 => {
                let value = i64::try_from(random() % 1_000).unwrap_or_default();
                let set = async |session: &Session| session.insert(VALUE, value).map(|()| Answer::saved());
                self.with(ticket, vec![Operation::Set(VALUE.to_owned(), value)], set).await;
            }
            84..90 => {
                let rotate = async |session: &Session| session.rotate().map(|()| Answer::saved());
                self.with(ticket, vec![Operation::Rotate], rotate).await;
            }
            90..96 => {
                let login =
                    async |session: &Session| session.login(account.clone()).await.map(|()| Answer::saved());
                self.with(ticket, vec![Operation::Login(account.clone())], login).await;
            }
            96..99 => self.leaves(ticket).await,
            _ => self.is_revoked(ticket).await,
        }
    }

    /// A request that does something with its session, if that is there for it.
    async fn with(
        &self,
        ticket: &Ticket,
        operations: Vec<Operation>,
        handler: impl AsyncFnOnce(&Session) -> Result<Answer>,
    ) {
        let cookie = self.request(&ticket.session, Some(ticket), operations, async |visit| {
            let session = open(visit).await?;
            let is_there = session.contains_key(COUNT);
            if is_there { handler(&session).await.map_err(unsure) } else { Ok(Answer::Gone) }
        });
        self.jar.keep(ticket, cookie.await);
    }

    /// A logout, of which one in two loads nothing.
    async fn leaves(&self, ticket: &Ticket) {
        let loads = random().is_multiple_of(2);
        let mut was_there = false;
        let cookie = self.request(&ticket.session, Some(ticket), vec![Operation::Flush], async |visit| {
            let flushed = if loads {
                let session = open(visit).await?;
                was_there = session.contains_key(COUNT);
                session.flush().await
            } else {
                visit.pending().flush().await
            };
            flushed.map(|()| Answer::saved()).map_err(unsure)
        });
        let cookie = cookie.await;
        // Who came with an old secret, and loaded nothing, has ended nothing and is not told so.
        if was_there && cookie.is_none() {
            self.site.weather().seen.ended.insert(ticket.session.clone());
        }
        self.jar.keep(ticket, cookie);
    }

    /// Somebody else ends the account's sessions, without a browser.
    async fn is_revoked(&self, ticket: &Ticket) {
        let account = ticket.account();
        let operations = [Operation::RevokeAccount(account.clone())];
        let call = self.site.history.invoke(self.who, &ticket.session, None, operations);
        let began = self.site.weather().begin();
        let revoked = self.site.sessions.revoke_account(&account).await;
        call.ended(revoked.as_ref().map_or_else(known_of, |_| End::Done(Answer::saved())));
        self.site.weather().end(began, revoked.as_ref().err(), revoked.is_ok());
    }

    /// A request, from its beginning to its answer. The browser's cookie afterwards; none where there is no session for it.
    async fn request(
        &self,
        session: &str,
        ticket: Option<&Ticket>,
        operations: Vec<Operation>,
        handler: impl AsyncFnOnce(&Visit) -> Result<Answer, Failure>,
    ) -> Option<String> {
        let reads = operations.iter().all(|operation| matches!(operation, Operation::Read(_)));
        let flushes = operations == [Operation::Flush];
        let call = self.site.history.invoke(self.who, session, ticket.map(Ticket::secret), operations);
        let came_with = ticket.map(|ticket| ticket.cookie.clone());
        let mut visitor = match &came_with {
            Some(cookie) => Visitor::with_cookie(&self.site.sessions, cookie),
            None => Visitor::new(&self.site.sessions),
        };
        let began = self.site.weather().begin();
        let visit = visitor.begin();
        let handled = handler(&visit).await;
        let status = handled.as_ref().map_or_else(|Failure(_, error)| error.status(), |_| 200);
        let finished = visit.finish(status).await;
        let (end, error) = match handled {
            Err(Failure(end, error)) => (end, Some(error)),
            Ok(answer) => match &finished.error {
                Some(error) => (known_of(error), None),
                None => (End::Done(answer), None),
            },
        };
        let error = error.as_ref().or(finished.error.as_ref());
        let End::Done(answer) = end else {
            assert_eq!(finished.headers.set_cookie(), None, "a failure leaves the cookie alone: {error:?}");
            call.ended(end);
            self.site.weather().end(began, error, false);
            return came_with;
        };
        visitor.receive(&finished);
        let cookie = visitor.cookie().map(str::to_owned);
        let is_same = selector(cookie.as_deref()) == selector(came_with.as_deref());
        // A login that found its session ended has begun another, of which nobody here knows anything.
        let answer = match answer {
            Answer::There { .. } if came_with.is_some() && cookie.is_some() && !is_same => Answer::Gone,
            Answer::There { read, .. } => {
                let secret = cookie.as_deref().filter(|_| cookie != came_with).map(Secret::of);
                Answer::There { read, secret }
            }
            Answer::Gone => Answer::Gone,
        };
        let is_gone = answer == Answer::Gone;
        assert!(cookie.is_some() || is_gone || flushes, "a browser forgets a session that is there");
        call.done(answer);
        self.site.weather().end(began, None, !is_gone && !reads);
        cookie.filter(|_| !is_gone && !flushes)
    }
}

/// The public half of a token.
fn selector(cookie: Option<&str>) -> Option<&str> {
    cookie.and_then(|cookie| cookie.get(..SELECTOR))
}

async fn open(visit: &Visit) -> Result<Session, Failure> {
    visit.session().await.map_err(|error| match known_of(&error) {
        // Nothing was written yet.
        End::Unknown => Failure(End::Failed, error),
        end => Failure(end, error),
    })
}

fn unsure(error: Error) -> Failure {
    Failure(known_of(&error), error)
}

/// What an error says of a write.
///
/// # Panics
///
/// Where no outage and no other request is a reason for it.
fn known_of(error: &Error) -> End {
    match error {
        Error::Interrupted => End::Done(Answer::Gone),
        Error::Store(store) if store.kind() == StoreErrorKind::Unavailable => End::Unknown,
        _ => panic!("no outage is a reason for this: {error}: {error:?}"),
    }
}
