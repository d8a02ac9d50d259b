//! All sessions of a store, one after the other.

use std::num::NonZeroU32;

use session_core::store::Filter;
use session_core::{Result, Sessions, StoredSession};

/// Whether to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    GoOn,
    Stop,
}

const PAGE: NonZeroU32 = NonZeroU32::new(500).unwrap();

/// Hands out every session; says how many there are that the store cannot read.
pub(crate) async fn all(sessions: &Sessions, each: impl FnMut(StoredSession) -> Next) -> Result<u64> {
    of(sessions, Filter::All, each).await
}

/// The same of these.
pub(crate) async fn of(
    sessions: &Sessions,
    of: Filter<'_>,
    mut each: impl FnMut(StoredSession) -> Next,
) -> Result<u64> {
    let (mut after, mut unreadable) = (None, 0);
    loop {
        let page = sessions.page(of, after, PAGE).await?;
        unreadable += page.unreadable;
        for session in page.sessions {
            if each(session) == Next::Stop {
                return Ok(unreadable);
            }
        }
        after = page.next;
        if after.is_none() {
            return Ok(unreadable);
        }
    }
}
