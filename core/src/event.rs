//! What happens to sessions, told to the application as it happens: for a log, an alarm, a counter.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::error::Error;
use crate::id::RecordKey;
use crate::record::Rotated;
use crate::store::{StoreError, Verb};

/// Something that happened to a session. It shows no token, no secret, no value and no account.
///
/// `handle` is the session's public handle; `None` where the session lives in its cookie, and in Django's format, where the key is
/// the secret.
#[derive(Debug)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each event says what its fields are about")]
pub enum Event<'a> {
    /// A new session was stored.
    Created { handle: Option<RecordKey> },
    /// A session that is there could not be read: its data is damaged, or of a form, key or signature that this application does not
    /// know. The error says which.
    Unreadable { handle: Option<RecordKey>, error: &'a Error },
    /// A request's cookie has opened a session.
    Loaded { handle: Option<RecordKey> },
    /// A well-formed cookie came that no session has: it was ended, or has expired, or is guessed.
    Missed,
    /// A cookie came that is damaged, or has another secret than its session. Of sessions in cookies also one that has expired.
    UnknownToken { handle: Option<RecordKey> },
    /// The secret before the present one came after its grace. Somebody has a copy of an old cookie: worth an alarm where it is
    /// not followed by nothing.
    ReuseAfterRotation { handle: Option<RecordKey> },
    /// A session's changes were stored.
    Saved { handle: Option<RecordKey> },
    /// Another request was faster; its changes and this one's are being merged.
    Conflict { handle: Option<RecordKey> },
    /// Somebody has signed in.
    SignedIn { handle: Option<RecordKey> },
    /// A session got a new secret.
    Rotated { handle: Option<RecordKey>, why: Rotated },
    /// A request has ended its own session: a logout.
    Flushed { handle: Option<RecordKey> },
    /// Sessions were ended by another one, by account, or because there were too many.
    Revoked { count: u64 },
    /// A session has ended because its own expiry is in the past.
    Expired { handle: Option<RecordKey> },
    /// Expired sessions were removed from the store.
    Purged { count: u64 },
    /// A request could not save: its session was ended, or given a new secret, by another one.
    Interrupted { handle: Option<RecordKey> },
    /// A request has changed its session, and that was not stored: its response failed, it panicked, it was cancelled, or it changed
    /// the session after its response and did not save.
    Dropped { handle: Option<RecordKey>, changes: usize },
    /// The store could not do what it was asked.
    StoreFailed { verb: Verb, error: &'a StoreError },
}

impl Event<'_> {
    /// A name for programs, which does not change between versions.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Created { .. } => "created",
            Self::Unreadable { .. } => "unreadable",
            Self::Loaded { .. } => "loaded",
            Self::Missed => "missed",
            Self::UnknownToken { .. } => "unknown_token",
            Self::ReuseAfterRotation { .. } => "reuse_after_rotation",
            Self::Saved { .. } => "saved",
            Self::Conflict { .. } => "conflict",
            Self::SignedIn { .. } => "signed_in",
            Self::Rotated { .. } => "rotated",
            Self::Flushed { .. } => "flushed",
            Self::Revoked { .. } => "revoked",
            Self::Expired { .. } => "expired",
            Self::Purged { .. } => "purged",
            Self::Interrupted { .. } => "interrupted",
            Self::Dropped { .. } => "dropped",
            Self::StoreFailed { .. } => "store_failed",
        }
    }

    /// How many sessions it is about.
    #[cfg(feature = "metrics")]
    fn count(&self) -> u64 {
        match self {
            Self::Revoked { count } | Self::Purged { count } => *count,
            _ => 1,
        }
    }
}

type Handler = dyn Fn(&Event<'_>) + Send + Sync;

/// Who is told.
#[derive(Clone, Default)]
pub(crate) struct Events(Option<Arc<Handler>>);

impl Events {
    pub(crate) fn to(handler: impl Fn(&Event<'_>) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(handler)))
    }

    /// Tells it. A handler that panics has said so on standard error, and breaks nothing.
    pub(crate) fn tell(&self, event: &Event<'_>) {
        #[cfg(feature = "tracing")]
        trace(event);
        #[cfg(feature = "metrics")]
        metrics::counter!("session_events_total", "event" => event.name()).increment(event.count());
        if let Some(handler) = &self.0 {
            let _ = catch_unwind(AssertUnwindSafe(|| handler(event)));
        }
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Events(told)" } else { "Events(not told)" })
    }
}

/// One line each, with the name as a field. What happens in every request is a trace, what an operator wants to know is more.
#[cfg(feature = "tracing")]
fn trace(event: &Event<'_>) {
    let name = event.name();
    match event {
        Event::StoreFailed { verb, error } => {
            let because = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
            tracing::error!(event = name, verb = verb.name(), kind = ?error.kind(), because, "{error}");
        }
        Event::ReuseAfterRotation { handle } => {
            tracing::warn!(event = name, ?handle, "an old cookie of a session was used");
        }
        Event::Dropped { handle, changes } => {
            tracing::warn!(event = name, ?handle, changes, "changes to a session were not stored");
        }
        Event::Interrupted { handle } => tracing::info!(event = name, ?handle, "a session"),
        Event::SignedIn { handle } | Event::Flushed { handle } => {
            tracing::info!(event = name, ?handle, "a session");
        }
        Event::Revoked { count } | Event::Purged { count } => {
            tracing::info!(event = name, count, "sessions");
        }
        Event::Rotated { handle, why } => tracing::debug!(event = name, ?handle, ?why, "a session"),
        Event::Created { handle }
        | Event::UnknownToken { handle }
        | Event::Conflict { handle }
        | Event::Expired { handle } => tracing::debug!(event = name, ?handle, "a session"),
        Event::Loaded { handle } | Event::Saved { handle } => {
            tracing::trace!(event = name, ?handle, "a session");
        }
        Event::Unreadable { handle, error } => tracing::warn!(event = name, ?handle, "{error}"),
        Event::Missed => tracing::debug!(event = name, "a session"),
    }
}
