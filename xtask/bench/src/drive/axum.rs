//! axum, called as the service that it is.

use ::axum::Router;
use ::axum::body::Body;
use ::axum::http::header::{COOKIE, SET_COOKIE};
use ::axum::http::{Request, Response};
use tower::{Service, ServiceExt};

use super::{Args, cookie_of};
use crate::{Outcome, servers};

pub(super) fn run(args: &Args) -> Outcome {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let mut app = servers::axum::router(args.stack, &args.store).await?;
        let first = send(&mut app, "/write", None).await?;
        let cookie = cookie_of(first.headers().get(SET_COOKIE).and_then(|value| value.to_str().ok()));
        for (n, case) in args.requests() {
            send(&mut app, case.path(), case.has_cookie().then_some(cookie.as_str())).await?;
            args.answered(n);
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
