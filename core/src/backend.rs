//! Where sessions live: in a store, or in the cookie itself.

use std::fmt;
use std::sync::Arc;

use crate::any_store::AnyStore;
use crate::clock::Time;
use crate::error::Result;
use crate::record::Record;
use crate::settings::Settings;
use crate::store::SessionStore;
use crate::watched::Watched;

/// Where sessions live. Made from any store, or from an [`AnySealer`]. Clones are the same place.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a session lives on the server or at the client")]
pub enum Backend {
    /// In a store; the cookie holds a token.
    Server(AnyStore),
    /// In the cookie, sealed. It cannot be revoked, listed or merged.
    Client(AnySealer),
}

/// A backend as core uses it.
#[derive(Debug)]
pub(crate) enum Place {
    Server(Watched),
    Client(AnySealer),
}

impl Place {
    pub(crate) fn new(backend: &Backend, settings: &Settings) -> Self {
        match backend {
            Backend::Server(store) => Self::Server(Watched::new(store.clone(), settings)),
            Backend::Client(sealer) => Self::Client(sealer.clone()),
        }
    }
}

impl Place {
    /// Whether nothing has to be waited for.
    pub(crate) fn is_at_once(&self) -> bool {
        match self {
            Self::Server(store) => store.is_at_once(),
            Self::Client(_) => true,
        }
    }
}

impl<S: SessionStore> From<S> for Backend {
    fn from(store: S) -> Self {
        Self::Server(AnyStore::new(store))
    }
}

impl From<AnySealer> for Backend {
    fn from(sealer: AnySealer) -> Self {
        Self::Client(sealer)
    }
}

/// Turns a session into the text of a cookie and back: pure, synchronous code over keys.
pub trait Sealer: fmt::Debug + Send + Sync + 'static {
    /// The text for the cookie. It holds the deadline, which [`open`](Self::open) enforces.
    fn seal(&self, record: &Record, now: Time) -> Result<String>;

    /// The session in a cookie's text; `None` where this sealer did not make it, or its deadline has passed.
    fn open(&self, token: &[u8], now: Time) -> Option<Record>;
}

/// Any [`Sealer`], chosen at run time. Clones are the same one.
#[derive(Clone, Debug)]
pub struct AnySealer(Arc<dyn Sealer>);

impl AnySealer {
    /// Wraps a sealer.
    pub fn new(sealer: impl Sealer) -> Self {
        Self(Arc::new(sealer))
    }
}

impl Sealer for AnySealer {
    fn seal(&self, record: &Record, now: Time) -> Result<String> {
        self.0.seal(record, now)
    }

    fn open(&self, token: &[u8], now: Time) -> Option<Record> {
        self.0.open(token, now)
    }
}
