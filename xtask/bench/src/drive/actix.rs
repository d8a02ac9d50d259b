//! actix-web, called by its test service.

use actix_web::body::MessageBody;
use actix_web::dev::{Service, ServiceResponse};
use actix_web::http::header::{COOKIE, SET_COOKIE};
use actix_web::test;

use super::{Args, cookie_of};
use crate::Outcome;
use crate::servers::actix::with_app;

pub(super) fn run(args: &Args) -> Outcome {
    actix_web::rt::System::new().block_on(async {
        with_app!(args.stack, args.store.as_str(), |app| {
            let app = app;
            drive(&test::init_service(app()).await, args).await
        })
    })
}

async fn drive<B: MessageBody>(
    app: &impl Service<actix_http::Request, Response = ServiceResponse<B>, Error = actix_web::Error>,
    args: &Args,
) -> Outcome {
    let first = test::call_service(app, test::TestRequest::get().uri("/write").to_request()).await;
    let cookie = cookie_of(first.headers().get(SET_COOKIE).and_then(|value| value.to_str().ok()));
    for (n, case) in args.requests() {
        let mut request = test::TestRequest::get().uri(case.path());
        if let Some(cookie) = case.has_cookie().then_some(cookie.as_str()) {
            request = request.insert_header((COOKIE, cookie));
        }
        let response = test::call_service(app, request.to_request()).await;
        if !response.status().is_success() {
            return Err(format!("{}: {}", case.path(), response.status()).into());
        }
        drop(response);
        args.answered(n);
    }
    Ok(())
}
