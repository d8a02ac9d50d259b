//! The place of a request's session, before anybody has asked for it.

use std::mem;
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

#[derive(Debug, Default)]
struct Stage {
    /// The session, once somebody has asked for it.
    begun: Option<Pending>,
    /// The response has left.
    over: bool,
}

impl Sessions {
    /// The place of a new request's session. `cookies` says the values of its `Cookie` headers; it is only asked here where every
    /// request's session is to be saved (`save_every_request`).
    pub fn slot<'a, C: IntoIterator<Item = &'a [u8]>>(&self, cookies: impl FnOnce() -> C) -> Slot {
        let slot = Slot { sessions: self.clone(), stage: Mutex::default() };
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
        if let Some(pending) = &stage.begun {
            return pending.clone();
        }
        let pending = self.sessions.begin(cookies);
        if stage.over {
            pending.0.lock().detached = true;
        }
        stage.begun.insert(pending).clone()
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

    /// What has begun; nothing where it has ended before.
    fn end(&self) -> Option<Pending> {
        let mut stage = self.lock();
        let ended = mem::replace(&mut stage.over, true);
        stage.begun.clone().filter(|_| !ended)
    }

    /// Held for a look or a change, in which nothing can panic.
    fn lock(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    /// A request that ends without a response, because its client is gone, it panicked, or the service inside failed, brings no cookie
    /// either: what a task of it still holds is detached.
    fn drop(&mut self) {
        if let Stage { begun: Some(pending), over: false } =
            self.stage.get_mut().unwrap_or_else(PoisonError::into_inner)
        {
            pending.0.lock().detached = true;
        }
    }
}
