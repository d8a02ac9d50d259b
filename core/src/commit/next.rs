//! The record that a save stores.

use bytes::Bytes;

use crate::clock::Time;
use crate::commit::{GRACE, Work};
use crate::details::Details;
use crate::error::Result;
use crate::expiry::{Deadlines, Expiry};
use crate::id::{SecretHash, Token, random_nonce};
use crate::journal::Content;
use crate::meta::Meta;
use crate::record::{Previous, Record, Rotated, Version};
use crate::state::Arrival;

/// A session's content in the form in which it is stored.
pub(super) struct Draft {
    json: Bytes,
    account: Option<String>,
    authenticated_at: Option<Time>,
    absolute_at: Option<Time>,
    expiry: Option<Expiry>,
    meta: Meta,
}

impl Draft {
    pub(super) fn of(content: &Content) -> Self {
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

impl Work<'_> {
    /// The record to store: the base with this content, one version later.
    pub(super) fn next_record(&self, content: &Draft, now: Time) -> Result<Record> {
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
        let has_another = self.arrival == Arrival::Renewed || self.is_earlier_secret(base.secret);
        let replaced =
            if has_another { self.presented.or(base.secret) } else { base.secret.or(self.presented) };
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
}
