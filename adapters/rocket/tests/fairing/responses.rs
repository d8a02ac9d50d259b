//! Responses that are not a page: streams, redirects, no body at all, or a client that does not wait.

use std::sync::Arc;

use reqwest::Method;
use rocket::http::{Header, Status};
use rocket::response::stream::{Event, EventStream};
use rocket::response::{Redirect, Responder};
use rocket::{State, get, routes};
use session_core::testing::{Verb, When};
use session_rocket::Session;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::Notify;

use crate::{build, count, serve, watched};

/// Server-sent events: the cookie leaves with the head, and what is written afterwards the stream saves by itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_saves_by_itself() {
    #[get("/events")]
    fn events(session: Session, go_on: &State<Arc<Notify>>) -> EventStream![Event + '_] {
        session.insert("n", 1).unwrap();
        EventStream! {
            yield Event::data("1");
            go_on.notified().await;
            session.update("n", |n: &mut u32| *n += 1).unwrap();
            session.save().await.unwrap();
            yield Event::data(format!("detached {}", session.rotate().is_err()));
        }
    }
    let go_on = Arc::new(Notify::new());
    let rocket = build().attach(watched().1).manage(Arc::clone(&go_on)).mount("/", routes![count, events]);
    let site = serve(rocket).await;
    let mut response = site.client.get(site.url("/events")).send().await.unwrap();
    let header = response.headers()["set-cookie"].to_str().unwrap();
    let cookie = header.split(';').next().unwrap().to_owned();
    let mut until = async |text: &str| {
        let mut read = String::new();
        while !read.contains(text) {
            read.push_str(std::str::from_utf8(&response.chunk().await.unwrap().unwrap()).unwrap());
        }
    };
    until("data:1").await;
    assert_eq!(site.get("/", Some(&cookie)).await.text, "2", "it is stored while the stream goes on");
    go_on.notify_one();
    until("data:detached true").await;
    assert_eq!(site.get("/", Some(&cookie)).await.text, "4");
}

/// Rocket runs a request whose client has gone away to its end, so what it wrote is saved.
#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_request_is_run_to_its_end() {
    #[get("/waits")]
    async fn waits(session: Session, notes: &State<Arc<(Notify, Notify)>>) -> &'static str {
        session.insert("n", 98).unwrap();
        notes.0.notify_one();
        notes.1.notified().await;
        "nobody reads this"
    }
    let (probe, sessions) = watched();
    let notes = Arc::new((Notify::new(), Notify::new()));
    let rocket = build().attach(sessions).manage(Arc::clone(&notes)).mount("/", routes![count, waits]);
    let site = serve(rocket).await;
    let cookie = site.get("/", None).await.cookie().unwrap();
    let mut socket = TcpStream::connect(("127.0.0.1", site.port)).await.unwrap();
    let request = format!("GET /waits HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\n\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    notes.0.notified().await;
    socket.set_zero_linger().unwrap();
    drop(socket);
    let pause = probe.pause(Verb::Replace, When::After);
    notes.1.notify_one();
    pause.reached().await;
    pause.resume();
    assert_eq!(site.get("/", Some(&cookie)).await.text, "99");
}

/// T39: what a redirect leads to sees what was written before it.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_stored_before_its_response_leaves() {
    #[get("/write")]
    fn write(session: Session) -> session_rocket::Result<Redirect> {
        session.insert("n", 41)?;
        Ok(Redirect::to("/"))
    }
    let (probe, sessions) = watched();
    let site = Arc::new(serve(build().attach(sessions).mount("/", routes![count, write])).await);
    let pause = probe.pause(Verb::Insert, When::After);
    let request = tokio::spawn({
        let site = Arc::clone(&site);
        async move { site.get("/write", None).await }
    });
    pause.reached().await;
    assert!(!request.is_finished(), "the head waits for the store");
    pause.resume();
    let answer = request.await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, vec!["/"]));
    assert_eq!(site.get("/", answer.cookie().as_deref()).await.text, "42");
}

/// T6, T7, T8: the headers that are there are merged with ours, not replaced; also where there is no body.
#[tokio::test(flavor = "multi_thread")]
async fn headers_are_merged() {
    #[derive(Responder)]
    struct Rich {
        text: String,
        vary: Header<'static>,
        cache: Header<'static>,
    }
    #[get("/<status>")]
    fn answers(
        session: Session,
        status: u16,
        jar: &rocket::http::CookieJar<'_>,
    ) -> session_rocket::Result<(Status, Rich)> {
        jar.add(("theme", "dark"));
        let text = crate::count(session)?;
        let (vary, cache) =
            (Header::new("Vary", "Accept, Origin"), Header::new("Cache-Control", "public, max-age=60"));
        Ok((Status::new(status), Rich { text, vary, cache }))
    }
    let site = serve(build().attach(watched().1).mount("/", routes![answers])).await;
    for (method, status) in
        [(Method::GET, "200"), (Method::HEAD, "200"), (Method::GET, "304"), (Method::GET, "302")]
    {
        let answer = site.send(method, &format!("/{status}"), None).await;
        assert_eq!(answer.status.as_str(), status);
        assert_eq!(answer.header("vary"), ["Accept, Origin, Cookie"]);
        assert_eq!(answer.header("cache-control"), ["private, max-age=60"]);
        let cookies = answer.cookies();
        assert!(cookies[0].starts_with("theme=dark") && cookies[1].starts_with("sessionid="), "{cookies:?}");
    }
}
