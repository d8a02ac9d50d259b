//! Workers, scopes, guards, middleware, and sessions with names.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::{Next, from_fn};
use actix_web::{App, Error, HttpRequest, HttpResponse, guard, web};
use futures_util::future::join_all;
use reqwest::Method;
use session_actix::backends::memory::MemoryStore;
use session_actix::{LazySession, Named, Session, SessionExt, SessionMiddleware, Settings};

use crate::{count, serve, watched};

struct Admin;

fn note(session: &Session, key: &str) -> session_actix::Result<()> {
    Ok(session.insert(key, true)?)
}

/// A store in memory is cloned into each worker, and is one.
#[tokio::test(flavor = "multi_thread")]
async fn all_workers_have_the_same_sessions() {
    let sessions = watched().1;
    let site = serve!(move || App::new().wrap(sessions.clone()).route("/", web::get().to(count)));
    let cookie = site.get("/", None).await.cookie();
    join_all((0..16).map(|_| site.get("/", cookie.as_deref()))).await;
    assert_eq!(site.get("/", cookie.as_deref()).await.text, "18");
}

/// As in the manual: a session for all, another for the office.
#[tokio::test(flavor = "multi_thread")]
async fn two_sessions_in_one_application_are_two() {
    async fn both(shop: Session, office: Session<Admin>) -> session_actix::Result<String> {
        let (n, m) = (shop.get::<u32>("n")?.unwrap_or(1), office.get::<u32>("n")?.unwrap_or(10));
        shop.insert("n", n + 1)?;
        office.insert("n", m + 10)?;
        Ok(format!("{n} {m}"))
    }
    let backend = session_actix::connect("memory:").await.unwrap();
    let site = serve!(move || {
        let office = SessionMiddleware::<Admin>::new(backend.clone()).cookie_name("adminsid");
        App::new()
            .wrap(SessionMiddleware::new(backend.clone()))
            .service(web::scope("/admin").wrap(office).route("/", web::get().to(both)))
            .route("/", web::get().to(count))
    });
    let first = site.get("/admin/", None).await;
    assert_eq!((first.cookies().len(), &*first.text), (2, "1 10"));
    assert!(first.cookies().iter().any(|cookie| cookie.starts_with("adminsid=")), "{first:?}");
    assert_eq!(first.header("vary"), ["Cookie"]);
    let cookie = first.cookie();
    assert_eq!(site.get("/admin/", cookie.as_deref()).await.text, "2 20");
    assert_eq!(site.get("/", cookie.as_deref()).await.text, "4", "the shop's alone");
}

/// tower-sessions #63: a scope that brings its own middleware of the same name has the same session, and sets one cookie.
#[tokio::test(flavor = "multi_thread")]
async fn a_scope_shares_the_session_of_the_application() {
    let (probe, sessions) = watched();
    let site = serve!(move || {
        let scope = web::scope("/scope").wrap(sessions.clone());
        let guarded =
            scope.guard(guard::Header("x-none", "there")).route("/", web::get().to(HttpResponse::Ok));
        App::new()
            .wrap(sessions.clone())
            .service(guarded)
            .service(web::scope("/scope").wrap(sessions.clone()).route("/", web::get().to(count)))
            .service(web::resource("/resource").wrap(sessions.clone()).route(web::get().to(count)))
    });
    let first = site.get("/scope/", None).await;
    assert_eq!((first.cookies().len(), probe.calls()), (1, 1));
    assert_eq!(site.get("/resource", first.cookie().as_deref()).await.text, "2");
}

