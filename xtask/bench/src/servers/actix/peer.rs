//! actix-web with actix-session.

use actix_session::storage::SessionStore;
use actix_session::{Session, SessionMiddleware};
use actix_web::web::{self, ServiceConfig};

use super::super::KEY;
use super::untouched;

pub(crate) fn sessions<S: SessionStore>(store: S) -> SessionMiddleware<S> {
    SessionMiddleware::builder(store, actix_web::cookie::Key::from(&KEY)).cookie_secure(false).build()
}

pub(crate) fn routes(config: &mut ServiceConfig) {
    untouched(config)
        .route("/read", web::get().to(read))
        .route("/write", web::get().to(write))
        .route("/login", web::get().to(login))
        .route("/logout", web::get().to(logout));
}

async fn read(session: Session) -> String {
    session.get::<u64>("n").ok().flatten().unwrap_or(0).to_string()
}

async fn write(session: Session) -> String {
    let n = session.get::<u64>("n").ok().flatten().unwrap_or(0) + 1;
    let _ = session.insert("n", n);
    n.to_string()
}

async fn login(session: Session) -> &'static str {
    session.renew();
    "ok"
}

async fn logout(session: Session) -> &'static str {
    session.purge();
    "ok"
}
