//! actix-web, called by its test service.

use actix_web::body::MessageBody;
use actix_web::dev::{Service, ServiceResponse};
use actix_web::http::header::{COOKIE, SET_COOKIE};
use actix_web::{App, test, web};
use session_actix::{Session, SessionMiddleware, Settings};

use super::{Case, Stack, pair};
use crate::Outcome;

pub(super) fn run(stack: Stack, case: Case, requests: u32) -> Outcome {
    actix_web::rt::System::new().block_on(async {
        let plain = || App::new().route("/untouched", web::get().to(async || "ok"));
        match stack {
            Stack::ActixOurs => {
                let backend = session_actix::connect("memory:").await?;
                let settings = Settings::default().with_cookie_secure(false);
                let sessions = SessionMiddleware::new(backend).with_settings(settings)?;
                let app = plain()
                    .route("/read", web::get().to(ours_read))
                    .route("/write", web::get().to(ours_write));
                drive(&test::init_service(app.wrap(sessions)).await, case, requests).await
            }
            Stack::ActixSession => {
                let store = actix_session::storage::CookieSessionStore::default();
                let key = actix_web::cookie::Key::from(&[7; 64]);
                let sessions =
                    actix_session::SessionMiddleware::builder(store, key).cookie_secure(false).build();
                let app = plain()
                    .route("/read", web::get().to(peer_read))
                    .route("/write", web::get().to(peer_write));
                drive(&test::init_service(app.wrap(sessions)).await, case, requests).await
            }
            _ => {
                let app = plain()
                    .route("/read", web::get().to(async || "0"))
                    .route("/write", web::get().to(async || "1"));
                if stack == Stack::ActixNoop {
                    let app = app.wrap_fn(|request, next| next.call(request));
                    return drive(&test::init_service(app).await, case, requests).await;
                }
                drive(&test::init_service(app).await, case, requests).await
            }
        }
    })
}

async fn drive<B: MessageBody>(
    app: &impl Service<actix_http::Request, Response = ServiceResponse<B>, Error = actix_web::Error>,
    case: Case,
    requests: u32,
) -> Outcome {
    let first = test::call_service(app, test::TestRequest::get().uri("/write").to_request()).await;
    let cookie = first.headers().get(SET_COOKIE).and_then(|value| value.to_str().ok()).map(pair);
    let cookie = cookie.filter(|_| case.has_cookie());
    for _ in 0..requests {
        let mut request = test::TestRequest::get().uri(case.path());
        if let Some(cookie) = &cookie {
            request = request.insert_header((COOKIE, cookie.as_str()));
        }
        let response = test::call_service(app, request.to_request()).await;
        if !response.status().is_success() {
            return Err(format!("{}: {}", case.path(), response.status()).into());
        }
    }
    Ok(())
}

async fn ours_read(session: Session) -> session_actix::Result<String> {
    Ok(session.get::<u64>("n")?.unwrap_or(0).to_string())
}

async fn ours_write(session: Session) -> session_actix::Result<String> {
    let n = session.get::<u64>("n")?.unwrap_or(0) + 1;
    session.insert("n", n)?;
    Ok(n.to_string())
}

async fn peer_read(session: actix_session::Session) -> String {
    session.get::<u64>("n").ok().flatten().unwrap_or(0).to_string()
}

async fn peer_write(session: actix_session::Session) -> String {
    let n = session.get::<u64>("n").ok().flatten().unwrap_or(0) + 1;
    let _ = session.insert("n", n);
    n.to_string()
}
