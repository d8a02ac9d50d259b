//! What fails: guards, handlers, the save, and how it looks.

use reqwest::Method;
use rocket::fairing::AdHoc;
use rocket::http::Status;
use rocket::response::content::RawHtml;
use rocket::{catch, catchers, get, post, routes};
use session_core::testing::{Verb, When};
use session_rocket::{Error, Named, Session, SessionExt as _, SessionFairing};

use crate::{build, count, serve, watched};

const UNAVAILABLE: &str = r#"{"error":"store_unavailable"}"#;

#[get("/by-itself")]
fn by_itself(session: Result<Session, Error>) -> String {
    session.map_or_else(|error| error.kind().code().to_owned(), |_| "found".to_owned())
}

/// actix-session 6: a store that is down fails the handlers that use it, and no other.
#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_503_where_the_session_is_used() {
    #[get("/static")]
    fn page() -> &'static str {
        "static"
    }
    let (probe, sessions) = watched();
    let site = serve(build().attach(sessions).mount("/", routes![count, page, by_itself])).await;
    let cookie = site.get("/", None).await.cookie();

    probe.fail_next(Verb::Load, When::Before);
    let answer = site.get("/", cookie.as_deref()).await;
    assert_eq!((answer.status.as_u16(), &*answer.text), (503, UNAVAILABLE));
    assert!(answer.cookies().is_empty(), "and nobody loses a cookie");
    assert_eq!(answer.header("vary"), ["Cookie"]);

    probe.fail_next(Verb::Load, When::Before);
    assert_eq!(site.get("/static", cookie.as_deref()).await.text, "static");
    let answer = site.get("/by-itself", cookie.as_deref()).await;
    assert_eq!((answer.status.as_u16(), &*answer.text), (200, "store_unavailable"));

    // Errors that are not the session's look as Rocket's do.
    let missing = site.get("/missing", None).await;
    assert!(missing.status == 404 && missing.text.contains("<h1>404: Not Found</h1>"), "{missing:?}");
}

/// A save that fails takes the place of the handler's success; what other fairings have added stays.
#[tokio::test(flavor = "multi_thread")]
async fn a_save_that_fails_is_the_response() {
    #[get("/rich")]
    fn rich(session: Session, jar: &rocket::http::CookieJar<'_>) -> session_rocket::Result<RawHtml<String>> {
        jar.add(("theme", "dark"));
        Ok(RawHtml(crate::count(session)?))
    }
    let (probe, sessions) = watched();
    let site = serve(build().attach(sessions).mount("/", routes![count, rich])).await;
    let first = site.get("/rich", None).await;
    assert_eq!((first.cookies().len(), first.header("content-type")), (2, vec!["text/html; charset=utf-8"]));
    let cookie = first.cookie();
    for method in [Method::GET, Method::HEAD] {
        probe.fail_next(Verb::Replace, When::Before);
        probe.fail_next(Verb::Replace, When::Before);
        let answer = site.send(method.clone(), "/rich", cookie.as_deref()).await;
        assert_eq!(answer.status, 503);
        assert_eq!(answer.text, if method == Method::GET { UNAVAILABLE } else { "" });
        assert_eq!(answer.header("content-type"), ["application/json"]);
        assert_eq!(answer.header("content-length"), [UNAVAILABLE.len().to_string()]);
        assert!(!answer.cookies().iter().any(|cookie| cookie.starts_with("sessionid")), "{answer:?}");
        assert_eq!(
            (answer.header("vary"), answer.header("x-frame-options")),
            (vec!["Cookie"], vec!["SAMEORIGIN"])
        );
    }
    assert_eq!(site.get("/", cookie.as_deref()).await.text, "2", "what was not saved is not there");
}

/// A stage, as large applications are put together, comes after the sessions: its catcher for everything comes first all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_catcher_that_a_later_stage_registers_comes_first() {
    #[catch(default)]
    fn other(status: Status, _: &rocket::Request<'_>) -> String {
        format!("default {status}")
    }
    let (probe, sessions) = watched();
    let stage = AdHoc::on_ignite("pages", async |rocket| rocket.register("/", catchers![other]));
    let site = serve(build().attach(sessions).attach(stage).mount("/", routes![count])).await;
    let cookie = site.get("/", None).await.cookie();
    probe.fail_next(Verb::Load, When::Before);
    let answer = site.get("/", cookie.as_deref()).await;
    assert_eq!((answer.status.as_u16(), &*answer.text), (503, "default 503 Service Unavailable"));
}

