//! Saving: one compare-and-set, and what happens when somebody else was faster.
//!
//! The next record is made from the base and the journal, and stored if the base is still what the store has. If not, the
//! journal is replayed on what it has now. No path creates a record where one has ended, but for a login, which begins anew.

mod attempt;
mod merge;
mod next;

use std::time::Duration;

use self::attempt::Tried;
use self::next::Draft;
use crate::backend::{Place, Sealer as _};
use crate::clock::Time;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::id::{RecordKey, SecretHash, Token, random_nonce};
use crate::journal::{Change, Content, replay};
use crate::line::{Stuck, Turn};
use crate::record::{Record, Rotated};
use crate::session::Session;
use crate::state::{Arrival, Earlier, Saved, Shared, Unsure, signs_in};
use crate::store::{Select, StoreError, StoreErrorKind};
use crate::timer::sleep;
use crate::watched::Watched;

/// How long after a rotation a request that was on its way with the old secret is recognised.
pub(crate) const GRACE: Duration = Duration::from_secs(30);

const STUCK: &str =
    "the session store does not answer other requests that save this session, so this one is not sent to it";

/// How often one save is tried. Every failed try means that somebody else's save succeeded, and saves of one process go one after
/// the other, so this is only reached when dozens of processes write one session at the same moment.
const TRIES: u32 = 64;

impl Session {
    /// Saves now what has been changed so far, rather than at the end of the request: before acting on a
    /// [`take_once`](Self::take_once), to see the errors in the handler, or in a task that outlives its response. A session that
    /// is not stored yet is created, also without data.
    ///
    /// [`Error::Interrupted`] where the session was ended or rotated meanwhile, and [`Error::Conflict`] where another request was
    /// faster and its changes cannot be merged: then what was changed is dropped, and the session is shown as it is now.
    /// [`Error::Detached`] where the response has left and the session would need a new cookie.
    pub async fn save(&self) -> Result<()> {
        {
            let mut state = self.0.lock();
            state.save_due |= state.base.is_none();
            state.accessed = true;
            // Saving makes a session that there was not; of one that is there it says nothing (D20, D43).
            state.modified |= state.base.is_none();
        }
        self.0.commit().await
    }
}

impl Shared {
    /// Saves what is unsaved. On an error it stays unsaved, and nothing was changed (or, where a store broke off, what was
    /// changed is recognised by the next try).
    pub(crate) async fn commit(&self) -> Result<()> {
        let _one_at_a_time = self.gate.lock().await;
        self.commit_alone().await
    }

    /// The same for who holds the gate.
    pub(crate) async fn commit_alone(&self) -> Result<()> {
        let Some(mut work) = Work::begin(self)? else { return Ok(()) };
        match self.sessions.place() {
            Place::Server(store) => work.store(store).await,
            Place::Client(sealer) => {
                let now = self.now();
                let next = work.next_record(&work.draft, now)?;
                if !next.is_live(now) {
                    if work.base.is_some() {
                        work.tell(&Event::Expired { handle: None });
                    }
                    work.ended();
                    return Ok(());
                }
                let sealed = sealer.seal(&next, now)?;
                self.sessions.cookie().check_size(sealed.len())?;
                self.lock().sealed = Some(sealed);
                work.tell_stored(None);
                work.done(next, None, Saved::NewToken)
            }
        }
    }
}

/// One save under way: the changes that are in it, and the record that they started from. Dropped before its end (the request
/// was cancelled, or the store failed), it gives the changes back.
struct Work<'a> {
    shared: &'a Shared,
    arrival: Arrival,
    base: Option<Record>,
    /// Where the base is stored: not the token's key, where a rotation moves the record (Django's format).
    base_key: Option<RecordKey>,
    /// What is to be stored, as it was when the save began.
    draft: Draft,
    changes: Vec<Change>,
    rotate: Option<Rotated>,
    /// The token before this save, and after it.
    old_token: Option<Token>,
    token: Option<Token>,
    /// The secret that came with the request.
    presented: Option<SecretHash>,
    /// Only time has passed; nobody asked for this save, so it may come to nothing.
    quiet: bool,
    /// The versions that were handed to the store without a clear answer, and how many changes are in each.
    unsure: Vec<Unsure>,
    /// What one without an answer turned out to have stored.
    earlier: Earlier,
    finished: bool,
}

