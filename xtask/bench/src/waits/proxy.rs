//! A proxy before a store's server that counts how often somebody has waited for an answer.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

#[derive(Clone, Debug)]
pub(crate) struct Proxy {
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    ToServer,
    ToClient,
}

/// What has gone through all connections together: two questions that are on their way at the same time are one wait.
#[derive(Debug)]
struct Seen {
    last: Direction,
    waits: u64,
    at: Instant,
}

impl Proxy {
    /// Before this server; it ends with the runtime.
    pub(crate) async fn start(server: SocketAddr) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let seen = Seen { last: Direction::ToClient, waits: 0, at: Instant::now() };
        let proxy = Self { address: listener.local_addr()?, seen: Arc::new(Mutex::new(seen)) };
        let this = proxy.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(server).await else { return };
                let _ = (client.set_nodelay(true), server.set_nodelay(true));
                let ((from_client, to_client), (from_server, to_server)) =
                    (client.into_split(), server.into_split());
                tokio::spawn(this.clone().pass(from_client, to_server, Direction::ToServer));
                tokio::spawn(this.clone().pass(from_server, to_client, Direction::ToClient));
            }
        });
        Ok(proxy)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// How often an answer has come behind a question, up to a moment of silence: what a request has left for later counts too.
    pub(crate) async fn waits(&self) -> u64 {
        const SILENCE: Duration = Duration::from_millis(15);
        loop {
            let (waits, since) = {
                let seen = self.seen();
                (seen.waits, seen.at.elapsed())
            };
            if since >= SILENCE {
                return waits;
            }
            tokio::time::sleep(SILENCE - since).await;
        }
    }

    async fn pass(self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf, direction: Direction) {
        let mut bytes = vec![0; 64 * 1024];
        while let Ok(count @ 1..) = from.read(&mut bytes).await {
            {
                let mut seen = self.seen();
                let answered = seen.last == Direction::ToServer && direction == Direction::ToClient;
                seen.waits += u64::from(answered);
                (seen.last, seen.at) = (direction, Instant::now());
            }
            if to.write_all(&bytes[..count]).await.is_err() {
                return;
            }
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        // Nobody panics with it.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
