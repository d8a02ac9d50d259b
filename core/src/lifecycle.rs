//! What happens to a session around a request: the one place where it is decided.
//!
//! # A request
//!
//! ```text
//!  Cookie: sessionid=… ─► slot     costs nothing: no I/O, nothing parsed, nothing begun
//!  the handler asks ────► begin    the cookies of the name are found
//!                         load     one trip to the store: a session, or none
//!  the handler works ───► journal  plain functions in memory; changes are noted
//!  the handler answers ─► finish   the table below decides what is to be done
//!                         commit   one compare-and-set; on a conflict the journal again
//!  Set-Cookie, Vary ◄──── headers  the cookie is set only when the store has acknowledged
//! ```
//!
//! [`Sessions::slot`] makes the [`Slot`](crate::Slot), [`Slot::begin`](crate::Slot::begin) the [`Pending`], [`Pending::open`] the
//! [`Session`](crate::Session); [`Slot::finish`](crate::Slot::finish) is the end. Where no handler asks, the first line is all.
//!
//! # A session
//!
#![doc = include_str!("lifecycle/life.svg")]
//!
//! A *new* session is in no store. The first write inserts a record under a key that was just drawn: none is created by reading,
//! and none under a key that came from outside. Every later write is a compare-and-set on a record that is live, so nothing
//! brings back what has *ended* or *expired*: who writes late gets [`Error::Interrupted`].
//!
//! A session is *rotated* where its privileges change, by [`login`](crate::Session::login) or [`rotate`](crate::Session::rotate),
//! and *renewed* where its secret is older than [`with_renew_every`](crate::Settings::with_renew_every) says. Either way it keeps
//! its key and gets a new secret. A login as somebody else ends the session and begins another.
//!
//! In Django's format the key is the secret, so a rotation moves the record to another key. A session that lives in its cookie
//! has no record: all of it is sealed anew with each write, and a copy of the cookie opens it until its deadline.
//!
//! # The table
//!
//! The first row that fits holds. "Sets" means a `Set-Cookie` with the session's token and deadline, "clears" one that makes the
//! browser forget it; `Vary: Cookie` is added wherever the handler has looked at the session or the cookie changes.
//!
//! | row | the session | the handler | status | store | cookie |
//! | --- | --- | --- | --- | --- | --- |
//! | 1 | not asked for | | any | nothing | left |
//! | 2 | any | flushed it, and wrote nothing since | any | nothing (it is removed already) | cleared, if one came |
//! | 3 | any | flushed it, and wrote again | 5xx | nothing: what it wrote is dropped | cleared, if one came |
//! | 4 | any | saved it by itself, under a new token | 5xx | nothing more | set |
//! | 5 | any | did anything else | 5xx | nothing: changes are dropped | left |
//! | 6 | superseded a moment ago | changed it, but no login | | nothing: `Interrupted` | left |
//! | 7 | stored | changed it | | replace | set |
//! | 8 | none, or unknown | wrote data or an expiry, rotated, saved or logged in | | insert | set |
//! | 9 | stored, its secret older than `renew_every`, or Django's and row 11 holds | only read | | replace, with a new secret | set |
//! | 10 | stored, its renewed secret comes for the first time | only read | | replace: the old secret ends in 30 s | set |
//! | 11 | stored, the last use a tenth of the idle timeout ago, or `save_every_request` | only read | | touch | set |
//! | 12 | stored | saved it by itself, nothing since | | nothing more | set |
//! | 13 | unknown, ended, expired or malformed | wrote nothing that remains | | nothing | cleared |
//! | 14 | stored, superseded, out of reach or none | only read | | nothing | left |
//!
//! "Set" becomes "left" where another request has renewed the secret meanwhile: that request's answer brings the new cookie. A
//! store that fails is 503 and the cookie is left, unless the handler has saved under a new token before, as in row 4; but a touch
//! that fails is only a deadline that did not move.

use std::sync::Arc;

use crate::answer::{Answer, polled_once};
use crate::backend::Place;
use crate::clock::Time;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::headers::SessionHeaders;
use crate::open::Pending;
use crate::record::{Previous, Record, Rotated};
use crate::sessions::Sessions;
use crate::state::{Arrival, Saved, Shared, State};

impl Sessions {
    /// A request begins. `cookies` are the values of its `Cookie` headers, of which there may be several in HTTP/2; they are
    /// not looked at before somebody asks for the session.
    pub fn begin<'a>(&self, cookies: impl IntoIterator<Item = &'a [u8]>) -> Pending {
        let mut cookies = cookies.into_iter();
        let mut all = cookies.next().map(<[u8]>::to_vec).unwrap_or_default();
        for value in cookies {
            all.extend_from_slice(b"; ");
            all.extend_from_slice(value);
        }
        Pending(Shared::new(self.clone(), all.into()))
    }

    /// A request ends with this status: saves what must be saved, and says what to do to the response. From now on the session
    /// is detached: its cookie cannot change any more.
    pub fn finish(&self, pending: Pending, status: u16) -> Answer<'static, Finished> {
        pending.0.finish(status)
    }
}

