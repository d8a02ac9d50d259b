//! axum.

mod ours;
#[cfg(feature = "peers")]
mod peer;
#[cfg(feature = "peers")]
mod tower_sessions;
#[cfg(feature = "peer-stores")]
mod tower_sessions_stores;

use ::axum::Router;
use ::axum::routing::get;
use tower::{Layer, Service};

use super::Error;
use crate::stack::Stack;

pub(crate) async fn router(stack: Stack, store: &str) -> Result<Router, Error> {
    // Not used by the stack of another framework, and the bare one has no store.
    match stack {
        Stack::AxumOurs => ours::router(store).await,
        #[cfg(feature = "peers")]
        Stack::AxumTowerSessions => tower_sessions::router(store).await,
        #[cfg(feature = "peers")]
        Stack::AxumSession => peer::router(store).await,
        Stack::AxumNoop => Ok(bare().layer(Noop)),
        _ => Ok(bare()),
    }
}

fn untouched() -> Router {
    Router::new().route("/untouched", get(async || "ok"))
}

fn bare() -> Router {
    let router = untouched().route("/read", get(async || "0")).route("/write", get(async || "1"));
    router.route("/login", get(async || "ok")).route("/logout", get(async || "ok"))
}

/// A layer that does nothing: what any layer costs.
#[derive(Clone)]
struct Noop;

#[derive(Clone)]
struct NoopService<S>(S);

impl<S> Layer<S> for Noop {
    type Service = NoopService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        NoopService(inner)
    }
}

impl<S: Service<R>, R> Service<R> for NoopService<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: R) -> S::Future {
        self.0.call(request)
    }
}
