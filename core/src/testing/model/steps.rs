//! Requests at once, each of which goes on to its next call of the store, fails or dies there when its turn comes.

use std::fmt;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::future::BoxFuture;
use proptest::collection::vec;
use proptest::prop_oneof;
use proptest::sample::select;
use proptest::strategy::{Just, Strategy};

use super::book::Book;
use super::client::{Act, Client, KEYS, Process};
use super::stepped::{Go, Stepped};
use super::try_all;
use crate::any_store::AnyStore;
use crate::clock::ManualClock;
use crate::lifecycle::Finished;
use crate::settings::Settings;
use crate::store::SessionStore as _;
use crate::testing::history::Operation;

/// How long a session lives: longer than all the small jumps of a game together, shorter than a large one.
const LIFE: Duration = Duration::from_secs(3600);
const CLIENTS: usize = 3;
/// More than any request makes.
const MOST_STEPS: usize = 40;
pub(super) const ACCOUNTS: [&str; 2] = ["ada", "eve"];

/// What happens next. Requests are counted among those that are under way.
#[derive(Clone)]
enum Move {
    Begin {
        client: usize,
        act: Act,
    },
    /// A request goes on to its next stop.
    Go {
        request: usize,
    },
    /// It goes on to its end, unless it waits for another request.
    Finish {
        request: usize,
    },
    /// As `Go`, but the connection breaks where it stands, and so often after that.
    Fail {
        request: usize,
        times: usize,
    },
    /// Whoever made the request dies where it stands: before a call, or before its answer.
    Die {
        request: usize,
    },
    /// It sends its call, and dies while the store is at work.
    SendAndDie {
        request: usize,
    },
    /// A client comes with another's cookie, as another tab does.
    Share {
        from: usize,
        to: usize,
    },
    /// Later than what was on its way with an old secret.
    JumpOverGrace,
    JumpOverLife,
}

/// A line each, in what is shown of a game that fails.
impl fmt::Debug for Move {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Begin { client, act } => write!(f, "client {client} begins to {act}"),
            Self::Go { request } => write!(f, "request {request} goes on"),
            Self::Finish { request } => write!(f, "request {request} goes on to its end"),
            Self::Fail { request, times } => write!(f, "request {request} fails {times} times"),
            Self::Die { request } => write!(f, "request {request} dies"),
            Self::SendAndDie { request } => write!(f, "request {request} sends its call and dies"),
            Self::Share { from, to } => write!(f, "client {to} gets the cookie of client {from}"),
            Self::JumpOverGrace => f.write_str("31 seconds pass"),
            Self::JumpOverLife => f.write_str("two hours pass"),
        }
    }
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let request = || 0..3_usize;
    let one = prop_oneof![
        4 => (0..CLIENTS, act()).prop_map(|(client, act)| Move::Begin { client, act }),
        9 => request().prop_map(|request| Move::Go { request }),
        4 => request().prop_map(|request| Move::Finish { request }),
        3 => (request(), 1..4_usize).prop_map(|(request, times)| Move::Fail { request, times }),
        1 => request().prop_map(|request| Move::Die { request }),
        1 => request().prop_map(|request| Move::SendAndDie { request }),
        1 => (0..CLIENTS, 0..CLIENTS).prop_map(|(from, to)| Move::Share { from, to }),
        1 => Just(Move::JumpOverGrace),
        1 => Just(Move::JumpOverLife),
    ];
    vec(one, 1..60)
}

/// What a client may do.
pub(super) fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        2 => Just(Act::Change(vec![], vec![])),
        8 => vec(operation(), 1..3).prop_map(|then| Act::Change(vec![], then)),
        4 => (vec(operation(), 1..3), vec(operation(), 0..2)).prop_map(|(first, then)| Act::Change(first, then)),
        1 => Just(Act::Flush),
        1 => Just(Act::FlushUnseen),
        1 => Just(Act::Revoke),
        1 => select(&ACCOUNTS[..]).prop_map(|account| Act::RevokeAccount(account.to_owned())),
    ]
}

/// A change of a session.
pub(super) fn operation() -> impl Strategy<Value = Operation> {
    let key = || select(&KEYS[..]).prop_map(str::to_owned);
    prop_oneof![
        4 => key().prop_map(Operation::Increment),
        3 => (key(), 10..20_i64).prop_map(|(key, value)| Operation::Set(key, value)),
        1 => key().prop_map(Operation::Remove),
        1 => Just(Operation::Rotate),
        1 => select(&ACCOUNTS[..]).prop_map(|account| Operation::Login(account.to_owned())),
    ]
}

