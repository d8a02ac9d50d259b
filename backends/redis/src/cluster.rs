//! A cluster. The client of the redis crate knows which server has which key, and learns it anew when one fails over.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use redis::cluster::{ClusterClient, ClusterClientBuilder, ClusterConfig};
use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::{
    MultipleNodeRoutingInfo, ResponsePolicy, Route, RoutingInfo, SingleNodeRoutingInfo, SlotAddr,
};
use redis::{Cmd, ConnectionInfo, ErrorKind, RedisError, ServerErrorKind, Value};

use crate::connection::Timeouts;
use crate::error::Error;
use crate::link::Node;
use crate::request::{answer, pipeline, string};
use crate::single::tcp_settings;

/// A key may have moved, and so may the server that it is said to be on.
const TRIES: u32 = 4;
/// Milliseconds between them, at most.
const PAUSE: u64 = 100;
/// Answers that do not come may come in thousands at once; the servers are looked for once.
const RENEWAL: Duration = Duration::from_secs(1);

/// A connection to all of its servers.
#[derive(Clone)]
pub(crate) struct Cluster {
    present: Arc<Mutex<Present>>,
    /// How it was made, if it was made here.
    client: Option<ClusterClient>,
}

struct Present {
    connection: ClusterConnection,
    made: Instant,
}

impl Cluster {
    pub(crate) async fn connect(nodes: Vec<ConnectionInfo>, timeouts: Timeouts) -> Result<Self, Error> {
        let builder = ClusterClientBuilder::new(nodes)
            .connection_timeout(timeouts.connect())
            .response_timeout(timeouts.response())
            .retries(TRIES)
            .min_retry_wait(PAUSE / 10)
            .max_retry_wait(PAUSE)
            .tcp_settings(tcp_settings());
        let client = builder.build()?;
        Ok(Self::new(client.get_async_connection().await?, Some(client)))
    }

    fn new(connection: ClusterConnection, client: Option<ClusterClient>) -> Self {
        Self { present: Arc::new(Mutex::new(Present { connection, made: Instant::now() })), client }
    }

    /// One more connection to the same servers, made in the background. The same one where it is the application's.
    pub(crate) fn another(&self) -> Self {
        let connection = self.client.as_ref().map_or_else(|| self.connection(), connect_later);
        Self::new(connection, self.client.clone())
    }

    /// Sends commands to the server that has this key.
    pub(crate) async fn send(&self, key: &[u8], commands: Vec<Cmd>) -> Result<Vec<Value>, Error> {
        // Reads too: a replica may not know yet that somebody has logged out.
        self.route(commands, SingleNodeRoutingInfo::SpecificNode(Route::with_key(key, SlotAddr::Master)))
            .await
    }

    pub(crate) async fn send_to(
        &self,
        host: &str,
        port: u16,
        commands: Vec<Cmd>,
    ) -> Result<Vec<Value>, Error> {
        self.route(commands, SingleNodeRoutingInfo::ByAddress { host: host.to_owned(), port }).await
    }

    async fn route(&self, commands: Vec<Cmd>, to: SingleNodeRoutingInfo) -> Result<Vec<Value>, Error> {
        let count = commands.len();
        let answers = self.connection().route_pipeline(pipeline(commands), 0, count, to).await;
        answers.map_err(|error| self.read_error(error))
    }

    /// The primaries.
    pub(crate) async fn nodes(&self) -> Result<Vec<Node>, Error> {
        // An answer to this has the address of each before what it says.
        let Value::Map(answers) = self.to_primaries(None).await? else {
            return Err(Error::Answer);
        };
        let address = |(address, _): (Value, Value)| {
            let address = string(address)?.and_then(|address| String::from_utf8(address).ok());
            let (host, port) =
                address.as_deref().and_then(|text| text.rsplit_once(':')).ok_or(Error::Answer)?;
            Ok(Node::Of { host: host.to_owned(), port: port.parse().map_err(|_| Error::Answer)? })
        };
        let mut nodes = answers.into_iter().map(address).collect::<Result<Vec<_>, Error>>()?;
        // They come in any order, and a walk that stops at one goes on with those behind it.
        nodes.sort_unstable();
        Ok(nodes)
    }

    /// Whether all primaries answer: sessions are on all of them.
    pub(crate) async fn ping(&self) -> Result<(), Error> {
        self.to_primaries(Some(ResponsePolicy::AllSucceeded)).await.map(drop)
    }

    async fn to_primaries(&self, policy: Option<ResponsePolicy>) -> Result<Value, Error> {
        let routing = RoutingInfo::MultiNode((MultipleNodeRoutingInfo::AllMasters, policy));
        let answered = self.connection().route_command(redis::cmd("PING"), routing).await;
        answer(answered.map_err(|error| self.read_error(error))?)
    }

    fn read_error(&self, error: RedisError) -> Error {
        if error.is_timeout() {
            self.begin_again();
        }
        match error.kind() {
            // After its tries a key is still somewhere else: its slot is on the move.
            ErrorKind::Server(ServerErrorKind::Moved | ServerErrorKind::Ask) => Error::Passing(error),
            _ => Error::from(error),
        }
    }

    /// A server that hangs keeps its connections, and so the client would not notice that another has taken its place: it looks for
    /// the servers anew when a connection breaks or a key has moved, not when an answer does not come.
    fn begin_again(&self) {
        if let Some(client) = &self.client {
            let mut present = self.present();
            if present.made.elapsed() > RENEWAL {
                *present = Present { connection: connect_later(client), made: Instant::now() };
            }
        }
    }

    fn connection(&self) -> ClusterConnection {
        self.present().connection.clone()
    }

    fn present(&self) -> MutexGuard<'_, Present> {
        // Nothing that can panic runs under the lock, so a poisoned one holds whole data.
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<ClusterConnection> for Cluster {
    fn from(connection: ClusterConnection) -> Self {
        Self::new(connection, None)
    }
}

/// A connection that is made in the background; who uses it waits for it.
fn connect_later(client: &ClusterClient) -> ClusterConnection {
    client.get_pending_async_connection_with_config(ClusterConfig::new())
}