impl<'a> Work<'a> {
    /// Takes what is unsaved; `None` where there is nothing.
    fn begin(shared: &'a Shared) -> Result<Option<Self>> {
        let mut state = shared.lock();
        if !state.is_dirty() {
            return Ok(None);
        }
        state.check_known()?;
        let needs_cookie = state.base.is_none()
            || state.rotate.is_some()
            || matches!(shared.sessions.place(), Place::Client(_));
        if needs_cookie {
            state.check_attached()?;
        }
        if state.arrival == Arrival::Superseded && state.base.is_none() && !state.signs_in() {
            state.give_up_changes();
            drop(state);
            shared.sessions.tell(&Event::Interrupted { handle: None });
            return Err(Error::Interrupted);
        }
        if state.rotate.is_none()
            && (state.moves_from_django() || !state.detached && state.lost_its_renewal(shared.now()))
        {
            state.rotate = Some(Rotated::Renewal);
        }
        let token = match (&state.base, &state.token, state.rotate) {
            (Some(_), Some(token), Some(_)) => {
                let store = shared.sessions.store("rotate a secret")?;
                Some(token.rotated(store.capabilities().tokens)?)
            }
            (_, Some(token), _) => Some(token.clone()),
            (_, None, _) => shared.sessions.new_token()?,
        };
        let quiet = state.journal.is_empty() && !state.save_due && state.rotate != Some(Rotated::Privilege);
        state.save_due = false;
        state.confirm_due = false;
        Ok(Some(Self {
            shared,
            arrival: state.arrival,
            base: state.base.clone(),
            base_key: state.key().copied(),
            draft: Draft::of(&state.content),
            changes: std::mem::take(&mut state.journal),
            rotate: state.rotate.take(),
            old_token: state.token.clone(),
            presented: state.presented,
            token,
            quiet,
            unsure: std::mem::take(&mut state.unsure),
            earlier: std::mem::take(&mut state.earlier),
            finished: false,
        }))
    }

    async fn store(&mut self, store: &Watched) -> Result<()> {
        let mut merged: Option<Content> = None;
        let (mut turn, mut has_waited) = (None, self.base.is_some() && !store.is_at_once());
        if has_waited {
            turn = self.turn(store).await?;
        }
        // After a save that was broken off the store is asked first: what is newer may have its changes already.
        if let (Some(base), Some(turn), true) = (&self.base, &turn, self.unsure.is_empty())
            && let Some(newer) = turn.newer_than(base)
        {
            if self.quiet {
                self.finished = true;
                return Ok(());
            }
            merged = Some(self.merge(store, newer)?);
        }
        for conflicts in 0..TRIES {
            let now = self.shared.now();
            let mut next = self.next_record(&self.draft, now)?;
            if !next.is_live(now) {
                return self.end(store, now).await;
            }
            self.shared.sessions.write(self.key()?, &mut next)?;
            match self.try_once(store, &next, now).await? {
                Tried::Stored => {
                    turn.iter().for_each(|turn| turn.leave(&next));
                    return self.stored(store, next, merged, now).await;
                }
                Tried::Conflict(_) | Tried::Gone if self.quiet => {
                    self.finished = true;
                    return Ok(());
                }
                Tried::Conflict(fresh) => {
                    if has_waited {
                        // Nobody here was faster, so another process was.
                        back_off(conflicts).await?;
                    } else {
                        (turn, has_waited) = (self.turn(store).await?, true);
                    }
                    merged = Some(self.merge(store, *fresh)?);
                }
                Tried::Gone => merged = Some(self.begin_anew()?),
                Tried::Taken => self.token = self.shared.sessions.new_token()?,
            }
        }
        Err(Error::Conflict)
    }

