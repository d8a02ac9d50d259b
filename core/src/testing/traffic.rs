//! Many clients that use sessions at once while something goes wrong. What they saw is a [`History`], which is judged afterwards.
//!
//! ```no_run
//! # async fn f(sessions: session_core::Sessions, directly: session_core::Sessions) {
//! use session_core::testing::history::History;
//! use session_core::testing::traffic::{Left, Traffic};
//!
//! let history = History::new();
//! let traffic = Traffic::start(&sessions, &history, "shop");
//! traffic.trouble();
//! // Now somebody pulls the plug, and puts it in again.
//! traffic.peace();
//! let seen = traffic.stop().await;
//! let left = Left::find(&directly, &history).await;
//! history.judge();
//! assert_eq!((left.revived(&seen), left.leaked), (0, 0));
//! println!("{} requests; the slowest took {:?}", seen.requests, seen.slowest);
//! # }
//! ```
//!
//! At every moment a request that fails is a 503 without a cookie, so that no browser forgets its session; and [`RECOVERY`] after the
//! end of the trouble none fails.

mod client;
mod left;
mod site;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::task::JoinHandle;

use super::history::History;
use crate::sessions::Sessions;
use client::Jar;
pub use left::Left;
use site::Site;

/// How many clients there are.
pub const CLIENTS: usize = 64;

/// How long after the end of the trouble all must be well.
pub const RECOVERY: Duration = Duration::from_secs(2);

/// So many clients have one cookie jar, as the tabs of a browser have; and there are so many such browsers.
const TABS: usize = 4;
const BROWSERS_WITH_TABS: usize = 6;

/// Clients at work, until they are told to stop.
#[derive(Debug)]
pub struct Traffic {
    site: Arc<Site>,
    clients: Vec<JoinHandle<()>>,
}

impl Traffic {
    /// Sends the clients to work. The names of their sessions begin with `prefix`, which no other traffic on the same store has.
    pub fn start(sessions: &Sessions, history: &History, prefix: &str) -> Self {
        let site = Arc::new(Site::new(sessions, history));
        let with_tabs = (0..BROWSERS_WITH_TABS).flat_map(|browser| [browser; TABS]);
        let browsers = with_tabs.chain(TABS * BROWSERS_WITH_TABS..CLIENTS);
        let mut jars = BTreeMap::new();
        let clients = browsers.enumerate().map(|(number, browser)| {
            let new = || Arc::new(Jar::new(format!("{prefix} {browser}")));
            let jar = Arc::clone(jars.entry(browser).or_insert_with(new));
            tokio::spawn(client::browse(Arc::clone(&site), jar, format!("client {number}")))
        });
        Self { clients: clients.collect(), site }
    }

    /// From now on requests may fail.
    pub fn trouble(&self) {
        self.site.weather().trouble();
    }

    /// From now on nothing goes wrong any more, and soon no request may fail.
    pub fn peace(&self) {
        self.site.weather().peace();
    }

    /// Lets the clients end what they have begun.
    ///
    /// # Panics
    ///
    /// Where one of them saw what must not be.
    pub async fn stop(self) -> Seen {
        self.site.stop.store(true, Ordering::SeqCst);
        for client in self.clients {
            if let Err(error) = client.await {
                std::panic::resume_unwind(error.into_panic());
            }
        }
        self.site.seen()
    }
}

/// What the clients saw.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Seen {
    /// Requests, with those that failed.
    pub requests: u64,
    /// Those that failed.
    pub failed: u64,
    /// Writes that were answered with success: sessions that began, changes, rotations, logins, logouts, revocations.
    pub acknowledged: u64,
    /// The longest that anybody waited for an answer.
    pub slowest: Duration,
    /// The longest time from the end of a trouble to the first success of a request that began after it.
    pub recovery: Duration,
    /// The sessions that were ended by who had them open, as they were told.
    pub ended: BTreeSet<String>,
}
