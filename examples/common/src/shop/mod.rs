//! A small shop: what each page does with its session, apart from HTML and HTTP.

pub mod browser;
pub mod cart;
pub mod catalogue;
pub mod comment;
pub mod expiry;
pub mod preferences;
pub mod registration;
pub mod sign_in;
pub mod visits;

#[cfg(test)]
pub(crate) fn session() -> session_core::Session {
    use session_core::{ManualClock, Sessions, Settings};

    let settings = Settings::default().with_clock(ManualClock::default());
    Sessions::new(session_memory::MemoryStore::new(), settings).unwrap().create()
}
