//! Sessions for Rust web applications, without a framework: the session object, its expiry policy, its lifecycle around a
//! request, and the contract of a store.
//!
//! Applications use the adapter of their framework (`session-axum`, `session-actix`, `session-rocket`), which exports what they need
//! from here.
//! This crate is for those who write an adapter, a store, or a job that works on sessions outside a request.
//!
//! # What a session is
//!
//! A record in a [store](store::SessionStore), found by a cookie. [`Session`] is one request's view of it: loaded once, changed in
//! memory, saved once. What a request changes is kept as a list of changes, and a save is a compare-and-set on the version that
//! was loaded; when another request was faster, the changes are made again on what it has saved. So no request loses another's
//! changes, and none brings back a session that was ended.
//!
//! # How a request goes
//!
//! [`lifecycle`] has the pictures of a request and of a session's life, and the table of everything that is decided on the way.
//!
//! # How a token works
//!
//! The cookie holds a [`Token`]: a public selector, under which the record is stored, and a secret, of which the record keeps the
//! SHA-256 only. Who reads the database opens no session with what is there.
//!
//! # Why not simpler
//!
//! | simpler | what goes wrong |
//! | --- | --- |
//! | load the map, write the map back | of two requests at once the later one undoes the other's changes, also a logout |
//! | one random key, stored as it is | a copy of the table, or of its backup, signs its reader in as everybody |
//! | take the key that the browser brings | who plants a key before the login has the session after it |
//! | an empty session where the store does not answer | an outage signs everybody out, and a save then overwrites what was there |
//! | let the database judge deadlines | two clocks, and a session that one of them ended lives on for the other |
//!
//! For an API whose clients bring a token of their own with each request there is nothing here.
//!
//! # Where to go on
//!
//! | to | see |
//! | --- | --- |
//! | read and write a session | [`Session`] |
//! | set names, deadlines, limits | [`Settings`] |
//! | write a store | [`store::SessionStore`], and [`testing`] for the suite that says whether it is right |
//! | write an adapter | [`Slot`], [`ResponseHeaders`], [`carry_over`], [`is_of_the_body`], [`adapter_types!`] |
//! | work on sessions outside requests | [`Sessions`] |
//!
//! # Features
//!
//! `compress`: data is written smaller. `encrypt`: data is encrypted before the store gets it. `django`: sessions shared with a
//! Django project. `patterns`: preferences, wizards, flash messages. `tracing` and `metrics`: events, spans and counters in those
//! facades. `testing`: the conformance kit. None is on by default.

// Which feature an item needs, shown beside it.
#![cfg_attr(docsrs, feature(doc_cfg))]

// In reading order.
mod adapter;
mod answer;
mod any_store;
mod backend;
mod breaker;
mod cache;
mod cleanup;
mod clock;
mod codec;
mod commit;
mod cookie;
mod data;
mod details;
mod devices;
#[cfg(feature = "django")]
pub mod django;
mod entries;
mod error;
mod event;
mod expiry;
mod headers;
mod id;
mod journal;
mod key;
mod keys;
pub mod lifecycle;
mod line;
mod meta;
mod migrating;
mod migration;
mod open;
mod patience;
mod patient_cache;
#[cfg(feature = "patterns")]
pub mod patterns;
mod record;
mod session;
mod sessions;
mod settings;
mod slot;
mod state;
pub mod store;
mod stored;
mod sweeper;
#[cfg(feature = "testing")]
pub mod testing;
mod timer;
mod waiting;
mod watched;
mod weakness;

pub use answer::Answer;
pub use any_store::AnyStore;
pub use backend::{AnySealer, Backend, Sealer};
pub use cache::{Cache, Cached};
pub use cleanup::{CleanedUp, Cleanup};
pub use clock::{Clock, ManualClock, SystemClock, Time};
pub use data::{OnMisfit, SessionData};
pub use details::{Details, UndecodableDetails};
pub use devices::SessionInfo;
pub use entries::RawJson;
pub use error::{Error, Result, SettingsError};
pub use event::Event;
pub use expiry::Expiry;
pub use headers::{HeaderName, ResponseHeaders, SessionHeaders, carry_over, is_of_the_body};
pub use id::{InvalidKey, MAX_KEY_LENGTH, MIN_KEY_LENGTH, RecordKey, SecretHash, Token, TokenFormat};
pub use key::{AsKey, Key};
pub use keys::SecretKeys;
pub use lifecycle::Finished;
pub use meta::Meta;
pub use migrating::MigratingStore;
pub use migration::{Migrated, Migration};
pub use open::Pending;
pub use patient_cache::PatientCache;
pub use record::{Head, Previous, Record, Rotated, Version};
pub use session::Session;
pub use sessions::Sessions;
pub use settings::{AssuranceLevel, OnConflict, OnOutage, OnSessionLimit, SameSite, Settings};
pub use slot::Slot;
pub use stored::{StoredPage, StoredSession};
pub use sweeper::{Sweeper, Swept};
pub use weakness::Weakness;

/// The README, whose programs compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
