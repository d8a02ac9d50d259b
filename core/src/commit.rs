//! Saving: one compare-and-set, and what happens when somebody else was faster.
//!
//! The next record is made from the base and the journal, and stored if the base is still what the store has. If not, the
//! journal is replayed on what it has now. No path creates a record where one has ended, but for a login, which begins anew.

use std::time::Duration;

use bytes::Bytes;

use crate::backend::{Place, Sealer as _};
use crate::clock::Time;
use crate::details::Details;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::expiry::{Deadlines, Expiry};
use crate::id::{RecordKey, SecretHash, Token, random_nonce};
use crate::journal::{Change, Content, replay};
use crate::line::Turn;
use crate::meta::Meta;
use crate::patience::within;
use crate::record::{Previous, Record, Rotated, Version};
use crate::session::Session;
use crate::settings::OnConflict;
use crate::state::{Arrival, Saved, Shared, Unsure, signs_in};
use crate::store::{Inserted, Replaced, Select, StoreError, StoreErrorKind};
use crate::timer::sleep;
use crate::watched::Watched;

/// How long after a rotation a request that was on its way with the old secret is recognised.
pub(crate) const GRACE: Duration = Duration::from_secs(30);

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
    finished: bool,
}

/// A session's content in the form in which it is stored.
struct Draft {
    json: Bytes,
    account: Option<String>,
    authenticated_at: Option<Time>,
    absolute_at: Option<Time>,
    expiry: Option<Expiry>,
    meta: Meta,
}

impl Draft {
    fn of(content: &Content) -> Self {
        Self {
            json: content.entries.to_json().into(),
            account: content.account.clone(),
            authenticated_at: content.authenticated_at,
            absolute_at: content.absolute_at,
            expiry: content.expiry,
            meta: content.meta.clone(),
        }
    }
}

