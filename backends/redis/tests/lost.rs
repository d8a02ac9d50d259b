//! Answers that do not come, or not whole.

#![expect(clippy::unwrap_used, reason = "a test fails where it is")]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use session_core::store::{Replaced, SessionStore, StoreErrorKind};
use session_redis::{RedisConnection, RedisStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::select;
use tokio::sync::Notify;

use crate::common::{NOW, next, one_server, put, url};

/// What a connection through a proxy suffers.
#[derive(Clone, Default)]
struct Line {
    /// The server's answers are kept back.
    holds: Arc<AtomicBool>,
    breaks: Arc<Notify>,
}

impl Line {
    /// Between a client and this server; the address for the client.
    async fn to(&self, server: String) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let line = self.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let line = line.clone();
                let server = TcpStream::connect(&server).await.unwrap();
                tokio::spawn(async move { line.carry(client, server).await });
            }
        });
        address
    }

    async fn carry(&self, client: TcpStream, server: TcpStream) {
        let (mut from_client, mut to_client) = client.into_split();
        let (mut from_server, mut to_server) = server.into_split();
        let answers = async {
            let mut part = [0; 4096];
            while let Ok(length @ 1..) = from_server.read(&mut part).await {
                if !self.holds.load(Ordering::SeqCst) && to_client.write_all(&part[..length]).await.is_err() {
                    break;
                }
            }
        };
        select! {
            _ = copy(&mut from_client, &mut to_server) => (),
            () = answers => (),
            () = self.breaks.notified() => (),
        }
    }
}

/// A replacement that was done is not tried again behind the next one: the session's own would be a conflict then, and a counter
/// would count twice. Core looks for what became of it.
#[tokio::test]
async fn a_lost_replacement_is_an_outage_and_no_conflict() {
    let Some((direct, prefix, _)) = one_server().await else { return };
    let server = url("redis").unwrap();
    let address = server.trim_start_matches("redis://").trim_end_matches('/').to_owned();
    assert!(!address.contains(['@', '/']), "only host and port: {address}");
    let line = Line::default();
    let behind = RedisStore::connect(&format!("redis://{}", line.to(address).await)).await.unwrap();
    let behind = behind.with_prefix(prefix);

    let (key, first) = put(&direct, None).await;
    let (second, third) = (next(&first), next(&next(&first)));
    // The script is known to the server from here on.
    assert_eq!(behind.replace(&key, &key, &second, &first, NOW).await.unwrap(), Replaced::Done);
    let (first, second) = (second, third);
    let third = next(&second);

    line.holds.store(true, Ordering::SeqCst);
    let mut replacing = Box::pin(behind.replace(&key, &key, &second, &first, NOW));
    loop {
        select! {
            answer = &mut replacing => panic!("there is no answer yet: {answer:?}"),
            () = tokio::time::sleep(Duration::from_millis(5)) => (),
        }
        if direct.load(&key, NOW).await.unwrap().unwrap().version == second.version {
            break;
        }
    }
    assert_eq!(direct.replace(&key, &key, &third, &second, NOW).await.unwrap(), Replaced::Done);
    line.holds.store(false, Ordering::SeqCst);
    line.breaks.notify_waiters();
    let error = replacing.await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error}");

    // What may be done twice is: the next request does not notice.
    line.breaks.notify_waiters();
    assert_eq!(behind.load(&key, NOW).await.unwrap().unwrap().version, third.version);
}

/// A server that dies within its first answer is away; what answers in another protocol is another program.
#[tokio::test]
async fn a_part_of_an_answer_is_an_outage_and_another_protocol_is_not() {
    for (answer, kind) in [
        ("+O", StoreErrorKind::Unavailable),
        ("*2\r\n:1\r\n", StoreErrorKind::Unavailable),
        ("HTTP/1.1 400 Bad Request\r\n\r\n", StoreErrorKind::Misconfigured),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let _ = client.read(&mut [0; 1024]).await;
                let _ = client.write_all(answer.as_bytes()).await;
            }
        });
        let error = RedisConnection::connect(&format!("redis://{address}")).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{answer}: {error}");
        server.abort();
    }
}
