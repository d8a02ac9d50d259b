//! One try to store a record, and what became of it.

use crate::clock::Time;
use crate::commit::Work;
use crate::error::{Error, Result};
use crate::patience::within;
use crate::record::{Record, Version};
use crate::state::Unsure;
use crate::store::{Inserted, Replaced, StoreError, StoreErrorKind};
use crate::watched::Watched;

/// What became of a try.
pub(super) enum Tried {
    Stored,
    /// The store has this record now, and ours was not written.
    Conflict(Box<Record>),
    Gone,
    /// The new key is somebody else's.
    Taken,
}

impl Work<'_> {
    /// One try: a second time only where the store broke off and the write turns out not to have been done.
    pub(super) async fn try_once(&mut self, store: &Watched, next: &Record, now: Time) -> Result<Tried> {
        self.unsure.push(Unsure { version: next.version, changes: self.changes.len() });
        for last in [false, true] {
            let tried = match self.hand_over(store, next, now).await {
                // The first try was on its way still when it was looked for, and has arrived meanwhile.
                Ok(Tried::Taken) if last && self.is_ours(store, next, now).await => Tried::Stored,
                Ok(tried) => tried,
                Err(Error::Store(error)) if error.may_be_done() => {
                    match self.find_out(store, next, now).await {
                        Some(tried) => tried?,
                        None if last => return Err(error.into()),
                        None => continue,
                    }
                }
                Err(error) => {
                    // Of the first of two tries this says nothing.
                    if !last {
                        self.unsure.pop();
                    }
                    return Err(error);
                }
            };
            // The first of two may have been done meanwhile.
            let without_answer = self.unsure.len() - usize::from(!last);
            match &tried {
                Tried::Conflict(fresh) => self.drop_stored(fresh, without_answer)?,
                // The session may have been seen with what it wrote, before it ended.
                Tried::Gone if without_answer > 0 => return Err(unknown_outcome()),
                _ => {}
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

    /// So many tries had no answer. Where one turns out to have been stored, its changes must not be made again; where others have
    /// written since, that cannot be known.
    fn drop_stored(&mut self, fresh: &Record, without_answer: usize) -> Result<()> {
        let there = fresh.version;
        if let Some(stored) = self.unsure.iter().find(|unsure| unsure.version == there) {
            self.changes.drain(..stored.changes.min(self.changes.len()));
            return Ok(());
        }
        // Where another write has the number of one, or one before it, that was not stored.
        let may_be_stored =
            |unsure: &Unsure| there.seq == Version::UNORDERED || there.seq > unsure.version.seq;
        if self.unsure.iter().take(without_answer).any(may_be_stored) {
            Err(unknown_outcome())
        } else {
            Ok(())
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
        let there = within(patience, store.reload(key, now)).await;
        match there.unwrap_or_else(|| Err(StoreError::new(StoreErrorKind::Unavailable, NOT_FOUND_OUT))) {
            Ok(Some(there)) if there.version == next.version => Some(Ok(Tried::Stored)),
            Ok(Some(there)) if Some(there.version) == was => None,
            // Another write took this number, so ours did not.
            Ok(Some(there))
                if there.version.seq == next.version.seq && there.version.seq != Version::UNORDERED =>
            {
                Some(Ok(Tried::Conflict(Box::new(there))))
            }
            // Others have written since, or ended it: whether one of them started from ours cannot be known, and saying so is better
            // than counting twice.
            Ok(Some(_)) => Some(Err(unknown_outcome())),
            Ok(None) if was.is_some() && self.base_key.as_ref() == Some(key) => Some(Err(unknown_outcome())),
            Ok(None) => None,
            Err(error) => Some(Err(error.into())),
        }
    }
}

const NOT_FOUND_OUT: &str =
    "the session store did not answer, and does not say whether it did what it was asked";

fn unknown_outcome() -> Error {
    let context =
        "the session store broke off, and others have written since: whether this was saved is not known";
    StoreError::new(StoreErrorKind::Unavailable, context).into()
}
