//! What a store keeps of a session.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::clock::Time;
use crate::details::Details;
use crate::id::SecretHash;

/// A session as it lies in a store.
///
/// The fields up to `data` are what a store may want in columns of its own: what it orders by, indexes, compares or changes
/// without the rest. [`Details`] are one opaque value to it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a store makes records from what it has read")]
pub struct Record {
    /// Which write this is.
    pub version: Version,
    /// When the session began. Rotation does not change it.
    pub created_at: Time,
    /// The last write or, where use counts as activity, the last recorded use.
    pub last_active: Time,
    /// From this moment on the record is as if it were not there.
    pub expires_at: Time,
    /// Who is signed in. Indexed.
    pub account: Option<String>,
    /// The hash of the secret that opens it; none in Django's format, where the key is all there is.
    pub secret: Option<SecretHash>,
    /// What only core reads.
    pub details: Details,
    /// The application's values, as the codec wrote them.
    pub data: Bytes,
}

impl Record {
    /// Whether the session has not ended by time.
    pub fn is_live(&self, now: Time) -> bool {
        self.expires_at > now
    }

    /// What changes about it.
    pub fn head(&self) -> Head {
        Head { version: self.version, last_active: self.last_active, expires_at: self.expires_at }
    }

    /// This copy as the record is at present, if `head` is of the same write; `None` where the copy is of another.
    ///
    /// ```
    /// # use session_core::{Head, Record, Time};
    /// # fn f(copy: Record, now: Time) {
    /// let touched = Head { last_active: now, ..copy.head() };
    /// assert_eq!(copy.with_head(touched).map(|record| record.last_active), Some(now));
    /// # }
    /// ```
    pub fn with_head(self, head: Head) -> Option<Self> {
        let Head { version, last_active, expires_at } = head;
        (self.version == version).then_some(Self { last_active, expires_at, ..self })
    }
}

/// What changes about a stored session, without what it holds. Whoever has a copy of a record, and its present head with the same
/// version, has the record: see [`Record::with_head`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a store makes heads from what it has read")]
pub struct Head {
    /// Which write this is.
    pub version: Version,
    /// The last write or recorded use. A touch changes it, and the version stays.
    pub last_active: Time,
    /// When the session ends. A touch changes this too.
    pub expires_at: Time,
}

/// Which write made a record: a counter for order, and random bits that the writer drew. After an error that does not say
/// whether the write was done, the writer reads the record once and knows its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "a store makes versions from what it has read")]
pub struct Version {
    /// One more than the version that was replaced; 1 for a new record. [`UNORDERED`](Self::UNORDERED) where the format has no
    /// place for it.
    pub seq: u64,
    /// Drawn anew for each write.
    pub nonce: u64,
}

impl Version {
    /// The `seq` of versions that can be told apart, but not ordered: Django's.
    pub const UNORDERED: u64 = 0;

    /// The `seq` of the write after this one. Nobody counts to the last number, but somebody who can write to the store may have put it
    /// there.
    pub(crate) fn next_seq(self) -> u64 {
        self.seq.saturating_add(1)
    }
}

/// The secret that a rotation replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Previous {
    /// Its hash.
    pub secret: SecretHash,
    /// Why it was replaced, which decides what it may still do.
    pub why: Rotated,
    /// Until when it is recognised; open while the new secret of a renewal has not been seen.
    pub until: Option<Time>,
}

impl Previous {
    /// The answer that brought the new secret may have been lost: nobody has come with it yet.
    pub(crate) fn is_unconfirmed(&self) -> bool {
        self.why == Rotated::Renewal && self.until.is_none()
    }
}

/// Why a session got a new secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Rotated {
    /// Its privileges changed (`rotate`, `login`): the old secret opens nothing any more.
    Privilege,
    /// Time has passed, nothing else: the old secret opens it until the new one has arrived.
    Renewal,
}
