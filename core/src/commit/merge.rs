//! What a save does when somebody else was faster.

use crate::commit::Work;
use crate::commit::next::Draft;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::journal::{Content, replay};
use crate::record::{Record, Rotated};
use crate::settings::OnConflict;
use crate::state::{Arrival, signs_in};
use crate::watched::Watched;

impl Work<'_> {
    pub(super) fn merge(&mut self, store: &Watched, newer: Record) -> Result<Content> {
        self.tell(&Event::Conflict { handle: store.handle(self.key()?) });
        self.rebase(newer)
    }

    /// Starts again from the record that somebody else has stored: all changes, on what is there now.
    fn rebase(&mut self, mut fresh: Record) -> Result<Content> {
        let loaded = self.base.as_ref().and_then(|base| base.secret);
        if fresh.secret != loaded && !self.is_earlier_secret(fresh.secret) {
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
    pub(super) fn begin_anew(&mut self) -> Result<Content> {
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
}