/// What to do to a response. With an error, the response is the error's ([`Error::status`]), with the same headers.
#[derive(Debug, Default)]
#[must_use = "the headers belong to the response, and an error replaces it"]
#[non_exhaustive]
pub struct Finished {
    /// The headers to merge into the response.
    pub headers: SessionHeaders,
    /// Why the session could not be saved.
    pub error: Option<Error>,
}

/// A response that is waited for. Where its client is gone before, it brings no cookie, and no other will.
struct Ending(Arc<Shared>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.lock().detached = true;
    }
}

impl Shared {
    fn finish(self: Arc<Self>, status: u16) -> Answer<'static, Finished> {
        // On a route that does not use the session, a store that is down is no reason to fail.
        let opens = self.sessions.settings().save_every_request && !self.cookies.is_empty();
        let opening = opens.then(|| Pending(Arc::clone(&self)).open());
        if opening.is_none()
            && let Some(finished) = self.conclude_at_once(status)
        {
            return Answer::now(finished);
        }
        let ending = Ending(self);
        Answer::later(async move {
            if let Some(opening) = opening {
                let _ = opening.await;
            }
            ending.0.conclude(status).await
        })
    }

    /// One at a time with the saves of tasks that the handler has begun: what they do to the cookie this response brings, or, once it
    /// has left, they may not do.
    async fn conclude(&self, status: u16) -> Finished {
        let _one_at_a_time = self.gate.lock().await;
        let Some((facts, decision)) = self.decide(status) else { return Finished::default() };
        let done = self.carry_out(decision.store).await;
        self.answer(facts, decision.cookie, done)
    }

    /// The same where nothing has to be waited for.
    fn conclude_at_once(&self, status: u16) -> Option<Finished> {
        let alone = self.gate.try_lock();
        if alone.is_none() && self.lock().arrival != Arrival::Unopened {
            return None;
        }
        let Some((facts, decision)) = self.decide(status) else { return Some(Finished::default()) };
        let done = self.carry_out_at_once(decision.store)?;
        Some(self.answer(facts, decision.cookie, done))
    }

    /// What is to be done; `None` where nobody has asked for the session.
    fn decide(&self, status: u16) -> Option<(Facts, Decision)> {
        let Some(facts) = self.facts(status, self.now()) else {
            self.lock().detached = true;
            return None;
        };
        let decision = facts.decide();
        Some((facts, decision))
    }

    fn answer(&self, facts: Facts, cookie: CookieStep, done: Result<()>) -> Finished {
        let mut headers = SessionHeaders::default();
        // What the handler has saved under a new token is opened by no other, whatever became of the rest.
        let has_new_token = facts.saved == Saved::NewToken && !matches!(done, Err(Error::Interrupted));
        if done.is_ok() || has_new_token {
            headers.set_cookie = self.render(cookie);
        }
        headers.vary = facts.accessed || headers.set_cookie.is_some() || done.is_err();
        self.lock().detached = true;
        Finished { headers, error: done.err() }
    }

    /// What the decision rests on; `None` where nobody has asked for the session.
    fn facts(&self, status: u16, now: Time) -> Option<Facts> {
        let state = self.lock();
        if state.arrival == Arrival::Unopened {
            // Asked for, but the store did not answer: the response depends on the cookie, and the cookie stays.
            return state.asked.then(|| Facts { accessed: true, ..Facts::default() });
        }
        let settings = self.sessions.settings();
        let server = matches!(self.sessions.place(), Place::Server(_));
        let touch_due = state.base.as_ref().is_some_and(|base| {
            settings.save_every_request || self.deadlines(&state.content).touch_due(base.expires_at, now)
        });
        Some(Facts {
            arrival: state.arrival,
            stored: state.base.is_some(),
            had_cookie: state.had_cookie(),
            ended: state.ended,
            changed: state.is_dirty(),
            worth_storing: state.save_due || state.rotate.is_some() || !state.content.is_empty(),
            signs_in: state.signs_in(),
            saved: state.saved,
            renewal_due: server
                && (touch_due && state.moves_from_django()
                    || state.base.as_ref().is_some_and(|base| self.renewal_due(&state, base, now))),
            confirm_due: state.arrival == Arrival::Live
                && state
                    .base
                    .as_ref()
                    .and_then(|base| base.details.previous.as_ref())
                    .is_some_and(Previous::is_unconfirmed),
            touch_due,
            accessed: state.accessed,
            failed: status >= 500,
        })
    }

    /// Where nothing has to be waited for.
    fn carry_out_at_once(&self, step: StoreStep) -> Option<Result<()>> {
        let at_once =
            matches!(step, StoreStep::Nothing | StoreStep::Interrupt) || self.sessions.place().is_at_once();
        at_once.then(|| polled_once(|| self.carry_out(step))).flatten()
    }

    async fn carry_out(&self, step: StoreStep) -> Result<()> {
        match step {
            StoreStep::Nothing => Ok(()),
            StoreStep::Interrupt => {
                self.sessions.tell(&Event::Interrupted { handle: None });
                self.lock().give_up_changes();
                Err(Error::Interrupted)
            }
            StoreStep::Save => self.commit_alone().await,
            // Nobody asked for these: where they fail, the session is as it was, and the response is no worse for it.
            StoreStep::Renew => {
                self.lock().rotate = Some(Rotated::Renewal);
                self.commit_alone().await.or(Ok(()))
            }
            StoreStep::Confirm => {
                self.lock().confirm_due = true;
                self.commit_alone().await.or(Ok(()))
            }
            StoreStep::Touch => {
                self.touch().await;
                Ok(())
            }
        }
    }

    /// A secret is renewed when it is old; and again when the old one still comes though its grace is over, because then the
    /// answer that brought the new one was lost. Not earlier: requests that were sent together bring the old one together.
    fn renewal_due(&self, state: &State, base: &Record, now: Time) -> bool {
        let every = self.sessions.settings().renew_every;
        let is_old = every.is_some_and(|every| now.since(base.details.rotated_at) >= every);
        state.lost_its_renewal(now) || state.arrival != Arrival::Renewed && state.token_is_current && is_old
    }

    /// Moves the deadline, if the store is there and nobody has written meanwhile: who has, has moved it.
    async fn touch(&self) {
        let now = self.now();
        let Place::Server(store) = self.sessions.place() else {
            self.lock().save_due = true;
            let _ = self.commit_alone().await;
            return;
        };
        let (key, base, until) = {
            let state = self.lock();
            let (Some(base), Some(key)) = (&state.base, state.key()) else { return };
            (*key, base.clone(), self.deadlines(&state.content).expires_at(now))
        };
        if let Ok(true) = store.touch(&key, until, &base, now).await {
            let mut state = self.lock();
            if let Some(base) = &mut state.base {
                base.expires_at = until;
                base.last_active = now;
            }
            state.saved = state.saved.max(Saved::SameToken);
        }
    }

    fn render(&self, step: CookieStep) -> Option<String> {
        let state = self.lock();
        let cookie = self.sessions.cookie();
        match step {
            CookieStep::Leave => None,
            CookieStep::Clear => Some(cookie.clear()),
            // An expiry in the past has ended the session while it was saved.
            CookieStep::Set if state.base.is_none() => state.had_cookie().then(|| cookie.clear()),
            CookieStep::Set if state.saved == Saved::Nothing => None,
            CookieStep::Set => {
                let base = state.base.as_ref()?;
                let lasting = !self.deadlines(&state.content).at_browser_close();
                let expires_at = lasting.then_some(base.expires_at);
                // Not before the save, or the cookie would outlast its session.
                let now = self.now();
                match (&state.sealed, &state.token) {
                    (Some(sealed), _) => Some(cookie.set(|out| out.push_str(sealed), expires_at, now)),
                    (None, Some(token)) if state.token_is_current => {
                        Some(cookie.set(|out| token.write_to(out), expires_at, now))
                    }
                    _ => None,
                }
            }
        }
    }
}

