//! Sessions for axum, and for any tower HTTP service: what a visitor brings from one request to the next, such as who they are and
//! what is in their cart. It is kept in a store, and the visitor has a cookie that opens it.
//!
//! ```no_run
//! # use axum::{Form, Router, extract::Path, response::Redirect, routing::post};
//! # use session_axum::{Key, LazySession, Session, SessionLayer};
//! # use tokio::net::TcpListener;
//! # #[derive(serde::Deserialize)] struct Login { user: String, password: String }
//! # fn check(form: &Login) -> String { form.user.clone() }
//! const CART: Key<Vec<u64>> = Key::new("cart");
//! async fn add(session: Session, Path(id): Path<u64>) -> session_axum::Result<String> {
//!     let n = session.update(CART, move |cart| { cart.push(id); cart.len() })?;
//!     Ok(format!("{n} items"))
//! }
//! async fn login(session: Session, Form(form): Form<Login>) -> session_axum::Result<Redirect> {
//!     session.login(check(&form)).await?;
//!     Ok(Redirect::to("/"))
//! }
//! async fn logout(session: LazySession) -> session_axum::Result<Redirect> { session.flush().await?; Ok(Redirect::to("/")) }
//! # #[cfg(feature = "sqlite")]
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let sessions = SessionLayer::connect("sqlite:shop.db").await?;     // creates its table; from_pool() does not
//!     let app = Router::new().route("/add/{id}", post(add)).route("/login", post(login)).route("/logout", post(logout)).layer(sessions);
//!     Ok(axum::serve(TcpListener::bind("127.0.0.1:3000").await?, app).await?)
//! }
//! # #[cfg(not(feature = "sqlite"))] fn main() {}
//! ```
//!
//! # What happens around a handler
//!
//! [`SessionLayer`] puts a session that has not been looked at into each request. A handler that takes [`Session`] has it loaded
//! for it, once; from then on everything is in memory. When the handler has answered, the layer saves what was changed and adds
//! `Set-Cookie`, `Vary` and `Cache-Control`. A response of status 500 or above saves nothing. The pictures
//! and the whole table are in [`session_core::lifecycle`].
//!
//! A handler that takes neither [`Session`] nor [`LazySession`] costs nothing.
//!
//! # Middleware, sockets and streams
//!
//! Middleware inside the layer shares the handler's session: take [`Session`] in `axum::middleware::from_fn`. A WebSocket or a
//! stream goes on after its response has left: clone the session into the task and call [`save`](session_core::Session::save)
//! there; what would need a new cookie is then [`Error::Detached`](session_core::Error::Detached).
//!
//! # Two sessions in one application
//!
//! ```
//! # use axum::{Router, routing::get};
//! use session_axum::{Named, Session, SessionLayer, backends::memory::MemoryStore};
//!
//! struct Admin;
//!
//! async fn admin(shop: Session, office: Session<Admin>) -> String {
//!     office.account().unwrap_or_default()
//! }
//!
//! # fn app() -> Router {
//! Router::new()
//!     .route("/admin", get(admin))
//!     .layer(SessionLayer::<Admin>::new(MemoryStore::new()).cookie_name("adminsid"))
//!     .layer(SessionLayer::new(MemoryStore::new()))
//! # }
//! # app();
//! ```
//!
//! `Session` is short for `Session<Main>`. `SessionLayer::new` makes the layer of that one, and with the trait [`Named`] in scope
//! `SessionLayer::<Admin>::new` that of another.
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
mod layer;
mod session;

pub use extract::SessionExt;
pub use future::ResponseFuture;
pub use layer::{Named, SessionLayer, SessionService};
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
