//! Sessions for Rocket: what a visitor brings from one request to the next, such as who they are and what is in their cart. It is
//! kept in a store, and the visitor has a cookie that opens it.
//!
//! ```no_run
//! # #[macro_use] extern crate rocket;
//! use session_rocket::{Session, SessionFairing};
//!
//! #[get("/")]
//! fn home(session: Session) -> session_rocket::Result<String> {
//!     Ok(format!("visit {}", session.update("n", |n: &mut u32| { *n += 1; *n })?))
//! }
//! #[launch]
//! fn rocket() -> _ { rocket::build().attach(SessionFairing::from_config()).mount("/", routes![home]) }
//! ```
//!
//! with, in `Rocket.toml`,
//!
//! ```toml
//! [default.session]
//! url = "sqlite:shop.db"
//! idle_timeout = 1800      # and any other setting
//!
//! [debug.session]
//! cookie_secure = false    # over plain HTTP a browser does not send a Secure cookie back
//! ```
//!
//! The settings are those of [`Settings`], beside `url`, `cache` (the URL of a cache before the store), `secret_keys` (a list, the
//! newest first, for sessions in cookies) and `format` (`django` for the sessions of a Django project, with that feature). What is
//! wrong with them is found before anything is served.
//!
//! # What happens around a handler
//!
//! A handler that takes [`Session`] has it loaded for it, once; from then on everything is in memory, also in the guards and routes
//! to which a request is forwarded. When the handler has answered, [`SessionFairing`] saves what was changed and adds `Set-Cookie`,
//! `Vary` and `Cache-Control`. A response of status 500 or above saves nothing. The pictures and the whole table are in
//! [`session_core::lifecycle`].
//!
//! A handler that takes neither [`Session`] nor [`LazySession`] costs nothing. One that takes either where no fairing is attached
//! keeps the application from launching, with a line that says what to add.
//!
//! Rocket answers a handler that panics with its 500 catcher, and runs a request whose client has gone away to its end.
//!
//! # Errors
//!
//! An error of the session that a handler returns is its response. One that a guard fails with goes to the catcher for its status,
//! as any guard's; where the application has no catcher for 500 or 503, the fairing brings one that answers as [`Error`] does. A save
//! that fails after the handler takes the place of the response. [`SessionFairing::on_error`] shows them all in the application's own
//! way. A handler that takes `Result<Session, Error>` answers itself.
//!
//! # Streams
//!
//! A stream goes on after the head of its response has left: clone the session into it and call
//! [`save`](session_core::Session::save) there; what would need a new cookie is then
//! [`Error::Detached`](session_core::Error::Detached).
//!
//! # Two sessions in one application
//!
//! ```
//! # #[macro_use] extern crate rocket;
//! use session_rocket::{Named, Session, SessionFairing};
//!
//! struct Admin;
//!
//! #[get("/admin")]
//! fn admin(shop: Session, office: Session<Admin>) -> String {
//!     office.account().unwrap_or_default()
//! }
//!
//! # fn rocket() -> rocket::Rocket<rocket::Build> {
//! rocket::build()
//!     .attach(SessionFairing::connect("memory:"))
//!     .attach(SessionFairing::<Admin>::connect("memory:").cookie_name("adminsid"))
//!     .mount("/", routes![admin])
//! # }
//! # rocket::async_test(async { rocket().ignite().await.unwrap(); });
//! ```
//!
//! `Session` is short for `Session<Main>`. `SessionFairing::connect` and its sisters make the fairing of that one, and with the trait
//! [`Named`] in scope `SessionFairing::<Admin>::connect` that of another. Of two fairings of one name the last counts.
//!
//! # Features
//!
//! One per store: `memory` (default), `file`, `sqlite`, `postgres`, `mysql`, `redis`, `redis-cluster`, `redis-sentinel`, `redis-tls`,
//! `cookie`; and `cached` for a cache before one. `compress`, `encrypt` and `django` say how sessions are written; `tracing` and
//! `metrics` tell what happens to them. `patterns`: preferences, wizards, flash messages.
//!
//! # When not
//!
//! For an API whose clients bring a token of their own with each request: there is no cookie, and so no session. For megabytes: keep
//! those in the database, and their key in the session.

// Which feature an item needs, shown beside it.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod catcher;
mod config;
mod fairing;
mod guard;
mod response;
mod session;

pub use fairing::{Named, SessionFairing};
pub use guard::SessionExt;
pub use session::*;

pub use session_backends::{self as backends, Connect, ConnectError, connect};
#[cfg(feature = "django")]
pub use session_core::django;
#[cfg(feature = "patterns")]
pub use session_core::patterns;

/// The README, whose programs compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
