//! Sessions for actix-web: what a visitor brings from one request to the next, such as who they are and what is in their cart. It is
//! kept in a store, and the visitor has a cookie that opens it.
//!
//! ```no_run
//! use actix_web::{App, HttpServer, web};
//! use session_actix::{Named, Session, SessionMiddleware};
//!
//! struct Admin;
//!
//! async fn add(session: Session) -> session_actix::Result<String> {
//!     let n = session.update("items", |n: &mut u32| { *n += 1; *n })?;
//!     Ok(format!("{n} items"))
//! }
//! async fn admin(session: Session<Admin>) -> session_actix::Result<String> { Ok(session.account().unwrap_or_default()) }
//!
//! # #[cfg(feature = "redis")]
//! #[actix_web::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let backend = session_actix::connect("redis://127.0.0.1").await?;
//!     HttpServer::new(move || App::new().wrap(SessionMiddleware::new(backend.clone()))
//!         .service(web::scope("/admin").wrap(SessionMiddleware::<Admin>::new(backend.clone()).cookie_name("adminsid"))
//!             .route("/", web::get().to(admin)))
//!         .route("/add", web::post().to(add))).bind("127.0.0.1:3000")?.run().await?;
//!     Ok(())
//! }
//! # #[cfg(not(feature = "redis"))] fn main() {}
//! ```
//!
//! The store is opened before the server starts, and cloned into each worker: sessions in memory, too, are the same in all of
//! them.
//!
//! # What happens around a handler
//!
//! [`SessionMiddleware`] puts a session that has not been looked at into each request. A handler that takes [`Session`] has it
//! loaded for it, once; from then on everything is in memory. When the handler has answered, the middleware saves what was changed
//! and adds `Set-Cookie`, `Vary` and `Cache-Control`. A response of status 500 or above saves nothing. The pictures and the
//! whole table are in [`session_core::lifecycle`].
//!
//! A handler that takes neither [`Session`] nor [`LazySession`] costs nothing.
//!
//! actix-web answers no request whose handler has panicked, and drops one whose connection has broken: the session stays as it
//! was.
//!
//! # Middleware and streams
//!
//! Middleware inside this one shares the handler's session: take [`Session`] in `actix_web::middleware::from_fn`, or ask the
//! request for it ([`SessionExt`]). The `wrap` that is written last is the outermost. Middleware that fails without a response
//! gets one with the session's headers, too.
//!
//! Where a function fails with [`actix_web::Error`], as middleware must, `?` needs to be told the way there:
//!
//! ```
//! # use actix_web::HttpResponse;
//! # use session_actix::Session;
//! async fn handler(session: Session) -> actix_web::Result<HttpResponse> {
//!     session.insert("seen", true).map_err(session_actix::Error::from)?;
//!     Ok(HttpResponse::Ok().finish())
//! }
//! ```
//!
//! A stream goes on after its response has left: clone the session into it and call [`save`](session_core::Session::save) there;
//! what would need a new cookie is then [`Error::Detached`](session_core::Error::Detached).
//!
//! # Two sessions in one application
//!
//! The program above has two: `Session` is short for `Session<Main>`, and `Session<Admin>` is another, with a cookie of another
//! name. `SessionMiddleware::new` makes the first kind, and with the trait [`Named`] in scope `SessionMiddleware::<Admin>::new`
//! the second.
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

mod extract;
mod future;
mod headers;
mod middleware;
mod session;

pub use extract::SessionExt;
pub use future::ResponseFuture;
pub use middleware::{Named, SessionMiddleware, SessionService};
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
