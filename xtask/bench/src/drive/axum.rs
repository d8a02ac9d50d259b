//! axum, called as the service that it is.

use axum::Router;
use axum::body::Body;
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::{Request, Response};
use axum::routing::get;
use session_axum::{Session, SessionLayer, Settings};
use tower::{Layer, Service, ServiceExt};

use super::{Case, Stack, pair};
use crate::Outcome;

pub(super) fn run(stack: Stack, case: Case, requests: u32) -> Outcome {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let mut app = app(stack).await?;
        let first = send(&mut app, "/write", None).await?;
        let cookie = first.headers().get(SET_COOKIE).and_then(|value| value.to_str().ok()).map(pair);
        let cookie = cookie.filter(|_| case.has_cookie());
        for _ in 0..requests {
            send(&mut app, case.path(), cookie.as_deref()).await?;
        }
        Ok(())
    })
}

async fn send(
    app: &mut Router,
    path: &str,
    cookie: Option<&str>,
) -> Result<Response<Body>, Box<dyn std::error::Error>> {
    let mut request = Request::get(path);
    if let Some(cookie) = cookie {
        request = request.header(COOKIE, cookie);
    }
    let app = <Router as ServiceExt<Request<Body>>>::ready(app).await?;
    let response = app.call(request.body(Body::empty())?).await?;
    if !response.status().is_success() {
        return Err(format!("{path}: {}", response.status()).into());
    }
    Ok(response)
}

async fn app(stack: Stack) -> Result<Router, Box<dyn std::error::Error>> {
    let plain = || Router::new().route("/untouched", get(async || "ok"));
    Ok(match stack {
        Stack::AxumOurs => {
            let sessions = SessionLayer::connect("memory:").await?;
            let sessions = sessions.with_settings(Settings::default().with_cookie_secure(false))?;
            plain().route("/read", get(ours_read)).route("/write", get(ours_write)).layer(sessions)
        }
        Stack::AxumTowerSessions => {
            let sessions = tower_sessions::SessionManagerLayer::new(tower_sessions::MemoryStore::default());
            plain()
                .route("/read", get(tower_read))
                .route("/write", get(tower_write))
                .layer(sessions.with_secure(false))
        }
        Stack::AxumNoop => bare(plain()).layer(Noop),
        _ => bare(plain()),
    })
}

fn bare(router: Router) -> Router {
    router.route("/read", get(async || "0")).route("/write", get(async || "1"))
}

async fn ours_read(session: Session) -> session_axum::Result<String> {
    Ok(session.get::<u64>("n")?.unwrap_or(0).to_string())
}

async fn ours_write(session: Session) -> session_axum::Result<String> {
    let n = session.get::<u64>("n")?.unwrap_or(0) + 1;
    session.insert("n", n)?;
    Ok(n.to_string())
}

async fn tower_read(session: tower_sessions::Session) -> String {
    session.get::<u64>("n").await.ok().flatten().unwrap_or(0).to_string()
}

async fn tower_write(session: tower_sessions::Session) -> String {
    let n = session.get::<u64>("n").await.ok().flatten().unwrap_or(0) + 1;
    let _ = session.insert("n", n).await;
    n.to_string()
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