/// All that the decision rests on.
#[derive(Clone, Copy, Debug, Default)]
struct Facts {
    arrival: Arrival,
    stored: bool,
    had_cookie: bool,
    ended: bool,
    changed: bool,
    worth_storing: bool,
    signs_in: bool,
    saved: Saved,
    renewal_due: bool,
    confirm_due: bool,
    touch_due: bool,
    accessed: bool,
    failed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Decision {
    store: StoreStep,
    cookie: CookieStep,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StoreStep {
    Nothing,
    Interrupt,
    Save,
    Renew,
    Confirm,
    Touch,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CookieStep {
    Leave,
    Set,
    Clear,
}

impl Facts {
    /// The table of this module's documentation, row by row.
    fn decide(&self) -> Decision {
        use CookieStep::{Clear, Leave, Set};
        use StoreStep::{Confirm, Interrupt, Nothing, Renew, Save, Touch};

        let writes = self.changed && (self.stored || self.worth_storing);
        let flushed = self.ended && !self.stored;
        let cleared = if self.had_cookie { Clear } else { Leave };
        let superseded = self.arrival == Arrival::Superseded && !self.stored;
        let (store, cookie) = match () {
            () if self.arrival == Arrival::Unopened => (Nothing, Leave),
            () if flushed && !writes => (Nothing, cleared),
            () if flushed && self.failed => (Nothing, cleared),
            () if self.failed && self.saved == Saved::NewToken => (Nothing, Set),
            () if self.failed => (Nothing, Leave),
            () if superseded && self.changed && !self.signs_in => (Interrupt, Leave),
            () if writes => (Save, Set),
            () if self.renewal_due => (Renew, Set),
            () if self.confirm_due => (Confirm, Set),
            () if self.touch_due => (Touch, Set),
            () if self.saved != Saved::Nothing => (Nothing, Set),
            () if self.arrival == Arrival::Unknown => (Nothing, Clear),
            () => (Nothing, Leave),
        };
        Decision { store, cookie }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A session that a request's cookie opened and its handler read.
    const READ: Facts = Facts {
        arrival: Arrival::Live,
        stored: true,
        had_cookie: true,
        ended: false,
        changed: false,
        worth_storing: false,
        signs_in: false,
        saved: Saved::Nothing,
        renewal_due: false,
        confirm_due: false,
        touch_due: false,
        accessed: true,
        failed: false,
    };
    const NONE: Facts = Facts { arrival: Arrival::NoCookie, stored: false, had_cookie: false, ..READ };
    const UNKNOWN: Facts = Facts { arrival: Arrival::Unknown, stored: false, ..READ };
    const SUPERSEDED: Facts = Facts { arrival: Arrival::Superseded, stored: false, ..READ };
    const FLUSHED: Facts = Facts { ended: true, stored: false, ..READ };

    #[test]
    fn every_row_of_the_table_holds() {
        use CookieStep::{Clear, Leave, Set};
        use StoreStep::{Confirm, Interrupt, Nothing, Renew, Save, Touch};
        let all_due = Facts { renewal_due: true, confirm_due: true, touch_due: true, ..READ };
        let wrote = |facts: Facts| Facts { changed: true, worth_storing: true, ..facts };
        let rows = [
            (1, Facts { arrival: Arrival::Unopened, stored: false, ..READ }, Nothing, Leave),
            (2, FLUSHED, Nothing, Clear),
            (2, Facts { failed: true, ..FLUSHED }, Nothing, Clear),
            (2, Facts { had_cookie: false, ..FLUSHED }, Nothing, Leave),
            (2, Facts { changed: true, ..FLUSHED }, Nothing, Clear),
            (3, Facts { failed: true, ..wrote(FLUSHED) }, Nothing, Clear),
            (4, Facts { failed: true, saved: Saved::NewToken, ..READ }, Nothing, Set),
            (5, Facts { failed: true, ..wrote(READ) }, Nothing, Leave),
            (5, Facts { failed: true, ..wrote(NONE) }, Nothing, Leave),
            (5, Facts { failed: true, saved: Saved::SameToken, ..READ }, Nothing, Leave),
            (5, Facts { failed: true, ..UNKNOWN }, Nothing, Leave),
            (5, Facts { failed: true, ..all_due }, Nothing, Leave),
            (6, wrote(SUPERSEDED), Interrupt, Leave),
            (6, Facts { changed: true, ..SUPERSEDED }, Interrupt, Leave),
            (7, Facts { changed: true, ..READ }, Save, Set),
            (7, wrote(all_due), Save, Set),
            (8, wrote(NONE), Save, Set),
            (8, wrote(UNKNOWN), Save, Set),
            (8, wrote(FLUSHED), Save, Set),
            (8, Facts { signs_in: true, ..wrote(SUPERSEDED) }, Save, Set),
            (9, all_due, Renew, Set),
            (10, Facts { confirm_due: true, touch_due: true, ..READ }, Confirm, Set),
            (11, Facts { touch_due: true, ..READ }, Touch, Set),
            (12, Facts { saved: Saved::SameToken, ..READ }, Nothing, Set),
            (12, Facts { saved: Saved::NewToken, ..READ }, Nothing, Set),
            (13, UNKNOWN, Nothing, Clear),
            (13, Facts { changed: true, ..UNKNOWN }, Nothing, Clear),
            (14, READ, Nothing, Leave),
            (14, NONE, Nothing, Leave),
            (14, Facts { changed: true, ..NONE }, Nothing, Leave),
            (14, SUPERSEDED, Nothing, Leave),
        ];
        for (row, facts, store, cookie) in rows {
            assert_eq!(facts.decide(), Decision { store, cookie }, "row {row}: {facts:?}");
        }
    }
}
