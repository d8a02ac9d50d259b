//! The connection that stores and caches share.

use std::time::Duration;
use std::{fmt, iter};

use futures_util::future::try_join_all;
use redis::aio::ConnectionManager;
use redis::{Client, Cmd, Value};
use session_core::store::{StoreError, StoreErrorKind, StoreResult};

use crate::address::Address;
#[cfg(feature = "cluster")]
use crate::cluster::Cluster;
use crate::error::Error;
use crate::link::{Kind, Link, Node};
use crate::request::{Request, Twice, answer, integer, is_unknown_script};
#[cfg(feature = "sentinel")]
use crate::sentinel::Primary;
use crate::single::Server;

/// How long Redis may take.
///
/// ```
/// use session_redis::Timeouts;
/// use std::time::Duration;
///
/// let patient = Timeouts::default().with_response(Duration::from_secs(10));
/// assert_eq!(patient.connect(), Duration::from_secs(1));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    connect: Duration,
    response: Duration,
}

impl Timeouts {
    /// Until a connection stands; 1 second by default.
    #[must_use = "this returns the changed settings"]
    pub fn with_connect(self, connect: Duration) -> Self {
        Self { connect, ..self }
    }

    /// Until a command is answered; 2 seconds by default. In a cluster, for each of its tries.
    #[must_use = "this returns the changed settings"]
    pub fn with_response(self, response: Duration) -> Self {
        Self { response, ..self }
    }

    /// Until a connection stands.
    pub fn connect(self) -> Duration {
        self.connect
    }

    /// Until a command is answered.
    pub fn response(self) -> Duration {
        self.response
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(1), response: Duration::from_secs(2) }
    }
}

/// A connection to Redis, which stands again by itself after it broke: to one server, to a cluster, or to whichever server the
/// sentinels name. Any number of requests use it at once. Clones are the same connection.
#[derive(Clone)]
pub struct RedisConnection(Link);

impl RedisConnection {
    /// Connects, with the default [`Timeouts`].
    ///
    /// | address | to |
    /// | --- | --- |
    /// | `redis://[user][:password@]host[:port][/database]` | one server; also `valkey://` |
    /// | `rediss://…`, `valkeys://…` | one server, encrypted (cargo feature `tls`) |
    /// | `unix:///path/to/socket` | one server on this machine |
    /// | `redis+cluster://[user][:password@]host:port,host:port` | a cluster (cargo feature `cluster`); any of its nodes will do |
    /// | `redis+sentinel://[user][:password@]host:port,host:port/name[/database]` | the primary that the sentinels know by this name (cargo feature `sentinel`) |
    /// | `rediss+cluster://…`, `rediss+sentinel://…` | the same, encrypted |
    ///
    /// User and password are those of the Redis servers; where the sentinels ask for their own, they are parameters:
    /// `?sentinel_user=…&sentinel_password=…`. A character that means something in a URL is written as `%` and two digits.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](session_core::store::StoreErrorKind::Misconfigured) where the address is not understood, or the
    /// credentials are refused; [`Unavailable`](session_core::store::StoreErrorKind::Unavailable) where nobody answers.
    pub async fn connect(url: &str) -> StoreResult<Self> {
        Self::connect_with(url, Timeouts::default()).await
    }

    /// As [`connect`](Self::connect), with other timeouts.
    pub async fn connect_with(url: &str, timeouts: Timeouts) -> StoreResult<Self> {
        let address = Address::parse(url)?;
        #[cfg(feature = "tls")]
        choose_cryptography();
        let connection = Self(match address {
            Address::Single(server) => {
                Link::Single(Server::connect(Client::open(*server).map_err(Error::from)?, timeouts).await?)
            }
            #[cfg(feature = "cluster")]
            Address::Cluster(nodes) => Link::Cluster(Cluster::connect(nodes, timeouts).await?),
            #[cfg(feature = "sentinel")]
            Address::Sentinel(sentinels) => Link::Sentinel(Primary::connect(*sentinels, timeouts).await?),
        });
        // A server that wants a password lets a client without one connect, and refuses its first command.
        connection.ping().await?;
        Ok(connection)
    }

    /// As [`connect`](Self::connect), and where nobody answers, it is tried again each time that somebody asks.
    pub(crate) async fn connect_in_time(url: &str) -> StoreResult<Self> {
        let (address, timeouts) = (Address::parse(url)?, Timeouts::default());
        #[cfg(feature = "tls")]
        choose_cryptography();
        let connection = Self(match address {
            Address::Single(server) => {
                Link::Single(Server::later(Client::open(*server).map_err(Error::from)?, timeouts)?)
            }
            #[cfg(feature = "cluster")]
            Address::Cluster(nodes) => Link::Cluster(Cluster::later(nodes, timeouts)?),
            #[cfg(feature = "sentinel")]
            Address::Sentinel(sentinels) => Link::Sentinel(Primary::later(*sentinels, timeouts)?),
        });
        match connection.ping().await.map_err(StoreError::from) {
            Err(error) if error.kind() != StoreErrorKind::Unavailable => Err(error),
            Ok(()) | Err(_) => Ok(connection),
        }
    }

    /// Connects by the application's own client, whose timeouts and other settings hold.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect).
    pub async fn from_client(client: &Client, timeouts: Timeouts) -> StoreResult<Self> {
        Ok(Self(Link::Single(Server::connect(client.clone(), timeouts).await?)))
    }

