//! The layer in an application: extractors, middleware, nested routers, errors, streams and sockets.

#![expect(clippy::unwrap_used, reason = "a test fails where it is")]

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::ws::{Message, WebSocketUpgrade};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, Response, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{AppendHeaders, IntoResponse, Redirect};
use axum::routing::get;
use futures_util::{SinkExt, StreamExt};
use session_axum::backends::memory::MemoryStore;
use session_axum::{Error, LazySession, Named, Session, SessionExt as _, SessionLayer, Sessions, Settings};
use session_core::testing::{Probe, Verb, When};
use tokio::net::TcpListener;
use tower::ServiceExt;

async fn count(session: Session) -> session_axum::Result<String> {
    Ok(session
        .update("n", |n: &mut u32| {
            *n += 1;
            *n
        })?
        .to_string())
}

fn watched() -> (Probe, SessionLayer) {
    let probe = Probe::new(MemoryStore::new());
    (probe.clone(), SessionLayer::new(probe))
}

async fn request(app: &Router, path: &str, cookie: Option<&str>) -> Response<Body> {
    let mut request = Request::get(path);
    if let Some(cookie) = cookie {
        request = request.header(header::COOKIE, cookie);
    }
    app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

async fn text(response: Response<Body>) -> String {
    String::from_utf8(to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec()).unwrap()
}

/// The pair that a browser sends back.
fn cookie(headers: &HeaderMap) -> Option<String> {
    let header = headers.get(header::SET_COOKIE)?.to_str().unwrap();
    header.split(';').next().map(str::to_owned)
}

#[tokio::test]
async fn a_session_is_kept_from_request_to_request() {
    let app = Router::new().route("/", get(count)).layer(watched().1);
    let first = request(&app, "/", None).await;
    let cookie = cookie(first.headers());
    assert_eq!(text(first).await, "1");
    assert_eq!(text(request(&app, "/", cookie.as_deref()).await).await, "2");
}

/// actix-session 7: a middleware that is missing says so, and says what to add.
#[tokio::test]
async fn a_missing_layer_says_which_line_to_add() {
    let app = Router::new().route("/", get(count));
    let response = request(&app, "/", None).await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let answer = text(response).await;
    assert!(answer.starts_with(r#"{"error":"session_not_installed","hint":"add `.layer("#), "{answer}");
    let (mut parts, _) = Request::new(Body::empty()).into_parts();
    let error = <Session as axum::extract::FromRequestParts<()>>::from_request_parts(&mut parts, &())
        .await
        .unwrap_err();
    assert!(error.to_string().contains(".layer(SessionLayer::"), "{error}");
}

/// tower-sessions #63: nested routers, and a layer inside a layer, are one session and one cookie.
#[tokio::test]
async fn nested_routers_share_one_session() {
    let (probe, layer) = watched();
    let inner = Router::new().route("/inner", get(count)).layer(layer.clone());
    let app = Router::new().route("/outer", get(count)).nest("/nested", inner).layer(layer);
    let first = request(&app, "/nested/inner", None).await;
    assert_eq!(first.headers().get_all(header::SET_COOKIE).iter().count(), 1);
    assert_eq!(probe.calls(), 1);
    let cookie = cookie(first.headers());
    assert_eq!(text(request(&app, "/outer", cookie.as_deref()).await).await, "2");
}

#[tokio::test]
async fn middleware_and_handler_have_the_same_session() {
    async fn before(
        session: Session,
        lazy: LazySession,
        request: Request,
        next: Next,
    ) -> session_axum::Result<Response<Body>> {
        session.insert("seen", true)?;
        let response = next.run(request).await;
        lazy.open().await?.update("after", |n: &mut u32| *n += 1)?;
        Ok(response)
    }
    async fn handler(session: Session) -> session_axum::Result<String> {
        Ok(format!("{:?}", session.get::<bool>("seen")?))
    }
    let (probe, layer) = watched();
    let app = Router::new().route("/", get(handler)).layer(middleware::from_fn(before)).layer(layer);
    let response = request(&app, "/", None).await;
    assert!(cookie(response.headers()).is_some());
    assert_eq!(text(response).await, "Some(true)");
    assert_eq!(probe.calls(), 1, "what all of them changed is saved at once");
}

#[tokio::test]
async fn two_sessions_in_one_application_are_two() {
    struct Admin;
    async fn both(shop: Session, office: Session<Admin>) -> session_axum::Result<String> {
        let n = shop.update("n", |n: &mut u32| {
            *n += 1;
            *n
        })?;
        let m = office.update("n", |n: &mut u32| {
            *n += 10;
            *n
        })?;
        Ok(format!("{n} {m}"))
    }
    let office = Settings::default().with_cookie_name("adminsid").with_cookie_path("/admin");
    let app = Router::new()
        .route("/admin", get(both))
        .layer(SessionLayer::<Admin>::new(MemoryStore::new()).with_settings(office).unwrap())
        .layer(SessionLayer::new(MemoryStore::new()));
    let response = request(&app, "/admin", None).await;
    let cookies: Vec<_> = response
        .headers()
        .get_all(header::SET_COOKIE)
        .iter()
        .map(|c| c.to_str().unwrap().to_owned())
        .collect();
    assert_eq!(cookies.len(), 2, "{cookies:?}");
    assert!(cookies.iter().any(|c| c.starts_with("adminsid=") && c.contains("Path=/admin")));
    let pair = |c: &String| c.split(';').next().unwrap().to_owned();
    let header = cookies.iter().map(pair).collect::<Vec<_>>().join("; ");
    assert_eq!(text(request(&app, "/admin", Some(&header)).await).await, "2 20");
}

/// A name that a browser refuses is found when the layer is made.
#[test]
fn a_bad_cookie_name_is_no_layer() {
    let panic = std::panic::catch_unwind(|| SessionLayer::new(MemoryStore::new()).cookie_name("a b"));
    let said = panic.unwrap_err().downcast::<String>().unwrap();
    assert!(said.contains("`a b` is not accepted"), "{said}");
}

/// One session is stored and the other is not: the answer is the error's, and the stored one's cookie is in it, as is what other layers
/// have added.
#[tokio::test]
async fn a_save_that_fails_takes_no_other_sessions_cookie() {
    struct Admin;
    async fn both(shop: Session, office: Session<Admin>) -> session_axum::Result<Redirect> {
        shop.insert("n", 1)?;
        office.insert("n", 1)?;
        Ok(Redirect::to("/elsewhere"))
    }
    let for_any_origin = middleware::map_response(async |response: Response<Body>| {
        ([(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")], response)
    });
    let (probe, shop) = watched();
    let page = |error: &session_core::Error| (StatusCode::IM_A_TEAPOT, error.code()).into_response();
    for (shop, status) in [(shop.clone(), 503), (shop.on_error(page), 418)] {
        let office = SessionLayer::<Admin>::new(MemoryStore::new()).cookie_name("adminsid");
        let app = Router::new().route("/", get(both)).layer(for_any_origin.clone()).layer(office).layer(shop);
        probe.fail_next(Verb::Insert, When::Before);
        probe.fail_next(Verb::Insert, When::Before);
        let response = request(&app, "/", None).await;
        assert_eq!(response.status().as_u16(), status);
        assert!(cookie(response.headers()).is_some_and(|cookie| cookie.starts_with("adminsid=")));
        assert_eq!(response.headers()["vary"], "Cookie");
        assert_eq!(response.headers()["cache-control"], "private");
        assert_eq!(response.headers()["access-control-allow-origin"], "*");
        assert!(!response.headers().contains_key("location"), "nothing of the handler's answer is left");
    }
}

/// actix-session 6: a store that is down fails the handlers that use it, and no other.
#[tokio::test]
async fn an_outage_is_503_where_the_session_is_used() {
    async fn by_itself(session: Result<Session, Error>) -> String {
        session.map_or_else(|error| error.kind().code().to_owned(), |_| "found".to_owned())
    }
    let (probe, layer) = watched();
    let app = Router::new()
        .route("/", get(count))
        .route("/static", get(|| async { "static" }))
        .route("/by-itself", get(by_itself))
        .layer(layer);
    let cookie = cookie(request(&app, "/", None).await.headers());

    probe.fail_next(Verb::Load, When::Before);
    let response = request(&app, "/", cookie.as_deref()).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(!response.headers().contains_key(header::SET_COOKIE), "and nobody loses a cookie");
    assert_eq!(text(response).await, r#"{"error":"store_unavailable"}"#);

    probe.fail_next(Verb::Load, When::Before);
    assert_eq!(text(request(&app, "/static", cookie.as_deref()).await).await, "static");
    assert_eq!(text(request(&app, "/by-itself", cookie.as_deref()).await).await, "store_unavailable");

    // A save that fails takes the place of the handler's success.
    probe.fail_next(Verb::Replace, When::Before);
    probe.fail_next(Verb::Replace, When::Before);
    let response = request(&app, "/", cookie.as_deref()).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        text(request(&app, "/", cookie.as_deref()).await).await,
        "2",
        "what was not saved is not there"
    );
}

#[tokio::test]
async fn errors_look_as_the_application_says() {
    let (probe, layer) = watched();
    let page = |error: &session_core::Error| {
        let status = StatusCode::from_u16(error.status()).unwrap();
        (status, format!("<h1>{}</h1>", error.code())).into_response()
    };
    let app = Router::new()
        .route("/", get(count))
        .route(
            "/wrong",
            get(async |session: Session| -> session_axum::Result<String> {
                session.insert("text", "abc")?;
                session.get::<u32>("text")?;
                unreachable!("it is no number")
            }),
        )
        .layer(layer.on_error(page));
    let cookie = cookie(request(&app, "/", None).await.headers());
    probe.fail_next(Verb::Load, When::Before);
    assert_eq!(
        text(request(&app, "/", cookie.as_deref()).await).await,
        "<h1>store_unavailable</h1>",
        "an extractor's"
    );
    assert_eq!(text(request(&app, "/wrong", None).await).await, "<h1>wrong_type</h1>", "a handler's");
    probe.fail_next(Verb::Replace, When::Before);
    probe.fail_next(Verb::Replace, When::Before);
    let response = request(&app, "/", cookie.as_deref()).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(text(response).await, "<h1>store_unavailable</h1>", "that of the save at the end");
}

/// T39: what a redirect leads to sees what was written before it.
#[tokio::test]
async fn a_session_is_stored_before_its_response_leaves() {
    async fn write(session: Session) -> session_axum::Result<Redirect> {
        session.insert("n", 41)?;
        Ok(Redirect::to("/"))
    }
    let (probe, layer) = watched();
    let app = Router::new().route("/", get(count)).route("/write", get(write)).layer(layer);
    let pause = probe.pause(Verb::Insert, When::After);
    let response = tokio::spawn({
        let app = app.clone();
        async move { request(&app, "/write", None).await }
    });
    pause.reached().await;
    assert!(!response.is_finished(), "the head waits for the store");
    pause.resume();
    let response = response.await.unwrap();
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    assert_eq!(text(request(&app, "/", cookie(response.headers()).as_deref()).await).await, "42");
}

/// T15: as by a layer of tower-http's that traces headers.
#[tokio::test]
async fn the_cookie_is_in_no_log_of_a_response() {
    let app = Router::new().route("/", get(count)).layer(watched().1);
    let response = request(&app, "/", None).await;
    let token = cookie(response.headers()).unwrap().replace("sessionid=", "");
    let logged = format!("{response:?}");
    assert!(logged.contains("set-cookie") && !logged.contains(&token[25..]), "{logged}");
}

/// T6, T7, T8: the headers that are there are merged with ours, not replaced; also where there is no body.
#[tokio::test]
async fn headers_are_merged() {
    async fn answers(session: Session, Path(status): Path<u16>) -> session_axum::Result<impl IntoResponse> {
        session.insert("status", status)?;
        let headers = AppendHeaders([
            ("vary", "Accept"),
            ("vary", "Origin"),
            ("cache-control", "public, max-age=60"),
            ("set-cookie", "theme=dark"),
        ]);
        Ok((StatusCode::from_u16(status).unwrap(), headers, "a page"))
    }
    let app = Router::new().route("/{status}", get(answers)).layer(watched().1);
    for (method, status) in [("GET", "200"), ("HEAD", "200"), ("GET", "304"), ("GET", "302")] {
        let request =
            Request::builder().method(method).uri(format!("/{status}")).body(Body::empty()).unwrap();
        let response = app.clone().oneshot(request).await.unwrap();
        let all = |name: &str| -> Vec<_> {
            response.headers().get_all(name).iter().map(|value| value.to_str().unwrap()).collect()
        };
        assert_eq!(response.status().as_str(), status);
        assert_eq!(all("vary"), ["Accept, Origin, Cookie"]);
        assert_eq!(all("cache-control"), ["private, max-age=60"]);
        let cookies = all("set-cookie");
        assert!(cookies[0] == "theme=dark" && cookies[1].starts_with("sessionid="), "{cookies:?}");
    }
}

/// A handler that panics, or whose client goes away, leaves the session as it was.
#[tokio::test]
async fn a_panic_and_a_cancelled_request_change_nothing() {
    async fn panics(session: Session) -> String {
        session.insert("n", 99).unwrap();
        panic!("on purpose")
    }
    async fn waits(session: Session, State(reached): State<Arc<tokio::sync::Notify>>) -> String {
        session.insert("n", 99).unwrap();
        reached.notify_one();
        std::future::pending().await
    }
    let reached = Arc::new(tokio::sync::Notify::new());
    let app = Router::new()
        .route("/", get(count))
        .route("/panics", get(panics))
        .route("/waits", get(waits))
        .layer(watched().1)
        .with_state(Arc::clone(&reached));
    let cookie = cookie(request(&app, "/", None).await.headers());
    let get = |path: &'static str| {
        let (app, cookie) = (app.clone(), cookie.clone());
        async move { request(&app, path, cookie.as_deref()).await }
    };
    assert!(tokio::spawn(get("/panics")).await.unwrap_err().is_panic());
    let cancelled = tokio::spawn(get("/waits"));
    reached.notified().await;
    cancelled.abort();
    assert!(cancelled.await.unwrap_err().is_cancelled());
    assert_eq!(text(get("/").await).await, "2");
}

/// The cookie leaves with the headers; what is written while the body streams is saved by the stream itself.
#[tokio::test]
async fn a_streamed_body_saves_by_itself() {
    async fn stream(session: Session) -> Body {
        session.insert("n", 1).unwrap();
        let chunks = futures_util::stream::once(async move {
            session.update("n", |n: &mut u32| *n += 1).unwrap();
            session.save().await.unwrap();
            let detached = session.rotate().is_err();
            Ok::<_, std::io::Error>(Bytes::from(format!("detached: {detached}")))
        });
        Body::from_stream(chunks)
    }
    let app = Router::new().route("/", get(count)).route("/stream", get(stream)).layer(watched().1);
    let response = request(&app, "/stream", None).await;
    let cookie = cookie(response.headers());
    assert_eq!(text(response).await, "detached: true");
    assert_eq!(text(request(&app, "/", cookie.as_deref()).await).await, "3");
}

/// A WebSocket's task has the session for as long as it likes, over a real socket.
#[tokio::test]
async fn a_websocket_saves_by_itself() {
    async fn socket(session: Session, upgrade: WebSocketUpgrade) -> axum::response::Response {
        session.insert("n", 1).unwrap();
        upgrade.on_upgrade(async move |mut socket| {
            while let Some(Ok(Message::Text(_))) = socket.recv().await {
                let n = session
                    .update("n", |n: &mut u32| {
                        *n += 1;
                        *n
                    })
                    .unwrap();
                session.save().await.unwrap();
                let _ = socket.send(Message::Text(n.to_string().into())).await;
            }
        })
    }
    let app = Router::new().route("/", get(count)).route("/socket", get(socket)).layer(watched().1);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(axum::serve(listener, app.clone()).into_future());
    let (mut socket, response) =
        tokio_tungstenite::connect_async(format!("ws://{address}/socket")).await.unwrap();
    let header = response.headers().get("set-cookie").unwrap().to_str().unwrap();
    let cookie = header.split(';').next().map(str::to_owned);
    for want in ["2", "3"] {
        socket.send("next".into()).await.unwrap();
        let answer = tokio::time::timeout(Duration::from_secs(5), socket.next()).await.unwrap();
        assert_eq!(answer.unwrap().unwrap().into_text().unwrap().as_str(), want);
    }
    assert_eq!(text(request(&app, "/", cookie.as_deref()).await).await, "4");
    server.abort();
}

/// Any tower service, not only a Router.
#[tokio::test]
async fn it_wraps_any_http_service() {
    let service = tower::service_fn(async |request: Request<Body>| {
        request.session().unwrap().open().await.unwrap().insert("n", 1).unwrap();
        Ok::<_, std::convert::Infallible>(Response::new("plain".to_owned()))
    });
    let service = tower_layer::Layer::layer(&watched().1, service);
    let response = service.oneshot(Request::new(Body::empty())).await.unwrap();
    assert!(cookie(response.headers()).is_some());
    assert_eq!(text(response).await, "plain");
}

/// One that fails has no response: the error is the caller's, and what a task of the request still holds is detached.
#[tokio::test]
async fn an_error_of_the_service_inside_leaves_the_session_alone() {
    let (hold, held) = std::sync::mpsc::channel();
    let service = tower::service_fn(async |request: Request<Body>| {
        let session = request.session().unwrap().open().await.unwrap();
        session.insert("n", 1).unwrap();
        hold.send(session).unwrap();
        Err::<Response<Body>, _>("too late")
    });
    let (probe, layer) = watched();
    let service = tower_layer::Layer::layer(&layer, service);
    assert_eq!(service.oneshot(Request::new(Body::empty())).await.unwrap_err(), "too late");
    assert!(matches!(held.recv().unwrap().save().await, Err(session_core::Error::Detached)));
    assert_eq!(probe.calls_of(Verb::Insert), 0);
}

/// Outside requests, on the same sessions.
#[tokio::test]
async fn a_job_works_on_a_session_that_a_request_reads() {
    let sessions = Sessions::from(session_axum::Backend::from(MemoryStore::new()));
    let app = Router::new().route("/", get(count)).layer(SessionLayer::from_sessions(sessions.clone()));
    let session = sessions.create();
    session.insert("n", 6).unwrap();
    session.save().await.unwrap();
    let cookie = format!("sessionid={}", session.token().unwrap().expose());
    assert_eq!(text(request(&app, "/", Some(&cookie)).await).await, "7");
    let again = sessions.open(&session.session_key().unwrap()).await.unwrap().unwrap();
    assert_eq!(again.get::<u32>("n").unwrap(), Some(7));
}
