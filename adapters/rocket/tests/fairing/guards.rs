//! Guards, forwards, catchers, and sessions with names.

use futures_util::future::join_all;
use reqwest::Method;
use rocket::http::Status;
use rocket::local::asynchronous::Client;
use rocket::request::{FromRequest, Outcome, Request};
use rocket::response::Redirect;
use rocket::{async_trait, catch, catchers, get, post, routes};
use session_rocket::backends::memory::MemoryStore;
use session_rocket::{LazySession, Named, Session, SessionExt, SessionFairing, Sessions};

use crate::{build, count, serve, watched};

struct Admin;

#[tokio::test(flavor = "multi_thread")]
async fn all_workers_have_the_same_session() {
    let site = serve(build().attach(watched().1).mount("/", routes![count])).await;
    let cookie = site.get("/", None).await.cookie();
    join_all((0..16).map(|_| site.get("/", cookie.as_deref()))).await;
    assert_eq!(site.get("/", cookie.as_deref()).await.text, "18");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_sessions_in_one_application_are_two() {
    #[get("/admin")]
    fn both(shop: Session, office: Session<Admin>) -> session_rocket::Result<String> {
        let (n, m) = (shop.get::<u32>("n")?.unwrap_or(1), office.get::<u32>("n")?.unwrap_or(10));
        shop.insert("n", n + 1)?;
        office.insert("n", m + 10)?;
        Ok(format!("{n} {m}"))
    }
    let rocket = build()
        .attach(SessionFairing::connect("memory:"))
        .attach(SessionFairing::<Admin>::new(MemoryStore::new()).cookie_name("adminsid"))
        .mount("/", routes![both, count]);
    let site = serve(rocket).await;
    let first = site.get("/admin", None).await;
    assert_eq!((first.cookies().len(), &*first.text), (2, "1 10"));
    assert!(first.cookies().iter().any(|cookie| cookie.starts_with("adminsid=")), "{first:?}");
    assert_eq!(first.header("vary"), ["Cookie"]);
    let cookie = first.cookie();
    assert_eq!(site.get("/admin", cookie.as_deref()).await.text, "2 20");
    assert_eq!(site.get("/", cookie.as_deref()).await.text, "4", "the shop's alone");
}

/// As Rocket's own guide tests applications: what a client keeps, or is given, goes past the header.
#[tokio::test(flavor = "multi_thread")]
async fn the_local_clients_cookies_are_read() {
    let rocket = build().attach(watched().1).mount("/", routes![count]);
    let client = Client::tracked(rocket).await.unwrap();
    client.get("/").dispatch().await;
    let answer = client.get("/").cookie(("theme", "dark")).dispatch().await;
    assert_eq!(answer.into_string().await.as_deref(), Some("2"));
}

/// The handler decides the cost.
#[tokio::test(flavor = "multi_thread")]
async fn a_handler_that_does_not_ask_costs_nothing() {
    #[get("/static")]
    fn page() -> &'static str {
        "static"
    }
    let (probe, sessions) = watched();
    let site = serve(build().attach(sessions).mount("/", routes![count, page])).await;
    let cookie = site.get("/", None).await.cookie();
    probe.reset();
    let answer = site.get("/static", cookie.as_deref()).await;
    assert_eq!((&*answer.text, answer.cookies().len(), probe.calls()), ("static", 0, 0));
    assert!(answer.header("vary").is_empty() && answer.header("cache-control").is_empty());
}

/// A guard of the application's own asks the session, forwards, and the next route has the same one.
#[tokio::test(flavor = "multi_thread")]
async fn forwards_share_the_session() {
    struct SignedIn(String);
    #[async_trait]
    impl<'r> FromRequest<'r> for SignedIn {
        type Error = session_rocket::Error;
        async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Self::Error> {
            let session = rocket::outcome::try_outcome!(request.guard::<Session>().await);
            session.insert("asked", true).unwrap();
            match session.account() {
                Some(account) => Outcome::Success(Self(account)),
                None => Outcome::Forward(Status::Unauthorized),
            }
        }
    }
    #[get("/who")]
    fn who(account: SignedIn) -> String {
        account.0
    }
    #[get("/who", rank = 2)]
    fn nobody(session: Session) -> session_rocket::Result<String> {
        Ok(format!("nobody, asked {:?}", session.get::<bool>("asked")?))
    }
    #[post("/login")]
    async fn login(session: Session) -> session_rocket::Result<Redirect> {
        session.login("ada").await?;
        Ok(Redirect::to("/who"))
    }
    let (probe, sessions) = watched();
    let site = serve(build().attach(sessions).mount("/", routes![who, nobody, login])).await;
    let first = site.get("/who", None).await;
    assert_eq!((&*first.text, first.cookies().len()), ("nobody, asked Some(true)", 1));
    let login = site.send(Method::POST, "/login", first.cookie().as_deref()).await;
    assert_eq!((login.status.as_u16(), login.header("location")), (303, vec!["/who"]));
    probe.reset();
    assert_eq!(site.get("/who", login.cookie().as_deref()).await.text, "ada");
    assert_eq!(probe.calls(), 2, "one load, one save");
}

/// A logout that loads nothing, by one trip to the store.
#[tokio::test(flavor = "multi_thread")]
async fn a_logout_is_one_trip() {
    #[post("/logout")]
    async fn logout(session: LazySession) -> session_rocket::Result<Redirect> {
        session.flush().await?;
        Ok(Redirect::to("/"))
    }
    let (probe, sessions) = watched();
    let site = serve(build().attach(sessions).mount("/", routes![count, logout])).await;
    let cookie = site.get("/", None).await.cookie();
    probe.reset();
    let answer = site.send(Method::POST, "/logout", cookie.as_deref()).await;
    assert_eq!((answer.status.as_u16(), probe.calls()), (303, 1));
    assert!(answer.cookies()[0].contains("Max-Age=0"));
    assert_eq!(site.get("/", cookie.as_deref()).await.text, "1");
}

/// A catcher uses the session as a handler does.
#[tokio::test(flavor = "multi_thread")]
async fn catchers_have_the_session() {
    #[catch(404)]
    async fn missing(request: &Request<'_>) -> session_rocket::Result<String> {
        let session = request.session()?.open().await?;
        Ok(format!(
            "missed {}",
            session.update("missed", |n: &mut u32| {
                *n += 1;
                *n
            })?
        ))
    }
    let site = serve(build().attach(watched().1).register("/", catchers![missing])).await;
    let first = site.get("/nowhere", None).await;
    assert_eq!((first.status.as_u16(), &*first.text), (404, "missed 1"));
    assert_eq!(site.get("/nowhere", first.cookie().as_deref()).await.text, "missed 2");
}

/// Outside requests, on the same sessions.
#[tokio::test(flavor = "multi_thread")]
async fn a_job_works_on_a_session_that_a_request_reads() {
    let sessions = Sessions::from(session_rocket::Backend::from(MemoryStore::new()));
    let rocket = build().attach(SessionFairing::from_sessions(sessions.clone())).mount("/", routes![count]);
    let site = serve(rocket).await;
    let session = sessions.create();
    session.insert("n", 6).unwrap();
    session.save().await.unwrap();
    let cookie = format!("sessionid={}", session.token().unwrap().expose());
    assert_eq!(site.get("/", Some(&cookie)).await.text, "7");
}
