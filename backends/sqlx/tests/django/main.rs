//! Django's table in each engine: the conformance kit, and a real Django on the same database.

#![expect(clippy::unwrap_used, reason = "a test fails where what it is made of fails")]

#[path = "../common/mod.rs"]
mod common;
mod moving;
mod mysql;
mod postgres;
mod sqlite;

use common::new_key;
use session_core::store::SessionStore;
use session_core::testing::conformance;
use session_core::testing::django::SECRET_KEY;
use session_core::{AnyStore, SecretKeys};

/// The whole kit, on stores that are made one after the other.
async fn conforms<S: SessionStore>(make: impl AsyncFn() -> S) {
    let keys = SecretKeys::new(SECRET_KEY);
    conformance(async || AnyStore::new(make().await).with_django_format(&keys)).await;
}

/// A name that no other test has.
fn new_name() -> String {
    format!("t_{}", new_key())
}