/// In whichever order they are attached.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_response_fairing_writes_is_saved() {
    #[get("/last")]
    fn last(session: Session) -> session_rocket::Result<String> {
        Ok(session.get("last")?.unwrap_or_default())
    }
    let writes = || {
        AdHoc::on_response("last page", |request, _| {
            Box::pin(async move {
                let session = request.session().unwrap().open().await.unwrap();
                session.insert("last", request.uri().path().as_str()).unwrap();
            })
        })
    };
    for after in [false, true] {
        let (_, sessions) = watched();
        let rocket = build().mount("/", routes![count, last]);
        let rocket = if after {
            rocket.attach(sessions).attach(writes())
        } else {
            rocket.attach(writes()).attach(sessions)
        };
        let site = serve(rocket).await;
        let cookie = site.get("/?page=1", None).await.cookie();
        assert_eq!(site.get("/last", cookie.as_deref()).await.text, "/", "after: {after}");
    }
}

/// One session is stored and the other is not: the answer is the error's, and the stored one's cookie is in it.
#[tokio::test(flavor = "multi_thread")]
async fn a_save_that_fails_takes_no_other_sessions_cookie() {
    struct Admin;
    #[get("/both")]
    fn both(shop: Session, office: Session<Admin>) -> session_rocket::Result<&'static str> {
        shop.insert("n", 1)?;
        office.insert("n", 1)?;
        Ok("ok")
    }
    let (probe, shop) = watched();
    let office = SessionFairing::<Admin>::connect("memory:").cookie_name("adminsid");
    let site = serve(build().attach(office).attach(shop).mount("/", routes![both])).await;
    probe.fail_next(Verb::Insert, When::Before);
    probe.fail_next(Verb::Insert, When::Before);
    let answer = site.get("/both", None).await;
    assert_eq!((answer.status.as_u16(), &*answer.text), (503, UNAVAILABLE));
    assert_eq!(answer.cookies().len(), 1);
    assert!(answer.cookies()[0].starts_with("adminsid="), "{answer:?}");
    assert_eq!((answer.header("vary"), answer.header("cache-control")), (vec!["Cookie"], vec!["private"]));
}

/// A session that another request ends before this one could save: 400, and no cookie.
#[tokio::test(flavor = "multi_thread")]
async fn a_late_writer_is_interrupted() {
    #[post("/logout")]
    async fn logout(session: Session) -> session_rocket::Result<&'static str> {
        session.logout().await?;
        Ok("ok")
    }
    let (probe, sessions) = watched();
    let site = serve(build().attach(sessions).mount("/", routes![count, logout])).await;
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

/// D56, D57: by the status of what answers in the end, a catcher's too.
#[tokio::test(flavor = "multi_thread")]
async fn a_handlers_error_is_saved_by_its_status() {
    #[get("/fail/<status>")]
    fn fails(session: Session, status: u16) -> Result<(), Status> {
        session.insert("last", status).unwrap();
        Err(Status::new(status))
    }
    #[get("/last")]
    fn last(session: Session) -> session_rocket::Result<String> {
        Ok(format!("{:?}", session.get::<u16>("last")?))
    }
    #[catch(404)]
    fn missing() -> &'static str {
        "a page"
    }
    let rocket =
        build().attach(watched().1).mount("/", routes![fails, last]).register("/", catchers![missing]);
    let site = serve(rocket).await;
    let answer = site.get("/fail/404", None).await;
    assert_eq!((answer.status.as_u16(), &*answer.text, answer.cookies().len()), (404, "a page", 1));
    let failed = site.get("/fail/500", answer.cookie().as_deref()).await;
    assert_eq!((failed.status.as_u16(), failed.cookies().len()), (500, 0));
    assert!(failed.text.contains("<h1>500: Internal Server Error</h1>"), "Rocket's own: {failed:?}");
    assert_eq!(site.get("/last", answer.cookie().as_deref()).await.text, "Some(404)");
}