    /// One more connection to the same servers, for what others should not wait behind. The same one where it was not made here.
    pub(crate) fn another(&self) -> Self {
        Self(self.0.another())
    }

    /// Whether keys may be on different servers.
    pub(crate) fn is_cluster(&self) -> bool {
        matches!(self.0.kind(), Kind::Cluster)
    }

    pub(crate) async fn ping(&self) -> Result<(), Error> {
        self.0.ping().await
    }

    /// The servers that hold keys.
    pub(crate) async fn nodes(&self) -> Result<Vec<Node>, Error> {
        self.0.nodes().await
    }

    /// Asks one thing.
    pub(crate) async fn ask(&self, request: &Request) -> Result<Value, Error> {
        self.ask_and_wait(request, None).await.map(|(value, _)| value)
    }

    /// Asks one thing and, in the same trip, waits until this many replicas have it, or this long. Says how many had.
    pub(crate) async fn ask_and_wait(
        &self,
        request: &Request,
        replicas: Option<&Replicas>,
    ) -> Result<(Value, i64), Error> {
        let through = replicas.map_or(self, |replicas| &replicas.connection);
        let send = async |command: Cmd| {
            let commands = iter::once(command).chain(replicas.map(Replicas::to_wait)).collect();
            through.0.send(Some(request.place()), commands, request.twice()).await
        };
        let mut answers = send(request.to_command()).await?;
        if answers.first().is_some_and(is_unknown_script) {
            answers = send(request.to_command_in_full()).await?;
        }
        let acknowledged = match (replicas, answers.len()) {
            (Some(replicas), 2) => {
                let acknowledged = integer(&answer(answers.remove(1))?)?;
                if acknowledged < i64::from(replicas.count) {
                    self.0.doubt();
                    through.0.doubt();
                }
                acknowledged
            }
            (None, 1) => 0,
            _ => return Err(Error::Answer),
        };
        Ok((answer(answers.remove(0))?, acknowledged))
    }

    /// Asks several things at once, which is one wait.
    pub(crate) async fn ask_all(&self, requests: &[Request]) -> Result<Vec<Value>, Error> {
        if self.is_cluster() {
            return try_join_all(requests.iter().map(|request| self.ask(request))).await;
        }
        let Some(first) = requests.first() else {
            return Ok(Vec::new());
        };
        self.ask_all_at(Some(first.place()), requests, None).await
    }

    /// Asks several things, each of which may be done twice, of the server of one key or of one node.
    async fn ask_all_at(
        &self,
        place: Option<&[u8]>,
        requests: &[Request],
        node: Option<&Node>,
    ) -> Result<Vec<Value>, Error> {
        let send = async |commands| match node {
            Some(node) => self.0.send_to(node, commands).await,
            None => self.0.send(place, commands, Twice::Harmless).await,
        };
        let mut answers = send(requests.iter().map(Request::to_command).collect()).await?;
        let unknown: Vec<_> = (0..answers.len()).filter(|i| is_unknown_script(&answers[*i])).collect();
        if !unknown.is_empty() {
            let in_full = unknown.iter().map(|i| requests[*i].to_command_in_full()).collect();
            for (i, again) in unknown.into_iter().zip(send(in_full).await?) {
                answers[i] = again;
            }
        }
        if answers.len() != requests.len() {
            return Err(Error::Answer);
        }
        answers.into_iter().map(answer).collect()
    }

    /// Asks several things of one node, all of whose keys are there.
    pub(crate) async fn ask_node(&self, node: &Node, requests: &[Request]) -> Result<Vec<Value>, Error> {
        if requests.is_empty() { Ok(Vec::new()) } else { self.ask_all_at(None, requests, Some(node)).await }
    }
}

impl From<ConnectionManager> for RedisConnection {
    /// The manager's timeouts hold. Its default is six tries to connect, for up to 12 seconds; a request that waits for them
    /// is better answered early.
    fn from(manager: ConnectionManager) -> Self {
        Self(Link::Single(manager.into()))
    }
}

#[cfg(feature = "cluster")]
impl From<redis::cluster_async::ClusterConnection> for RedisConnection {
    /// The connection's timeouts hold. Sessions are read from primaries, also where it reads other keys from replicas.
    fn from(cluster: redis::cluster_async::ClusterConnection) -> Self {
        Self(Link::Cluster(cluster.into()))
    }
}

impl fmt::Debug for RedisConnection {
    /// To what kind of server. Not its address: where a password was put in its wrong place, it would be shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RedisConnection").field(&self.0.kind()).finish()
    }
}

/// rustls lets the application choose, and refuses to guess where several implementations are compiled in. Only where nobody has
/// chosen, and so for this process.
#[cfg(feature = "tls")]
fn choose_cryptography() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Where another thread was faster, its choice is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}

/// How many replicas must have a write before it is acknowledged, and how long that may take.
#[derive(Clone, Debug)]
pub(crate) struct Replicas {
    pub(crate) count: u32,
    pub(crate) timeout: Duration,
    /// Redis answers a connection's commands in their order. Nobody who only reads waits behind those who wait.
    pub(crate) connection: RedisConnection,
}

impl Replicas {
    fn to_wait(&self) -> Cmd {
        // WAIT takes zero for "for ever".
        let millis = u64::try_from(self.timeout.as_millis()).unwrap_or(u64::MAX).clamp(1, 1 << 40);
        redis::cmd("WAIT").arg(self.count).arg(millis).take()
    }
}
