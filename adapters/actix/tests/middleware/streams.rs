//! Responses that are not a page: streams, redirects, no body at all, or a client that does not wait.

use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Service as _;
use actix_web::web::Bytes;
use actix_web::{App, HttpResponse, web};
use futures_util::{StreamExt, stream};
use reqwest::{Method, StatusCode};
use session_actix::Session;
use session_core::testing::{Verb, When};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::Notify;

use crate::{count, serve, watched};

/// Server-sent events: the cookie leaves with the head, and what is written afterwards the stream saves by itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_saves_by_itself() {
    async fn events(session: Session, go_on: web::Data<Notify>) -> session_actix::Result<HttpResponse> {
        session.insert("n", 1)?;
        let first = stream::once(async { Ok::<_, session_actix::Error>(Bytes::from("data: 1\n\n")) });
        let second = stream::once(async move {
            go_on.notified().await;
            session.update("n", |n: &mut u32| *n += 1)?;
            session.save().await?;
            Ok(Bytes::from(format!("data: detached {}\n\n", session.rotate().is_err())))
        });
        Ok(HttpResponse::Ok().content_type("text/event-stream").streaming(first.chain(second)))
    }
    let sessions = watched().1;
    let go_on = web::Data::new(Notify::new());
    let data = go_on.clone();
    let site = serve!(move || App::new()
        .wrap(sessions.clone())
        .app_data(data.clone())
        .route("/", web::get().to(count))
        .route("/events", web::get().to(events)));
    let mut response = site.client.get(format!("http://{}/events", site.address)).send().await.unwrap();
    let header = response.headers()["set-cookie"].to_str().unwrap();
    let cookie = header.split(';').next().unwrap().to_owned();
    assert_eq!(response.chunk().await.unwrap().unwrap(), "data: 1\n\n");
    assert_eq!(site.get("/", Some(&cookie)).await.text, "2", "it is stored while the stream goes on");
    go_on.notify_one();
    assert_eq!(response.chunk().await.unwrap().unwrap(), "data: detached true\n\n");
    assert_eq!(site.get("/", Some(&cookie)).await.text, "4");
}

/// A client that goes away takes its request with it: what the handler had written is dropped.
#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_request_changes_nothing() {
    struct Dropped(Arc<Notify>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }
    async fn waits(session: Session, notes: web::Data<(Notify, Arc<Notify>)>) -> String {
        session.insert("n", 99).unwrap();
        let _dropped = Dropped(Arc::clone(&notes.1));
        notes.0.notify_one();
        std::future::pending().await
    }
    let (probe, sessions) = watched();
    let notes = web::Data::new((Notify::new(), Arc::new(Notify::new())));
    let data = notes.clone();
    let site = serve!(move || App::new()
        .wrap(sessions.clone())
        .app_data(data.clone())
        .route("/", web::get().to(count))
        .route("/waits", web::get().to(waits)));
    let cookie = site.get("/", None).await.cookie().unwrap();
    let mut socket = TcpStream::connect(site.address).await.unwrap();
    let request = format!("GET /waits HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\n\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    notes.0.notified().await;
    // Not closed in an orderly way but reset, as when a browser's process is gone.
    socket.set_zero_linger().unwrap();
    drop(socket);
    tokio::time::timeout(Duration::from_secs(10), notes.1.notified()).await.expect("the handler is dropped");
    assert_eq!(probe.calls_of(Verb::Replace), 0);
    assert_eq!(site.get("/", Some(&cookie)).await.text, "2");
}

/// T39: what a redirect leads to sees what was written before it.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_stored_before_its_response_leaves() {
    async fn write(session: Session) -> session_actix::Result<HttpResponse> {
        session.insert("n", 41)?;
        Ok(HttpResponse::SeeOther().insert_header(("location", "/")).finish())
    }
    let (probe, sessions) = watched();
    let site = serve!(move || App::new()
        .wrap(sessions.clone())
        .route("/", web::get().to(count))
        .route("/write", web::get().to(write)));
    let site = Arc::new(site);
    let pause = probe.pause(Verb::Insert, When::After);
    let request = tokio::spawn({
        let site = Arc::clone(&site);
        async move { site.get("/write", None).await }
    });
    pause.reached().await;
    assert!(!request.is_finished(), "the head waits for the store");
    pause.resume();
    let answer = request.await.unwrap();
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, vec!["/"]));
    assert_eq!(site.get("/", answer.cookie().as_deref()).await.text, "42");
}

/// T15: as by middleware that traces headers.
#[tokio::test(flavor = "multi_thread")]
async fn the_cookie_is_in_no_log_of_a_response() {
    let sessions = watched().1;
    let (sender, logged) = std::sync::mpsc::channel();
    let site = serve!(move || {
        let sender = sender.clone();
        let app = App::new().wrap(sessions.clone()).route("/", web::get().to(count));
        app.wrap_fn(move |request, service| {
            let (answer, sender) = (service.call(request), sender.clone());
            async move {
                let answer = answer.await?;
                sender.send(format!("{:?}", answer.headers())).unwrap();
                Ok(answer)
            }
        })
    });
    let token = site.get("/", None).await.cookies()[0].split(';').next().unwrap().replace("sessionid=", "");
    let logged = logged.recv().unwrap();
    assert!(logged.contains("set-cookie") && !logged.contains(&token[25..]), "{logged}");
}

/// T6, T7, T8: the headers that are there are merged with ours, not replaced; also where there is no body.
#[tokio::test(flavor = "multi_thread")]
async fn headers_are_merged() {
    async fn answers(session: Session, status: web::Path<u16>) -> session_actix::Result<HttpResponse> {
        count(session).await?;
        let status = actix_web::http::StatusCode::from_u16(*status).unwrap();
        Ok(HttpResponse::build(status)
            .append_header(("vary", "Accept"))
            .append_header(("vary", "Origin"))
            .insert_header(("cache-control", "public, max-age=60"))
            .append_header(("set-cookie", "theme=dark"))
            .finish())
    }
    let sessions = watched().1;
    let site = serve!(move || App::new()
        .wrap(sessions.clone())
        .service(web::resource("/{status}").route(web::get().to(answers)).route(web::head().to(answers))));
    for (method, status) in
        [(Method::GET, "200"), (Method::HEAD, "200"), (Method::GET, "304"), (Method::GET, "302")]
    {
        let answer = site.send(method, &format!("/{status}"), None).await;
        assert_eq!(answer.status.as_str(), status);
        assert_eq!(answer.header("vary"), ["Accept, Origin, Cookie"]);
        assert_eq!(answer.header("cache-control"), ["private, max-age=60"]);
        let cookies = answer.cookies();
        assert!(cookies[0] == "theme=dark" && cookies[1].starts_with("sessionid="), "{cookies:?}");
    }
}