pub(super) async fn steps_of_several_have_an_order(store: AnyStore) {
    try_all(&store, moves(), |moves| {
        let store = store.clone();
        Box::pin(async move {
            let mut game = Game::new(&store).await;
            for next in moves {
                game.make(next).await;
            }
            game.end().await
        })
    });
}

struct Game {
    store: Stepped,
    clock: ManualClock,
    book: Book,
    clients: Vec<Client>,
    requests: Vec<Request>,
    /// Whether a request that dies may leave a call that the store is at work on.
    may_leave_calls: bool,
}

struct Request {
    client: usize,
    future: BoxFuture<'static, Finished>,
}

impl Game {
    /// Two processes, with two clients in the first, and a session whose cookie all clients have.
    async fn new(store: &AnyStore) -> Self {
        let (stepped, clock, book) = (Stepped::new(store.clone()), ManualClock::default(), Book::default());
        let settings = Settings::default()
            .with_cookie_age(LIFE)
            .with_store_timeout(None)
            .with_renew_every(None)
            .with_clock(clock.clone());
        let mut watched = AnyStore::new(stepped.clone());
        watched.django = store.django.clone();
        let processes = [(); 2].map(|()| Process::new(watched.clone(), settings.clone()));
        let clients = (0..CLIENTS).map(|number| Client::new(number, &processes[number / 2], &book));
        let clients = clients.collect();
        // What a cache kept of a call that nobody has waited for may be old for a while.
        let may_leave_calls = store.capabilities().max_staleness.is_zero();
        let mut game = Self { store: stepped, clock, book, clients, requests: vec![], may_leave_calls };
        game.begin(0, Act::Change(vec![], vec![Operation::Set(KEYS[0].to_owned(), 0)]));
        game.finish_all().await;
        for to in 1..CLIENTS {
            game.share(0, to);
        }
        game
    }

    async fn make(&mut self, next: Move) {
        match next {
            Move::Begin { client, act } => self.begin(client, act),
            Move::Go { request } => self.go(request, Go::On, 1).await,
            Move::Finish { request } => self.go(request, Go::On, MOST_STEPS).await,
            Move::Fail { request, times } => self.go(request, Go::Failing, times).await,
            Move::Die { request } => drop(self.take(request)),
            Move::SendAndDie { request } => {
                let Some(mut request) = self.take(request) else { return };
                if self.may_leave_calls {
                    self.clients[request.client].process.began.store(false, Ordering::SeqCst);
                    self.store.nudge(&mut request.future).await;
                }
            }
            Move::Share { from, to } => self.share(from, to),
            Move::JumpOverGrace => self.clock.advance(Duration::from_secs(31)),
            Move::JumpOverLife => {
                self.book.expire(self.requests.is_empty());
                self.clock.advance(2 * LIFE);
            }
        }
    }

    fn begin(&mut self, client: usize, act: Act) {
        let future = Box::pin(self.clients[client].request(act));
        self.requests.push(Request { client, future });
    }

    fn share(&mut self, from: usize, to: usize) {
        let cookie = self.clients[from].visitor.cookie().map(str::to_owned);
        self.clients[to].has_cookie(cookie.as_deref());
    }

    fn nth(&self, request: usize) -> Option<usize> {
        request.checked_rem(self.requests.len())
    }

    fn take(&mut self, request: usize) -> Option<Request> {
        self.nth(request).map(|at| self.requests.remove(at))
    }

    /// A request goes on so many steps, or to its end.
    async fn go(&mut self, request: usize, go: Go, steps: usize) {
        let Some(at) = self.nth(request) else { return };
        let request = &mut self.requests[at];
        let client = &mut self.clients[request.client];
        for _ in 0..steps {
            client.process.began.store(false, Ordering::SeqCst);
            if let Some(finished) = self.store.drive(&mut request.future, go).await {
                client.visitor.receive(&finished);
                self.requests.remove(at);
                return;
            }
        }
    }

    /// All go on, one step after the other, until the last has ended.
    async fn finish_all(&mut self) {
        let mut turn = 0;
        while !self.requests.is_empty() {
            self.go(turn, Go::On, 1).await;
            turn += 1;
            tokio::task::yield_now().await;
        }
    }

    /// In the end somebody looks with each cookie that anybody was given.
    async fn end(mut self) -> Result<(), String> {
        self.finish_all().await;
        for cookie in self.book.cookies() {
            self.clients[0].has_cookie(Some(&cookie));
            self.begin(0, Act::Change(vec![], vec![]));
            self.finish_all().await;
        }
        self.book.history.check().map_err(|disorder| disorder.to_string())
    }
}
