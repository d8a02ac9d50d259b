//! The place of a request's session, before anybody has asked for it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::answer::Answer;
use crate::lifecycle::Finished;
use crate::open::Pending;
use crate::sessions::Sessions;

/// The place of one request's session: what an adapter keeps with a request. It costs next to nothing, because the session begins
/// with whoever asks for it first; what nobody asks for is never begun.
///
/// ```
/// # async fn f(sessions: session_core::Sessions) {
/// let slot = sessions.slot(|| []);
/// let session = slot.begin([&b"sessionid=none"[..]]); // an extractor
/// let finished = slot.finish(200).await; // with the response
/// assert!(finished.headers.set_cookie().is_none(), "nobody has opened it");
/// # }
/// ```
#[derive(Debug)]
pub struct Slot {
    sessions: Sessions,
    stage: Mutex<Stage>,
}

#[derive(Debug)]
enum Stage {
    /// Nobody has asked.
    Fresh,
    Begun(Pending),
    /// Nobody has asked, and the response has left.
    Over,
}

impl Sessions {
    /// The place of a new request's session. `cookies` says the values of its `Cookie` headers; it is only asked here where every
    /// request's session is to be saved (`save_every_request`).
    pub fn slot<'a, C: IntoIterator<Item = &'a [u8]>>(&self, cookies: impl FnOnce() -> C) -> Slot {
        let slot = Slot { sessions: self.clone(), stage: Mutex::new(Stage::Fresh) };
        if self.settings().save_every_request {
            slot.begin(cookies());
        }
        slot
    }
}

impl Slot {
    /// The request's session, not loaded. The first call begins it with the values of the request's `Cookie` headers.
    pub fn begin<'a>(&self, cookies: impl IntoIterator<Item = &'a [u8]>) -> Pending {
        let mut stage = self.lock();
        if let Stage::Begun(pending) = &*stage {
            return pending.clone();
        }
        let pending = self.sessions.begin(cookies);
        if matches!(*stage, Stage::Over) {
            pending.0.lock().detached = true;
        }
        *stage = Stage::Begun(pending.clone());
        pending
    }

    /// The request ends with this status: see [`Sessions::finish`].
    pub fn finish(&self, status: u16) -> Answer<'static, Finished> {
        self.finish_with(|| status)
    }

    /// The same with a status that has to be looked for, which is done only where somebody has asked for the session.
    pub fn finish_with(&self, status: impl FnOnce() -> u16) -> Answer<'static, Finished> {
        match self.end() {
            Some(begun) => self.sessions.finish(begun, status()),
            None => Answer::now(Finished::default()),
        }
    }

    /// What has begun.
    fn end(&self) -> Option<Pending> {
        let mut stage = self.lock();
        if let Stage::Begun(pending) = &*stage {
            return Some(pending.clone());
        }
        *stage = Stage::Over;
        None
    }

    /// Held for a look or a change, in which nothing can panic.
    fn lock(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
