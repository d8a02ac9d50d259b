//! What fails: handlers, middleware, the store, the save, and applications without the middleware.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{StatusCode, header};
use actix_web::middleware::{DefaultHeaders, ErrorHandlerResponse, ErrorHandlers, Next, from_fn};
use actix_web::{App, Error, HttpResponse, error, web};
use reqwest::Method;
use session_actix::backends::memory::MemoryStore;
use session_actix::{Named, Session, SessionMiddleware};
use session_core::testing::{Verb, When};

use crate::{count, serve, watched};

/// actix-session 7: a middleware that is missing says so, and says what to add.
#[tokio::test(flavor = "multi_thread")]
async fn a_missing_middleware_says_which_line_to_add() {
    async fn by_itself(session: Result<Session, session_actix::Error>) -> String {
        session.map_or_else(|error| error.to_string(), |_| "found".to_owned())
    }
    let site = serve!(move || App::new()
        .route("/", web::get().to(count))
        .route("/by-itself", web::get().to(by_itself)));
    let answer = site.get("/", None).await;
    assert_eq!(answer.status, 500);
    assert_eq!(answer.header("content-type"), ["application/json"]);
    assert!(answer.text.starts_with(r#"{"error":"session_not_installed","hint":"add `.wrap("#), "{answer:?}");
    let answer = site.get("/by-itself", None).await;
    assert!(answer.text.contains(".wrap(SessionMiddleware::new("), "{answer:?}");
}

/// actix-session 6: a store that is down fails the handlers that use it, and no other.
#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_503_where_the_session_is_used() {
    let (probe, sessions) = watched();
    let site = serve!(move || App::new()
        .wrap(sessions.clone())
        .route("/", web::get().to(count))
        .route("/static", web::get().to(async || "static")));
    let cookie = site.get("/", None).await.cookie();

    probe.fail_next(Verb::Load, When::Before);
    let answer = site.get("/", cookie.as_deref()).await;
    assert_eq!((answer.status.as_u16(), &*answer.text), (503, r#"{"error":"store_unavailable"}"#));
    assert!(answer.cookies().is_empty(), "and nobody loses a cookie");
    assert_eq!(answer.header("vary"), ["Cookie"]);

    probe.fail_next(Verb::Load, When::Before);
    assert_eq!(site.get("/static", cookie.as_deref()).await.text, "static");
    assert_eq!(site.get("/", cookie.as_deref()).await.status, 503, "the fault was left");

    // A save that fails takes the place of the handler's success.
    probe.fail_next(Verb::Replace, When::Before);
    probe.fail_next(Verb::Replace, When::Before);
    let answer = site.get("/", cookie.as_deref()).await;
    assert_eq!((answer.status.as_u16(), &*answer.text), (503, r#"{"error":"store_unavailable"}"#));
    assert!(answer.cookies().is_empty());
    assert_eq!(
        answer.header("content-type"),
        ["application/json"],
        "nothing of the handler's answer is left"
    );
    assert_eq!(site.get("/", cookie.as_deref()).await.text, "2", "what was not saved is not there");
}

/// A session that another request ends before this one could save: 400, and no cookie.
#[tokio::test(flavor = "multi_thread")]
async fn a_late_writer_is_interrupted() {
    async fn logout(session: Session) -> session_actix::Result<&'static str> {
        session.logout().await?;
        Ok("ok")
    }
    let (probe, sessions) = watched();
    let site = serve!(move || App::new()
        .wrap(sessions.clone())
        .route("/", web::get().to(count))
        .route("/logout", web::post().to(logout)));
    let cookie = site.get("/", None).await.cookie();
    let pause = probe.pause(Verb::Replace, When::Before);
    let slow = site.get("/", cookie.as_deref());
    let logout = async {
        pause.reached().await;
        site.send(Method::POST, "/logout", cookie.as_deref()).await;
        pause.resume();
    };
    let (answer, ()) = futures_util::future::join(slow, logout).await;
    assert_eq!((answer.status.as_u16(), &*answer.text), (400, r#"{"error":"session_interrupted"}"#));
    assert!(answer.cookies().is_empty());
}

/// One session is stored and the other is not: the answer is the error's, and the stored one's cookie is in it.
#[tokio::test(flavor = "multi_thread")]
async fn a_save_that_fails_takes_no_other_sessions_cookie() {
    struct Admin;
    async fn both(shop: Session, office: Session<Admin>) -> session_actix::Result<&'static str> {
        shop.insert("n", 1)?;
        office.insert("n", 1)?;
        Ok("ok")
    }
    async fn fails(
        shop: Session,
        office: Session<Admin>,
        _: ServiceRequest,
        _: Next<impl MessageBody>,
    ) -> Result<ServiceResponse, Error> {
        both(shop, office).await?;
        Err(error::ErrorBadRequest("refused"))
    }
    let (probe, shop) = watched();
    let page = |error: &session_core::Error| HttpResponse::ImATeapot().body(error.code());
    for (shop, status) in [(shop.clone(), 503), (shop.on_error(page), 418)] {
        let site = serve!(move || {
            let office = SessionMiddleware::<Admin>::new(MemoryStore::new()).cookie_name("adminsid");
            App::new()
                .wrap(DefaultHeaders::new().add((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")))
                .wrap(office)
                .wrap(shop.clone())
                .route("/", web::get().to(both))
                .service(web::resource("/middleware").wrap(from_fn(fails)).to(HttpResponse::Ok))
        });
        for path in ["/", "/middleware"] {
            probe.fail_next(Verb::Insert, When::Before);
            probe.fail_next(Verb::Insert, When::Before);
            let answer = site.get(path, None).await;
            assert_eq!(answer.status.as_u16(), status, "{path}");
            assert_eq!(answer.cookies().len(), 1);
            assert!(answer.cookies()[0].starts_with("adminsid="), "{path}: {answer:?}");
            assert_eq!(
                (answer.header("vary"), answer.header("cache-control")),
                (vec!["Cookie"], vec!["private"])
            );
            let of_other_middleware = if path == "/" { vec!["*"] } else { vec![] };
            assert_eq!(answer.header("access-control-allow-origin"), of_other_middleware, "{path}");
        }
    }
}

/// Middleware inside ours that answers `Err` has no response; the server makes one, and it has our headers.
#[tokio::test(flavor = "multi_thread")]
async fn middleware_that_fails_is_saved_by_its_status() {
    async fn fails(
        session: Session,
        request: ServiceRequest,
        _: Next<impl MessageBody>,
    ) -> Result<ServiceResponse, Error> {
        count(session).await?;
        match request.path() {
            "/400" => Err(error::ErrorBadRequest("refused")),
            "/303" => {
                let to_login = HttpResponse::SeeOther().insert_header((header::LOCATION, "/login")).finish();
                Err(error::InternalError::from_response("not signed in", to_login).into())
            }
            _ => Err(error::ErrorInternalServerError("failed")),
        }
    }
    let (probe, sessions) = watched();
    let site = serve!(move || App::new()
        .wrap(sessions.clone())
        .route("/", web::get().to(count))
        .service(web::resource("/{status}").wrap(from_fn(fails)).to(HttpResponse::Ok)));
    let refused = site.get("/400", None).await;
    assert_eq!((refused.status.as_u16(), &*refused.text), (400, "refused"));
    assert_eq!((refused.header("vary"), refused.header("cache-control")), (vec!["Cookie"], vec!["private"]));
    let cookie = refused.cookie();

    let failed = site.get("/500", cookie.as_deref()).await;
    assert_eq!((failed.status.as_u16(), &*failed.text, failed.cookies().len()), (500, "failed", 0));
    assert_eq!(
        site.get("/", cookie.as_deref()).await.text,
        "2",
        "the refused one counted, the failed one not"
    );

    for _ in 0..2 {
        probe.fail_next(Verb::Replace, When::Before);
    }
    let answer = site.get("/400", cookie.as_deref()).await;
    assert_eq!((answer.status.as_u16(), &*answer.text), (503, r#"{"error":"store_unavailable"}"#));

    let elsewhere = site.get("/303", None).await;
    assert_eq!((elsewhere.status.as_u16(), elsewhere.header("location")), (303, vec!["/login"]));
    assert!(elsewhere.cookie().is_some(), "a response that was ready has our headers too");
}

/// D56, D57: a handler's error is saved by its status as any response is.
#[tokio::test(flavor = "multi_thread")]
async fn a_handlers_error_is_saved_by_its_status() {
    async fn fails(session: Session, status: web::Path<u16>) -> Result<String, Error> {
        session.insert("last", *status).map_err(session_actix::Error::from)?;
        let status = StatusCode::from_u16(*status).unwrap();
        Err(error::InternalError::new("failed", status).into())
    }
    async fn last(session: Session) -> session_actix::Result<String> {
        Ok(format!("{:?}", session.get::<u16>("last")?))
    }
    let sessions = watched().1;
    let site = serve!(move || App::new()
        .wrap(sessions.clone())
        .route("/", web::get().to(last))
        .route("/{status}", web::get().to(fails)));
    let cookie = site.get("/404", None).await.cookie();
    assert!(cookie.is_some());
    assert_eq!(site.get("/500", cookie.as_deref()).await.cookie(), None);
    assert_eq!(site.get("/", cookie.as_deref()).await.text, "Some(404)");
}

/// actix-web drops the connection of a handler that panics; the session stays as it was, and the next request is served.
#[tokio::test(flavor = "multi_thread")]
async fn a_panic_changes_nothing() {
    async fn panics(session: Session) -> HttpResponse {
        session.insert("n", 99).unwrap();
        panic!("on purpose")
    }
    let sessions = watched().1;
    let site = serve!(move || App::new()
        .wrap(sessions.clone())
        .route("/", web::get().to(count))
        .route("/panics", web::get().to(panics)));
    let cookie = site.get("/", None).await.cookie();
    assert!(site.try_send(Method::GET, "/panics", cookie.as_deref()).await.is_err());
    assert_eq!(site.get("/", cookie.as_deref()).await.text, "2");
}

/// Error handlers inside and outside see the session's errors as any others; the cookie is there whoever makes the page.
#[tokio::test(flavor = "multi_thread")]
async fn error_handlers_go_with_sessions() {
    #[expect(clippy::unnecessary_wraps, reason = "this is what an error handler returns")]
    fn page<B: MessageBody + 'static>(
        response: ServiceResponse<B>,
    ) -> actix_web::Result<ErrorHandlerResponse<B>> {
        let (request, response) = response.into_parts();
        let response = response.set_body("a page");
        let response = ServiceResponse::new(request, response).map_into_boxed_body();
        Ok(ErrorHandlerResponse::Response(response.map_into_right_body()))
    }
    async fn missing(session: Session) -> Result<HttpResponse, Error> {
        count(session).await?;
        Err(error::ErrorNotFound("nothing"))
    }
    let (probe, sessions) = watched();
    let site = serve!(move || App::new()
        .wrap(ErrorHandlers::new().handler(StatusCode::NOT_FOUND, page))
        .wrap(sessions.clone())
        .wrap(ErrorHandlers::new().handler(StatusCode::SERVICE_UNAVAILABLE, page))
        .route("/missing", web::get().to(missing))
        .route("/", web::get().to(count)));
    let missing = site.get("/missing", None).await;
    assert_eq!((missing.status.as_u16(), &*missing.text, missing.cookies().len()), (404, "a page", 1));
    for verb in [Verb::Load, Verb::Replace, Verb::Replace] {
        let calls = if verb == Verb::Load { 1 } else { 2 };
        (0..calls).for_each(|_| probe.fail_next(verb, When::Before));
        let answer = site.get("/", missing.cookie().as_deref()).await;
        assert_eq!((answer.status.as_u16(), &*answer.text), (503, "a page"));
        assert_eq!(answer.header("vary"), ["Cookie"]);
    }
}

/// The application's own page, wherever the error comes from.
#[tokio::test(flavor = "multi_thread")]
async fn errors_look_as_the_application_says() {
    async fn wrong(session: Session) -> session_actix::Result<String> {
        session.insert("text", "abc")?;
        Ok(session.get::<u32>("text")?.unwrap_or_default().to_string())
    }
    async fn fails(
        session: Session,
        _: ServiceRequest,
        _: Next<impl MessageBody>,
    ) -> Result<ServiceResponse, Error> {
        wrong(session).await?;
        Err(error::ErrorInternalServerError("it is no number"))
    }
    let (probe, sessions) = watched();
    let sessions = sessions.on_error(|error| {
        let status = StatusCode::from_u16(error.status()).unwrap();
        HttpResponse::build(status).body(format!("<h1>{}</h1>", error.code()))
    });
    let site = serve!(move || App::new()
        .wrap(sessions.clone())
        .route("/", web::get().to(count))
        .route("/wrong", web::get().to(wrong))
        .service(web::resource("/middleware").wrap(from_fn(fails)).to(HttpResponse::Ok)));
    let cookie = site.get("/", None).await.cookie();
    probe.fail_next(Verb::Load, When::Before);
    let extractor = site.get("/", cookie.as_deref()).await;
    assert_eq!((extractor.status.as_u16(), &*extractor.text), (503, "<h1>store_unavailable</h1>"));
    assert_eq!(site.get("/wrong", None).await.text, "<h1>wrong_type</h1>", "a handler's");
    assert_eq!(site.get("/middleware", None).await.text, "<h1>wrong_type</h1>", "a middleware's");
    probe.fail_next(Verb::Replace, When::Before);
    probe.fail_next(Verb::Replace, When::Before);
    let save = site.get("/", cookie.as_deref()).await;
    assert_eq!((save.status.as_u16(), &*save.text), (503, "<h1>store_unavailable</h1>"));
}