/// Rocket answers a panic with its 500 catcher; the session stays as it was.
#[tokio::test(flavor = "multi_thread")]
async fn a_panic_changes_nothing() {
    #[get("/panics")]
    fn panics(session: Session) -> String {
        session.insert("n", 99).unwrap();
        panic!("on purpose")
    }
    let site = serve(build().attach(watched().1).mount("/", routes![count, panics])).await;
    let cookie = site.get("/", None).await.cookie();
    let answer = site.get("/panics", cookie.as_deref()).await;
    assert_eq!((answer.status.as_u16(), answer.cookies().len()), (500, 0));
    assert_eq!(site.get("/", cookie.as_deref()).await.text, "2");
}

/// The application's own page, wherever the error comes from.
#[tokio::test(flavor = "multi_thread")]
async fn errors_look_as_the_application_says() {
    #[get("/wrong")]
    fn wrong(session: Session) -> session_rocket::Result<String> {
        session.insert("text", "abc")?;
        Ok(session.get::<u32>("text")?.unwrap_or_default().to_string())
    }
    let (probe, sessions) = watched();
    let sessions = sessions
        .on_error(|error| (Status::new(error.status()), RawHtml(format!("<h1>{}</h1>", error.code()))));
    let site = serve(build().attach(sessions).mount("/", routes![count, wrong, by_itself])).await;
    let cookie = site.get("/", None).await.cookie();
    probe.fail_next(Verb::Load, When::Before);
    let guard = site.get("/", cookie.as_deref()).await;
    assert_eq!((guard.status.as_u16(), &*guard.text), (503, "<h1>store_unavailable</h1>"));
    assert_eq!(guard.header("content-type"), ["text/html; charset=utf-8"]);
    assert_eq!(site.get("/wrong", None).await.text, "<h1>wrong_type</h1>", "a handler's");
    probe.fail_next(Verb::Replace, When::Before);
    probe.fail_next(Verb::Replace, When::Before);
    let save = site.get("/", cookie.as_deref()).await;
    assert_eq!((save.status.as_u16(), &*save.text), (503, "<h1>store_unavailable</h1>"));
    probe.fail_next(Verb::Load, When::Before);
    assert_eq!(site.get("/by-itself", cookie.as_deref()).await.text, "store_unavailable");
}

/// A page for an error may have any status; what the handler had written before it failed is not saved all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_friendly_page_saves_nothing() {
    #[get("/wrong")]
    fn wrong(session: Session) -> session_rocket::Result<String> {
        session.insert("n", 100)?;
        session.insert("text", "abc")?;
        Ok(session.get::<u32>("text")?.unwrap_or_default().to_string())
    }
    let (_, sessions) = watched();
    let sessions = sessions.on_error(|_| "in a moment");
    let site = serve(build().attach(sessions).mount("/", routes![count, wrong])).await;
    let cookie = site.get("/", None).await.cookie();
    let answer = site.get("/wrong", cookie.as_deref()).await;
    assert_eq!((answer.status.as_u16(), &*answer.text), (200, "in a moment"));
    assert_eq!(site.get("/", cookie.as_deref()).await.text, "2");
}

/// A catcher of the application's own answers for a guard, whatever else is there.
#[tokio::test(flavor = "multi_thread")]
async fn the_applications_catchers_come_first() {
    #[catch(503)]
    fn unavailable() -> &'static str {
        "in a moment"
    }
    #[catch(default)]
    fn other(status: Status, _: &rocket::Request<'_>) -> String {
        format!("default {status}")
    }
    for (catchers, want) in
        [(catchers![unavailable], "in a moment"), (catchers![other], "default 503 Service Unavailable")]
    {
        let (probe, sessions) = watched();
        let rocket = build().attach(sessions).mount("/", routes![count]).register("/", catchers);
        let site = serve(rocket).await;
        let cookie = site.get("/", None).await.cookie();
        probe.fail_next(Verb::Load, When::Before);
        let answer = site.get("/", cookie.as_deref()).await;
        assert_eq!((answer.status.as_u16(), &*answer.text), (503, want));
    }
}
