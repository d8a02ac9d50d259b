//! Requests one after the other, each compared with the reference.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prop_oneof;
use proptest::sample::select;
use proptest::strategy::{Just, Strategy};

use super::client::KEYS;
use super::reference::{ABSOLUTE, Content, Cookie, LIFE, Reference};
use super::steps::{ACCOUNTS, operation};
use super::try_all;
use crate::any_store::AnyStore;
use crate::clock::{Clock as _, ManualClock};
use crate::error::{Error, Result};
use crate::id::{Token, TokenFormat, random_nonce};
use crate::session::Session;
use crate::sessions::Sessions;
use crate::settings::Settings;
use crate::store::SessionStore;
use crate::testing::Visitor;
use crate::testing::history::Operation;

const CLIENTS: usize = 3;

/// What happens next.
#[derive(Clone, Debug)]
enum Move {
    /// A client reads everything, and does this.
    Visit {
        client: usize,
        operations: Vec<Operation>,
    },
    Flush {
        client: usize,
    },
    RevokeAccount {
        account: &'static str,
    },
    /// A client comes with another's cookie, as another tab does.
    Share {
        from: usize,
        to: usize,
    },
    Jump {
        seconds: u64,
    },
    Purge,
}

fn moves() -> impl Strategy<Value = (bool, Vec<Move>)> {
    let client = || 0..CLIENTS;
    let visit = (client(), vec(operation(), 0..4))
        .prop_map(|(client, operations)| Move::Visit { client, operations });
    let one = prop_oneof![
        10 => visit,
        1 => client().prop_map(|client| Move::Flush { client }),
        1 => select(&ACCOUNTS[..]).prop_map(|account| Move::RevokeAccount { account }),
        3 => (client(), client()).prop_map(|(from, to)| Move::Share { from, to }),
        4 => select(vec![10, 30, 420, 2400, 3600]).prop_map(|seconds| Move::Jump { seconds }),
        1 => Just(Move::Purge),
    ];
    (proptest::bool::ANY, vec(one, 1..30))
}

pub(super) async fn one_after_the_other_is_as_the_reference_says(store: AnyStore) {
    try_all(&store, moves(), |(use_counts, moves)| {
        let store = store.clone();
        Box::pin(async move {
            let mut game = Game::new(store, use_counts);
            for (number, next) in moves.into_iter().enumerate() {
                game.make(next).await.map_err(|told| format!("move {number}: {told}"))?;
            }
            Ok(())
        })
    });
}

struct Game {
    store: AnyStore,
    sessions: Sessions,
    clock: ManualClock,
    clients: Vec<Visitor>,
    reference: Reference,
    /// Of this game alone: what makes its accounts its own.
    nonce: u64,
}

impl Game {
    fn new(store: AnyStore, use_counts: bool) -> Self {
        let clock = ManualClock::default();
        let settings = Settings::default()
            .with_cookie_age(LIFE)
            .with_idle_timeout(use_counts.then_some(LIFE))
            .with_absolute_timeout(Some(ABSOLUTE))
            .with_renew_every(None)
            .with_clock(clock.clone());
        let sessions = Sessions::new(store.clone(), settings).expect("settings that fit");
        let clients = vec![Visitor::new(&sessions); CLIENTS];
        let has_grace = store.capabilities().tokens != TokenFormat::Plain;
        let reference = Reference { sessions: vec![], use_counts, has_grace };
        Self { store, sessions, clock, clients, reference, nonce: random_nonce().expect("random bytes") }
    }