    /// Waits for other saves of the session in this process.
    async fn turn<'s>(&mut self, store: &'s Watched) -> Result<Option<Turn<'s>>> {
        let _place = store.wait()?;
        // Who stands before a store that does not answer must not make everybody else late.
        let patience = store.timeout().map(|timeout| timeout / 4);
        let turn = store.lines().turn(self.base_key()?, patience).await;
        turn.map_err(|Stuck| StoreError::unsent(StoreErrorKind::Unavailable, STUCK).into())
    }

    fn key(&self) -> Result<&RecordKey> {
        self.token.as_ref().map(Token::key).ok_or(Error::Unsupported("name a session in its cookie"))
    }

    fn base_key(&self) -> Result<&RecordKey> {
        self.base_key.as_ref().map_or_else(|| self.key(), Ok)
    }

    async fn stored(
        &mut self,
        store: &Watched,
        next: Record,
        merged: Option<Content>,
        now: Time,
    ) -> Result<()> {
        let login = self.signs_in().then(|| next.account.clone()).flatten();
        let key = *self.key()?;
        let new_token = self.creates() || self.rotate.is_some();
        let shared = self.shared;
        self.tell_stored(store.handle(&key));
        self.done(next, merged, if new_token { Saved::NewToken } else { Saved::SameToken })?;
        let Some(account) = login else { return Ok(()) };
        let limited = shared.sessions.enforce_limit(store, &account, &key, now).await;
        limited.inspect_err(|_| shared.lock().end())
    }

    fn tell(&self, event: &Event<'_>) {
        self.shared.sessions.tell(event);
    }

    fn creates(&self) -> bool {
        self.base.is_none() || self.earlier.created
    }

    fn signs_in(&self) -> bool {
        signs_in(&self.changes) || self.earlier.signed_in
    }

    fn tell_stored(&self, handle: Option<RecordKey>) {
        self.tell(&match self.rotate {
            _ if self.creates() => Event::Created { handle },
            Some(why) => Event::Rotated { handle, why },
            None => Event::Saved { handle },
        });
        if self.signs_in() {
            self.tell(&Event::SignedIn { handle });
        }
    }

    /// An expiry in the past: the session ends instead of being stored (D63).
    async fn end(&mut self, store: &Watched, now: Time) -> Result<()> {
        if self.base.is_some() {
            let key = self.base_key()?;
            store.remove(Select::One(key), now).await?;
            self.tell(&Event::Expired { handle: store.handle(key) });
        }
        self.ended();
        Ok(())
    }

    fn ended(&mut self) {
        self.finished = true;
        self.shared.lock().end();
    }

    /// The save is done: what was written is the base of what comes.
    fn done(&mut self, next: Record, merged: Option<Content>, saved: Saved) -> Result<()> {
        self.finished = true;
        let token = self.token.take();
        {
            let mut state = self.shared.lock();
            state.token = token;
            if self.rotate == Some(Rotated::Renewal) {
                // Nobody has come with the new secret yet.
                state.arrival = Arrival::Renewed;
            }
            // A login since the save began has begun the absolute timeout anew.
            if !state.signs_in() {
                state.content.absolute_at = next.details.absolute_at;
            }
            state.base = Some(next);
            state.token_is_current |= saved == Saved::NewToken;
            state.saved = state.saved.max(saved);
        }
        merged.map_or(Ok(()), |content| self.shared.follow(content))
    }
}

impl Shared {
    /// Shows the handler the session that was merged, with what it has changed since the save began.
    fn follow(&self, mut content: Content) -> Result<()> {
        let mut since = Vec::new();
        loop {
            let mut newer = std::mem::take(&mut self.lock().journal);
            let applied = replay(&mut newer, &mut content);
            since.append(&mut newer);
            let mut state = self.lock();
            if applied.is_err() || state.journal.is_empty() {
                since.append(&mut state.journal);
                state.journal = since;
                state.content = content;
                return applied;
            }
        }
    }
}

impl Drop for Work<'_> {
    fn drop(&mut self) {
        if !self.finished {
            let mut state = self.shared.lock();
            let newer = std::mem::replace(&mut state.journal, std::mem::take(&mut self.changes));
            state.journal.extend(newer);
            state.rotate = state.rotate.or(self.rotate);
            state.save_due |= !self.quiet;
            state.unsure = std::mem::take(&mut self.unsure);
            state.earlier = self.earlier;
            if state.base.is_none() {
                // The session may have been made under it: the next try asks for the same one.
                state.token = self.token.take();
            }
        }
    }
}

/// Several processes that write one session must not meet again and again: each waits a while by chance, longer from time to time.
async fn back_off(conflicts: u32) -> Result<()> {
    let most = 1 << conflicts.min(5);
    sleep(Duration::from_micros(random_nonce()? % (1000 * most))).await;
    Ok(())
}