/// What became of a try.
enum Tried {
    Stored,
    /// The store has this record now, and ours was not written.
    Conflict(Box<Record>),
    Gone,
    /// The new key is somebody else's.
    Taken,
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
                    turn.iter_mut().for_each(|turn| turn.leave(&next));
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
    async fn turn(&mut self, store: &Watched) -> Result<Option<Turn<'a>>> {
        let _place = store.wait()?;
        let lines = self.shared.sessions.lines();
        // Who stands before a store that does not answer must not make everybody else late.
        let patience = store.timeout().map(|timeout| timeout / 4);
        Ok(lines.turn(self.base_key()?, patience).await)
    }

    fn merge(&mut self, store: &Watched, newer: Record) -> Result<Content> {
        self.tell(&Event::Conflict { handle: store.handle(self.key()?) });
        self.rebase(newer)
    }

    fn key(&self) -> Result<&RecordKey> {
        self.token.as_ref().map(Token::key).ok_or(Error::Unsupported("name a session in its cookie"))
    }

    fn base_key(&self) -> Result<&RecordKey> {
        self.base_key.as_ref().map_or_else(|| self.key(), Ok)
    }

    /// One try: a second time only where the store broke off and the write turns out not to have been done.
    async fn try_once(&mut self, store: &Watched, next: &Record, now: Time) -> Result<Tried> {
        self.unsure.push(Unsure { version: next.version, changes: self.changes.len() });
        for last in [false, true] {
            let tried = match self.hand_over(store, next, now).await {
                // The first try was on its way still when it was looked for, and has arrived meanwhile.
                Ok(Tried::Taken) if last && self.is_ours(store, next, now).await => Tried::Stored,
                Ok(tried) => tried,
                Err(Error::Store(error)) if error.kind() == StoreErrorKind::Unavailable => {
                    match self.find_out(store, next, now).await {
                        Some(tried) => tried?,
                        None if last => return Err(error.into()),
                        None => continue,
                    }
                }
                Err(error) => return Err(error),
            };
            if let Tried::Conflict(fresh) = &tried {
                self.drop_stored(fresh)?;
            }
            self.unsure.clear();
            return Ok(tried);
        }
        Err(Error::Conflict)
    }

    /// Whether this version is what the store has.
    async fn is_ours(&mut self, store: &Watched, next: &Record, now: Time) -> bool {
        matches!(self.find_out(store, next, now).await, Some(Ok(Tried::Stored)))
    }

    async fn hand_over(&mut self, store: &Watched, next: &Record, now: Time) -> Result<Tried> {
        let Some(base) = &self.base else {
            return match store.insert(self.key()?, next, now).await? {
                Inserted::Done => Ok(Tried::Stored),
                // Chance does not do this; but a key that is drawn must never be somebody else's.
                Inserted::Taken => Ok(Tried::Taken),
            };
        };
        Ok(match store.replace(self.base_key()?, self.key()?, next, base, now).await? {
            Replaced::Done => Tried::Stored,
            Replaced::Conflict(fresh) if fresh.version == next.version => Tried::Stored,
            Replaced::Conflict(fresh) => Tried::Conflict(fresh),
            Replaced::Gone => Tried::Gone,
        })
    }

    /// Earlier saves were broken off. Where one turns out to have been stored, its changes must not be made again; where others have
    /// written since, that cannot be known.
    fn drop_stored(&mut self, fresh: &Record) -> Result<()> {
        let there = fresh.version;
        if let Some(stored) = self.unsure.iter().find(|unsure| unsure.version == there) {
            self.changes.drain(..stored.changes.min(self.changes.len()));
            return Ok(());
        }
        // The last is the one that was answered. Where another write has the number of one, or one before it, that was not stored.
        let may_be_stored =
            |unsure: &Unsure| there.seq == Version::UNORDERED || there.seq > unsure.version.seq;
        match self.unsure.split_last() {
            Some((_, earlier)) if earlier.iter().any(may_be_stored) => Err(unknown_outcome()),
            _ => Ok(()),
        }
    }

    /// After an error that does not say whether the write was done: reads the record once. `None` where it was not done, as far
    /// as can be known.
    async fn find_out(&mut self, store: &Watched, next: &Record, now: Time) -> Option<Result<Tried>> {
        let was = self.base.as_ref().map(|base| base.version);
        let key = match self.key() {
            Ok(key) => key,
            Err(error) => return Some(Err(error)),
        };
        // The write has had its time. What became of it is worth a short wait, and not as long a one again.
        let patience = store.timeout().map(|timeout| timeout / 4);
        let there = within(patience, store.load(key, now)).await;
        match there.unwrap_or_else(|| Err(StoreError::new(StoreErrorKind::Unavailable, NOT_FOUND_OUT))) {
            Ok(Some(there)) if there.version == next.version => Some(Ok(Tried::Stored)),
            Ok(Some(there)) if Some(there.version) == was => None,
            // Another write took this number, so ours did not.
            Ok(Some(there))
                if there.version.seq == next.version.seq && there.version.seq != Version::UNORDERED =>
            {
                Some(Ok(Tried::Conflict(Box::new(there))))
            }
            // Others have written since: whether one of them started from ours cannot be known, and saying so is better than
            // counting twice.
            Ok(Some(_)) => Some(Err(unknown_outcome())),
            Ok(None) if was.is_some() && self.base_key.as_ref() == Some(key) => Some(Ok(Tried::Gone)),
            Ok(None) => None,
            Err(error) => Some(Err(error.into())),
        }
    }

    /// Starts again from the record that somebody else has stored: all changes, on what is there now.
    fn rebase(&mut self, mut fresh: Record) -> Result<Content> {
        let loaded = self.base.as_ref().and_then(|base| base.secret);
        if fresh.secret != loaded {
            let ours = [loaded, self.presented];
            let renewed = fresh.details.previous.as_ref().is_some_and(|previous| {
                previous.why == Rotated::Renewal && ours.contains(&Some(previous.secret))
            });
            if !renewed {
                return self.begin_anew();
            }
            // Time has passed, nothing else: their answer brings the new secret, ours leaves the cookie alone.
            let mut state = self.shared.lock();
            state.token_is_current = false;
            state.arrival = Arrival::Renewed;
            drop(state);
            self.arrival = Arrival::Renewed;
            if self.rotate == Some(Rotated::Renewal) {
                self.rotate = None;
                self.token.clone_from(&self.old_token);
            }
        }
        if fresh.secret.is_some() {
            // Where it was moved to, if it was.
            self.base_key = Some(*self.key()?);
        }
        let reject = self.shared.sessions.settings().on_conflict == OnConflict::Reject;
        let as_stored = fresh.clone();
        let mut content = self.shared.sessions.read(self.base_key()?, &mut fresh)?;
        let replayed = if reject { Err(Error::Conflict) } else { replay(&mut self.changes, &mut content) };
        if let Err(Error::Conflict) = replayed {
            fresh = as_stored;
            let content = self.shared.sessions.read(self.base_key()?, &mut fresh)?;
            self.lose(Some(fresh), content);
            return Err(Error::Conflict);
        }
        replayed?;
        self.shared.sessions.settings().check_limits(&content.entries)?;
        self.draft = Draft::of(&content);
        self.base = Some(fresh);
        Ok(content)
    }

    /// This save has lost for good, and the handler is told so. What it changed is dropped, so that it is not told again with the
    /// response; from now on it sees the session as it is, or an anonymous one.
    fn lose(&mut self, to: Option<Record>, content: Content) {
        let mut state = self.shared.lock();
        self.finished = true;
        state.give_up_changes();
        if to.is_none() {
            state.arrival = Arrival::Superseded;
            state.token = None;
        }
        state.content = content;
        state.base = to;
    }

    /// The session has ended, or is somebody else's by now. Only a login goes on: with a new session, which has what this
    /// request wrote and nothing old.
    fn begin_anew(&mut self) -> Result<Content> {
        if !signs_in(&self.changes) {
            self.lose(None, Content::default());
            self.tell(&Event::Interrupted { handle: self.shared.handle() });
            return Err(Error::Interrupted);
        }
        self.shared.lock().check_attached()?;
        let mut content = Content::default();
        replay(&mut self.changes, &mut content)?;
        self.token = self.shared.sessions.new_token()?;
        self.draft = Draft::of(&content);
        self.base = None;
        Ok(content)
    }

    /// The record to store: the base with this content, one version later.
    fn next_record(&self, content: &Draft, now: Time) -> Result<Record> {
        let settings = self.shared.sessions.settings();
        let base = self.base.as_ref();
        let mut details = base.map_or_else(|| Details::new(now), |base| base.details.clone());
        details.absolute_at = match base {
            None => content.absolute_at.or(settings.absolute_timeout.map(|timeout| now + timeout)),
            Some(_) => content.absolute_at,
        };
        details.authenticated_at = content.authenticated_at;
        details.expiry = content.expiry;
        details.meta.clone_from(&content.meta);
        let secret = self.next_secret(&mut details, now);
        let deadlines = Deadlines { settings, own: content.expiry, absolute_at: details.absolute_at };
        Ok(Record {
            version: Version { seq: base.map_or(1, |base| base.version.next_seq()), nonce: random_nonce()? },
            created_at: base.map_or(now, |base| base.created_at),
            last_active: now,
            expires_at: deadlines.expires_at(now),
            account: content.account.clone(),
            secret,
            details,
            data: content.json.clone(),
        })
    }

    fn next_secret(&self, details: &mut Details, now: Time) -> Option<SecretHash> {
        let new = || self.token.as_ref().and_then(Token::secret_hash);
        let Some(base) = &self.base else { return new() };
        let Some(why) = self.rotate else {
            self.confirm_renewal(details, now);
            return base.secret;
        };
        // The secret that the browser has: not the record's, where the answer that brought that one is on its way, or lost.
        let replaced = match self.arrival {
            Arrival::Renewed => self.presented.or(base.secret),
            _ => base.secret.or(self.presented),
        };
        details.rotated_at = now;
        let until = (why == Rotated::Privilege).then_some(now + GRACE);
        details.previous = replaced.map(|secret| Previous { secret, why, until });
        new()
    }

    /// The new secret of a renewal has been seen: the old one has 30 seconds left, for what is still on its way.
    fn confirm_renewal(&self, details: &mut Details, now: Time) {
        if self.arrival == Arrival::Live
            && let Some(previous) = details.previous.as_mut().filter(|previous| previous.is_unconfirmed())
        {
            previous.until = Some(now + GRACE);
        }
    }

    async fn stored(
        &mut self,
        store: &Watched,
        next: Record,
        merged: Option<Content>,
        now: Time,
    ) -> Result<()> {
        let login = signs_in(&self.changes).then(|| next.account.clone()).flatten();
        let key = *self.key()?;
        let new_token = self.base.is_none() || self.rotate.is_some();
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

    fn tell_stored(&self, handle: Option<RecordKey>) {
        match (&self.base, self.rotate) {
            (None, _) => self.tell(&Event::Created { handle }),
            (Some(_), Some(why)) => self.tell(&Event::Rotated { handle, why }),
            (Some(_), None) => self.tell(&Event::Saved { handle }),
        }
        if signs_in(&self.changes) {
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
            state.content.absolute_at = next.details.absolute_at;
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
        }
    }
}

/// Several processes that write one session must not meet again and again: each waits a while by chance, longer from time to time.
async fn back_off(conflicts: u32) -> Result<()> {
    let most = 1 << conflicts.min(5);
    sleep(Duration::from_micros(random_nonce()? % (1000 * most))).await;
    Ok(())
}

const NOT_FOUND_OUT: &str =
    "the session store did not answer, and does not say whether it did what it was asked";

fn unknown_outcome() -> Error {
    let context =
        "the session store broke off, and others have written since: whether this was saved is not known";
    StoreError::new(StoreErrorKind::Unavailable, context).into()
}