/// The handler decides the cost.
#[tokio::test(flavor = "multi_thread")]
async fn a_handler_that_does_not_ask_costs_nothing() {
    let (probe, sessions) = watched();
    let site = serve!(move || App::new()
        .wrap(sessions.clone())
        .route("/", web::get().to(count))
        .route("/static", web::get().to(async || "static")));
    let cookie = site.get("/", None).await.cookie();
    probe.reset();
    let answer = site.get("/static", cookie.as_deref()).await;
    assert_eq!((&*answer.text, answer.cookies().len(), probe.calls()), ("static", 0, 0));
    assert!(answer.header("vary").is_empty() && answer.header("cache-control").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn middleware_and_handler_have_the_same_session() {
    async fn around(
        session: Session,
        request: ServiceRequest,
        next: Next<impl MessageBody>,
    ) -> Result<ServiceResponse<impl MessageBody>, Error> {
        note(&session, "seen")?;
        note(&request.session()?.open().await?, "asked")?;
        let response = next.call(request).await?;
        note(&response.session()?.open().await?, "after")?;
        Ok(response)
    }
    async fn handler(request: HttpRequest) -> session_actix::Result<String> {
        let session = request.session()?.open().await?;
        Ok(session.keys().join(" "))
    }
    let (probe, sessions) = watched();
    let site = serve!(move || App::new()
        .wrap(from_fn(around))
        .wrap(sessions.clone())
        .route("/", web::get().to(handler)));
    let first = site.get("/", None).await;
    assert_eq!((&*first.text, probe.calls()), ("asked seen", 1));
    assert_eq!(site.get("/", first.cookie().as_deref()).await.text, "after asked seen");
}

/// Routing needs the request for itself, so the middleware must not hold it; what a handler keeps of it is the handler's affair.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_held_is_no_harm() {
    async fn holds(request: HttpRequest, session: Session) -> session_actix::Result<String> {
        let held = request.clone();
        actix_web::rt::spawn(async move {
            tokio::task::yield_now().await;
            drop(held);
        });
        count(session).await
    }
    async fn keeps(
        request: ServiceRequest,
        next: Next<impl MessageBody>,
    ) -> Result<ServiceResponse<impl MessageBody>, Error> {
        let held = request.request().clone();
        let response = next.call(request).await?;
        note(&held.session()?.open().await?, "kept")?;
        Ok(response)
    }
    let sessions = watched().1;
    let site = serve!(move || {
        let resource = web::resource("/{any}").wrap(from_fn(keeps)).route(web::get().to(holds));
        App::new().wrap(sessions.clone()).service(web::scope("/scope").service(resource))
    });
    let mut cookie = None;
    for n in ["1", "2", "3"] {
        let answer = site.get("/scope/any", cookie.as_deref()).await;
        assert_eq!(answer.text, n);
        cookie = answer.cookie().or(cookie);
    }
}

/// A logout that loads nothing, by one trip to the store.
#[tokio::test(flavor = "multi_thread")]
async fn a_logout_is_one_trip() {
    async fn logout(session: LazySession) -> session_actix::Result<HttpResponse> {
        session.flush().await?;
        Ok(HttpResponse::SeeOther().insert_header(("location", "/")).finish())
    }
    let (probe, sessions) = watched();
    let site = serve!(move || App::new()
        .wrap(sessions.clone())
        .route("/", web::get().to(count))
        .route("/logout", web::post().to(logout)));
    let cookie = site.get("/", None).await.cookie();
    probe.reset();
    let answer = site.send(Method::POST, "/logout", cookie.as_deref()).await;
    assert_eq!((answer.status.as_u16(), probe.calls()), (303, 1));
    assert!(answer.cookies()[0].contains("Max-Age=0"));
    assert_eq!(site.get("/", cookie.as_deref()).await.text, "1");
}

/// A name that a browser refuses is found when the middleware is made, and stops the server's start.
#[tokio::test(flavor = "multi_thread")]
async fn a_bad_cookie_name_does_not_start() {
    let settings = Settings::default().with_cookie_name("a b");
    let error = SessionMiddleware::new(MemoryStore::new()).with_settings(settings).unwrap_err();
    let panic = std::panic::catch_unwind(|| SessionMiddleware::new(MemoryStore::new()).cookie_name("a b"));
    let said = panic.unwrap_err().downcast::<String>().unwrap();
    assert!(said.contains("`a b` is not accepted") && *said == error.to_string(), "{said}");

    let server = actix_web::HttpServer::new(|| {
        App::new().wrap(SessionMiddleware::new(MemoryStore::new()).cookie_name("a b"))
    });
    let server = server.workers(1).disable_signals().bind("127.0.0.1:0").unwrap().run();
    assert!(server.await.is_err());
}

/// Outside requests, on the same sessions.
#[tokio::test(flavor = "multi_thread")]
async fn a_job_works_on_a_session_that_a_request_reads() {
    let sessions = session_actix::Sessions::from(session_actix::Backend::from(MemoryStore::new()));
    let middleware = SessionMiddleware::from_sessions(sessions.clone());
    let site = serve!(move || App::new().wrap(middleware.clone()).route("/", web::get().to(count)));
    let session = sessions.create();
    session.insert("n", 6).unwrap();
    session.save().await.unwrap();
    let cookie = format!("sessionid={}", session.token().unwrap().expose());
    assert_eq!(site.get("/", Some(&cookie)).await.text, "7");
}