    async fn make(&mut self, next: Move) -> Result<(), String> {
        match next {
            Move::Visit { client, operations } => self.visit(client, operations).await?,
            Move::Flush { client } => {
                let before = self.cookie(client);
                let expected = self.reference.flush(before.as_deref(), self.clock.now());
                let done = self.clients[client].visit(200, async |session| session.flush().await).await;
                same("the logout", &done.map_err(|error| error.code()), &Ok(()))?;
                self.compare_cookie(client, before.as_deref(), expected)?;
            }
            Move::RevokeAccount { account } if self.store.capabilities().accounts => {
                let account = self.own(account);
                let expected = self.reference.revoke_account(&account, self.clock.now());
                let done = self.sessions.revoke_account(&account).await;
                same("what was ended", &done.map_err(|error| error.code()), &Ok(expected))?;
            }
            Move::RevokeAccount { .. } => {}
            Move::Share { from, to } => self.clients[to] = self.clients[from].clone(),
            Move::Jump { seconds } => self.clock.advance(Duration::from_secs(seconds)),
            Move::Purge => {
                let batch = 1000.try_into().expect("not zero");
                self.store.purge(self.clock.now(), batch).await.map_err(|error| error.to_string())?;
            }
        }
        self.compare_deadlines().await
    }

    async fn visit(&mut self, client: usize, mut operations: Vec<Operation>) -> Result<(), String> {
        for operation in &mut operations {
            if let Operation::Login(account) = operation {
                *account = self.own(account);
            }
        }
        let before = self.cookie(client);
        let expected = self.reference.visit(before.as_deref(), &operations, self.clock.now());
        let mut sees = None;
        let visit = self.clients[client].visit(200, async |session| {
            sees = Some(content(&session)?);
            for operation in &operations {
                apply(&session, operation).await?;
            }
            Ok(())
        });
        let done = visit.await;
        same("what the request sees", &sees, &Some(expected.sees))?;
        let must = if expected.is_interrupted { Err("session_interrupted") } else { Ok(()) };
        same("its end", &done.map_err(|error| error.code()), &must)?;
        self.compare_cookie(client, before.as_deref(), expected.cookie)
    }

    fn cookie(&self, client: usize) -> Option<String> {
        self.clients[client].cookie().map(str::to_owned)
    }

    fn compare_cookie(
        &mut self,
        client: usize,
        before: Option<&str>,
        expected: Cookie,
    ) -> Result<(), String> {
        let after = self.cookie(client);
        match expected {
            Cookie::Same => same("the cookie", &after.as_deref(), &before),
            Cookie::Cleared => same("the cookie", &after, &None),
            Cookie::New(_) if after.is_none() || after.as_deref() == before => {
                Err("there is no new cookie".to_owned())
            }
            Cookie::New(number) => {
                self.reference.sessions[number].cookie = after;
                Ok(())
            }
        }
    }

    /// Every session is there until its deadline, which is the reference's, and not after it.
    async fn compare_deadlines(&self) -> Result<(), String> {
        let (now, format) = (self.clock.now(), self.store.capabilities().tokens);
        for (number, session) in self.reference.sessions.iter().enumerate() {
            let token = session.cookie.as_ref().and_then(|cookie| Token::parse(format, cookie.as_bytes()));
            let token = token.ok_or_else(|| format!("the cookie of session {number} is no token"))?;
            let record = self.store.load(token.lookup_key(), now).await.map_err(|error| error.to_string())?;
            let expected = Some(session.expires_at).filter(|at| *at > now);
            same(
                &format!("the deadline of session {number}"),
                &record.map(|record| record.expires_at),
                &expected,
            )?;
        }
        Ok(())
    }

    fn own(&self, account: &str) -> String {
        format!("{account} {:x}", self.nonce)
    }
}

fn content(session: &Session) -> Result<Content> {
    let mut values = BTreeMap::new();
    for key in KEYS {
        values.extend(session.get(key)?.map(|value| (key.to_owned(), value)));
    }
    Ok(Content { account: session.account(), values })
}

/// Does it in a request.
pub(super) async fn apply(session: &Session, operation: &Operation) -> Result<()> {
    match operation {
        Operation::Set(key, value) => session.insert(key, value),
        Operation::Increment(key) => session.update(key, |n: &mut i64| *n += 1),
        Operation::Remove(key) => {
            session.remove(key);
            Ok(())
        }
        Operation::Rotate => session.rotate(),
        Operation::Login(account) => session.login(account).await,
        _ => Err(Error::Unsupported("do this in a request of the model")),
    }
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, is: &T, must_be: &T) -> Result<(), String> {
    if is == must_be { Ok(()) } else { Err(format!("{what} is {is:?}, and must be {must_be:?}")) }
}
