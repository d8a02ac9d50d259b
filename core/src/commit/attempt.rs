//! One try to store a record, and what became of it.

use crate::clock::Time;
use crate::commit::Work;
use crate::error::{Error, Result};
use crate::id::{SecretHash, Token};
use crate::patience::within;
use crate::record::{Record, Version};
use crate::state::{Earlier, Unsure, signs_in};
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

    async fn hand_over(&mut self, store: &Watched, next: &Record, now: Time) -> Result<Tried> {
        let Some(base) = &self.base else {
            return match store.insert(self.key()?, next, now).await? {
                Inserted::Done => Ok(Tried::Stored),
                Inserted::Taken => self.who_has_taken(store, next, now).await,
            };
        };
        Ok(match store.replace(self.base_key()?, self.key()?, next, base, now).await? {
            Replaced::Done => Tried::Stored,
            Replaced::Conflict(fresh) if fresh.version == next.version => Tried::Stored,
            Replaced::Conflict(fresh) => Tried::Conflict(fresh),
            Replaced::Gone => Tried::Gone,
        })
    }

    /// Whose the record is that has the key already: of an earlier try of this save, or, which chance does not do, but which must
    /// never open a session, somebody else's.
    async fn who_has_taken(&mut self, store: &Watched, next: &Record, now: Time) -> Result<Tried> {
        let ours = self.token.as_ref().and_then(Token::secret_hash);
        Ok(match store.reload(self.key()?, now).await? {
            Some(there) if there.version == next.version => Tried::Stored,
            Some(there) if ours.is_some() && there.secret == ours => Tried::Conflict(Box::new(there)),
            _ => Tried::Taken,
        })
    }

    /// Whether an earlier try of this save stored the secret.
    pub(super) fn is_earlier_secret(&self, secret: Option<SecretHash>) -> bool {
        secret.is_some() && secret == self.earlier.secret
    }

    /// So many tries had no answer. Where one turns out to have been stored, its changes must not be made again; where others have
    /// written since, that cannot be known.
    fn drop_stored(&mut self, fresh: &Record, without_answer: usize) -> Result<()> {
        let there = fresh.version;
        if let Some(stored) = self.unsure.iter().find(|unsure| unsure.version == there) {
            let stored: Vec<_> = self.changes.drain(..stored.changes.min(self.changes.len())).collect();
            self.earlier = Earlier {
                created: self.creates(),
                signed_in: self.earlier.signed_in || signs_in(&stored),
                secret: fresh.secret,
            };
            if self.earlier.created {
                // Its token is as new as it was.
                self.rotate = None;
            }
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
