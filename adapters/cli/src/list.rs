//! `session list`: live sessions, one a line.

use std::cmp::Reverse;
use std::num::NonZeroU32;

use serde::Serialize;
use session_core::store::{Filter, SessionStore as _};
use session_core::{Clock as _, StoredSession, SystemClock, Time};

use crate::args::StoreArgs;
use crate::error::{Done, Failure};
use crate::human;
use crate::output::{Output, Side, Table};
use crate::store::Store;
use crate::walk::{self, Next};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only this account's
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    /// How many at most
    #[arg(long, value_name = "COUNT", default_value = "100", conflicts_with = "all")]
    limit: NonZeroU32,
    /// However many there are
    #[arg(long)]
    all: bool,
}

/// A session, for programs.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) handle: String,
    pub(crate) account: Option<String>,
    pub(crate) created: String,
    pub(crate) last_active: String,
    pub(crate) expires: String,
    pub(crate) size: usize,
    /// Whether its values can be read.
    pub(crate) readable: bool,
}

impl Row {
    pub(crate) fn of(store: &Store, session: &StoredSession) -> Self {
        Self {
            handle: store.handle(session).to_string(),
            account: session.account().map(str::to_owned),
            created: session.created().to_string(),
            last_active: session.last_active().to_string(),
            expires: session.expires().to_string(),
            size: session.size(),
            readable: session.fault().is_none(),
        }
    }
}

const SIDES: [Side; 5] = [Side::Left, Side::Left, Side::Left, Side::Left, Side::Right];
/// What is shown at once where there is no limit: as wide as the widest so far.
const PART: usize = 500;

pub(crate) async fn run(args: &Args, store: &StoreArgs, output: &Output) -> Result<Done, Failure> {
    let store = store.open().await?;
    let limit = if args.all { usize::MAX } else { args.limit.get() as usize };
    let mut list =
        List { store: &store, output, table: Table::new(SIDES), part: Vec::new(), shown: 0, faulty: 0 };
    let (mut failed, mut more) = (None, false);
    // Where the store knows no accounts, all sessions are looked at.
    let by_index = args.account.as_deref().filter(|_| store.any.capabilities().accounts);
    let of = by_index.map_or(Filter::All, Filter::Account);
    let unreadable = walk::of(&store.sessions, of, |session| {
        if args.account.as_deref().is_some_and(|account| session.account() != Some(account)) {
            return Next::GoOn;
        }
        if list.count() >= limit && args.account.is_none() {
            more = true;
            return Next::Stop;
        }
        list.part.push(session);
        // Those of an account are few, and put in order.
        if args.account.is_none() && list.part.len() >= PART {
            failed = list.show().err();
        }
        if failed.is_some() { Next::Stop } else { Next::GoOn }
    })
    .await?;
    failed.map_or(Ok(()), Err)?;
    if args.account.is_some() {
        list.part.sort_by_key(|session| Reverse((session.last_active(), session.created())));
        more = list.part.len() > limit;
        list.part.truncate(limit);
    }
    list.show()?;
    list.end(more, unreadable)?;
    Ok(Done::All)
}

struct List<'a> {
    store: &'a Store,
    output: &'a Output,
    table: Table<5>,
    /// What was not shown yet.
    part: Vec<StoredSession>,
    shown: usize,
    /// Of those that were shown.
    faulty: u64,
}

impl List<'_> {
    fn count(&self) -> usize {
        self.shown + self.part.len()
    }

    fn show(&mut self) -> Result<(), Failure> {
        let (part, is_first) = (std::mem::take(&mut self.part), self.shown == 0);
        self.shown += part.len();
        self.faulty += part.iter().filter(|session| session.fault().is_some()).count() as u64;
        if self.output.is_json() {
            for session in part {
                self.output.value(&Row::of(self.store, &session))?;
            }
            return Ok(());
        }
        let now = SystemClock.now();
        let heading = ["HANDLE", "ACCOUNT", "LAST ACTIVE", "EXPIRES", "SIZE"].map(str::to_owned);
        let rows = part.iter().map(|session| self.row(session, now));
        let rows: Vec<_> =
            (is_first && !part.is_empty()).then_some(heading).into_iter().chain(rows).collect();
        for line in self.table.lines(&rows) {
            self.output.line(&line)?;
        }
        Ok(())
    }

    fn row(&self, session: &StoredSession, now: Time) -> [String; 5] {
        let unreadable = if session.fault().is_some() { " (unreadable)" } else { "" };
        let account = session.account().map_or_else(|| "-".to_owned(), human::text);
        [
            self.store.handle(session).to_string(),
            format!("{account}{unreadable}"),
            // Of a session that cannot be read Django's format says only when it ends.
            if session.last_active() == Time::from_millis(0) {
                "-".to_owned()
            } else {
                human::relative(session.last_active(), now)
            },
            human::relative(session.expires(), now),
            human::size(session.size() as u64),
        ]
    }

    fn end(&self, more: bool, unreadable: u64) -> Result<(), Failure> {
        if self.shown == 0 {
            self.output.line("no live sessions")?;
        }
        if more {
            let shown = human::count(self.shown as u64);
            let more = self.shown * 10;
            self.output.note(&format!("the first {shown} are shown: --limit {more} or --all shows more"));
        }
        if self.faulty > 0 {
            let faulty = human::sessions(self.faulty);
            self.output.note(&format!(
                "{faulty} cannot be read: is SESSION_ENCRYPTION_KEY the application's secret?"
            ));
        }
        if unreadable > 0 {
            let unreadable = human::sessions(unreadable);
            self.output.note(&format!("{unreadable} cannot be read by the store, and are left out"));
        }
        Ok(())
    }
}
