//! What there is of the sessions in the end.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;

use super::Seen;
use super::client::{COUNT, NAME, VALUE};
use crate::backend::Backend;
use crate::clock::{Clock as _, SystemClock};
use crate::id::RecordKey;
use crate::session::Session;
use crate::sessions::Sessions;
use crate::store::{Cursor, Filter, SessionStore as _};
use crate::testing::history::{Answer, History, Operation};

/// What there is of the sessions of a history, on a way on which nothing goes wrong.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Left {
    /// The names of the sessions that are there.
    pub sessions: BTreeSet<String>,
    /// Further records of the same sessions, whose cookies nobody has.
    pub leaked: u64,
}

impl Left {
    /// Looks at every session, and notes in the history what was found.
    ///
    /// # Panics
    ///
    /// Where the store cannot be read.
    pub async fn find(directly: &Sessions, history: &History) -> Self {
        let names = history.names();
        let mut leaked = 0;
        let mut found: BTreeMap<String, Session> = BTreeMap::new();
        for handle in handles(directly).await {
            // What has no name was begun by a login that found its session ended.
            let Some(session) = directly.open(&handle).await.expect("a session") else { continue };
            let Some(name) = session.get::<String>(NAME).expect("a name") else { continue };
            if names.contains(&name) && found.insert(name, session).is_some() {
                leaked += 1;
            }
        }
        for name in &names {
            let operations = [Operation::Read(COUNT.to_owned()), Operation::Read(VALUE.to_owned())];
            let call = history.invoke("the judge", name, None, operations);
            call.done(match found.get(name) {
                Some(session) => {
                    let read = [COUNT, VALUE].map(|key| session.get(key).expect("a number"));
                    Answer::There { read: read.to_vec(), secret: None }
                }
                None => Answer::Gone,
            });
        }
        Self { sessions: found.into_keys().collect(), leaked }
    }

    /// How many sessions are there that were ended, as their clients were told.
    pub fn revived(&self, seen: &Seen) -> u64 {
        self.sessions.intersection(&seen.ended).count() as u64
    }
}

async fn handles(sessions: &Sessions) -> Vec<RecordKey> {
    let Backend::Server(store) = sessions.backend() else { return Vec::new() };
    let limit = NonZeroU32::new(1_000).expect("not zero");
    let (mut all, mut after) = (Vec::new(), None::<Cursor>);
    loop {
        let page = store.page(Filter::All, after, limit, SystemClock.now()).await.expect("a page");
        all.extend(page.records.into_iter().map(|(key, _)| key));
        after = page.next;
        if after.is_none() {
            return all;
        }
    }
}
