//! Clients that are tasks: which call meets which is chance.

use std::sync::{Arc, Mutex, PoisonError};

use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;

use super::book::{Book, FIRST};
use super::clear;
use super::client::{Act, Client, KEYS, Process};
use super::steps::act;
use crate::any_store::AnyStore;
use crate::id::Token;
use crate::settings::Settings;
use crate::store::SessionStore as _;
use crate::testing::history::{History, Operation};
use crate::testing::rounds;

const CLIENTS: usize = 6;
const REQUESTS: usize = 6;
const ROUNDS: u32 = 5;

pub(super) async fn a_crowd_leaves_what_some_order_would(store: AnyStore) {
    for _ in 0..rounds(ROUNDS) {
        let first = First::new(&store).await;
        come(&store, &first.book, first.cookie()).await;
        first.book.history.judge();
        clear(&store).await.expect("the store answers");
    }
}

/// Who begins the session that all come to.
pub(in crate::testing) struct First {
    client: Client,
    book: Book,
}

impl First {
    pub(in crate::testing) async fn new(store: &AnyStore) -> Self {
        let book = Book::default();
        let mut client = Client::new(0, &process(store), &book);
        let finished = client.request(Act::Change(vec![], vec![Operation::Set(KEYS[0].to_owned(), 0)])).await;
        client.visitor.receive(&finished);
        Self { client, book }
    }

    pub(in crate::testing) fn cookie(&self) -> &str {
        self.client.visitor.cookie().expect("a session was begun")
    }

    /// Judges what it has done, and what the crowds of other processes have told; then nobody comes any more.
    pub(in crate::testing) async fn judge<'a>(self, told: impl IntoIterator<Item = &'a str>) {
        let _ = self.client.request(looks()).await;
        for line in told {
            assert!(self.book.history.hear(line), "a line of a history: {line}");
        }
        self.book.history.judge();
    }
}

/// The crowd of another process comes to a session. What is told of it.
pub(in crate::testing) async fn crowd_of_a_process(store: &AnyStore, cookie: &str) -> Vec<String> {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&lines);
    let history = History::telling(move |line| {
        told.lock().unwrap_or_else(PoisonError::into_inner).push(line.to_owned());
    });
    let token = Token::parse(store.capabilities().tokens, cookie.as_bytes()).expect("a token");
    come(store, &Book::of_process(history, FIRST, &token), cookie).await;
    let lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
    lines.clone()
}

/// Clients come with this cookie, each as if in a process of its own; and in the end one looks with each cookie that they were given.
async fn come(store: &AnyStore, book: &Book, cookie: &str) {
    let mut runner = TestRunner::default();
    let mut tasks = Vec::new();
    for number in 1..=CLIENTS {
        let mut client = Client::new(number, &process(store), book);
        client.has_cookie(Some(cookie));
        let mut draw = || act().new_tree(&mut runner).expect("an act can be drawn").current();
        let acts: Vec<_> = (0..REQUESTS).map(|_| draw().of_this_process()).collect();
        tasks.push(tokio::spawn(async move {
            for act in acts {
                let finished = client.request(act).await;
                client.visitor.receive(&finished);
            }
        }));
    }
    for task in tasks {
        task.await.expect("a client ends");
    }
    let mut last = Client::new(CLIENTS + 1, &process(store), book);
    for cookie in book.cookies() {
        last.has_cookie(Some(&cookie));
        let _ = last.request(looks()).await;
    }
}

fn process(store: &AnyStore) -> Process {
    Process::new(store.clone(), Settings::default().with_renew_every(None))
}

fn looks() -> Act {
    Act::Change(vec![], vec![])
}

impl Act {
    /// With accounts that no other process ends the sessions of: it does not know all of this one's.
    fn of_this_process(mut self) -> Self {
        let own = |account: &mut String| *account = format!("{account} of process {}", std::process::id());
        match &mut self {
            Self::Change(first, then) => {
                for operation in first.iter_mut().chain(then) {
                    if let Operation::Login(account) = operation {
                        own(account);
                    }
                }
            }
            Self::RevokeAccount(account) => own(account),
            Self::Flush | Self::FlushUnseen | Self::Revoke => {}
        }
        self
    }
}
