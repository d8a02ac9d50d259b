//! A cluster. The client of the redis crate knows which server has which key, and learns it anew when one fails over.
//! What is sent once more, and where, is said here.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use redis::cluster::{ClusterClient, ClusterClientBuilder, ClusterConfig};
use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::{
    MultipleNodeRoutingInfo, ResponsePolicy, Route, RoutingInfo, SingleNodeRoutingInfo, SlotAddr,
};
use redis::{Cmd, ConnectionInfo, ErrorKind, Pipeline, RedisError, ServerErrorKind, Value};

use crate::connection::Timeouts;
use crate::error::Error;
use crate::link::Node;
use crate::replaceable::{Present, Replaceable};
use crate::request::{Twice, answer, string};
use crate::single::tcp_settings;

/// A key may have moved, and so may the server that it is said to be on.
const TRIES: u32 = 5;
/// The first pause between two of them; each is twice as long as the one before.
const PAUSE: Duration = Duration::from_millis(10);

/// A connection to all of its servers.
#[derive(Clone)]
pub(crate) struct Cluster {
    servers: Replaceable<ClusterConnection>,
    renewal: Arc<AtomicBool>,
    /// How it was made, if it was made here.
    client: Option<ClusterClient>,
}

impl Cluster {
    pub(crate) async fn connect(nodes: Vec<ConnectionInfo>, timeouts: Timeouts) -> Result<Self, Error> {
        let client = Self::client(nodes, timeouts)?;
        Ok(Self::new(client.get_async_connection().await?, Some(client)))
    }

    /// A connection that is made in the background, and tried again until it stands.
    pub(crate) fn later(nodes: Vec<ConnectionInfo>, timeouts: Timeouts) -> Result<Self, Error> {
        let client = Self::client(nodes, timeouts)?;
        Ok(Self::new(connect_later(&client), Some(client)))
    }

    fn client(nodes: Vec<ConnectionInfo>, timeouts: Timeouts) -> Result<ClusterClient, Error> {
        let builder = ClusterClientBuilder::new(nodes)
            .connection_timeout(timeouts.connect())
            .response_timeout(timeouts.response())
            // It would send everything again, also what may have been done.
            .retries(0)
            .tcp_settings(tcp_settings());
        Ok(builder.build()?)
    }

    fn new(connection: ClusterConnection, client: Option<ClusterClient>) -> Self {
        Self { servers: Replaceable::new(connection), renewal: Arc::default(), client }
    }

    /// One more connection to the same servers, made in the background. The same one where it is the application's.
    pub(crate) fn another(&self) -> Self {
        let connection =
            self.client.as_ref().map_or_else(|| self.servers.present().connection, connect_later);
        Self::new(connection, self.client.clone())
    }

    /// Sends commands to the server that has this key.
    pub(crate) async fn send(
        &self,
        key: &[u8],
        commands: Vec<Cmd>,
        twice: Twice,
    ) -> Result<Vec<Value>, Error> {
        // Reads too: a replica may not know yet that somebody has logged out.
        let server = SingleNodeRoutingInfo::SpecificNode(Route::with_key(key, SlotAddr::Master));
        self.route(commands, server, twice).await
    }

    /// Sends commands to this server, which may be done twice.
    pub(crate) async fn send_to(
        &self,
        host: &str,
        port: u16,
        commands: Vec<Cmd>,
    ) -> Result<Vec<Value>, Error> {
        let server = SingleNodeRoutingInfo::ByAddress { host: host.to_owned(), port };
        self.route(commands, server, Twice::Harmless).await
    }

    async fn route(
        &self,
        commands: Vec<Cmd>,
        to: SingleNodeRoutingInfo,
        twice: Twice,
    ) -> Result<Vec<Value>, Error> {
        let (commands, mut tries) = (pipeline(commands), Tries::new(twice));
        loop {
            let Present { mut connection, number } = self.servers.present();
            let answers = match &tries.next {
                Next::Same => {
                    connection.route_pipeline(commands.clone(), 0, commands.len(), to.clone()).await
                }
                Next::Asking { host, port } => {
                    let there = SingleNodeRoutingInfo::ByAddress { host: host.clone(), port: *port };
                    let asking = asking(&commands);
                    let answers = connection.route_pipeline(asking, 0, 2 * commands.len(), there).await;
                    answers.map(|answers| answers.into_iter().skip(1).step_by(2).collect())
                }
            };
            match answers {
                Ok(answers) => return Ok(answers),
                Err(error) => self.mend(number, error, &mut tries).await?,
            }
        }
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
        let mut tries = Tries::new(Twice::Harmless);
        loop {
            let Present { mut connection, number } = self.servers.present();
            let routing = RoutingInfo::MultiNode((MultipleNodeRoutingInfo::AllMasters, policy));
            match connection.route_command(redis::cmd("PING"), routing).await {
                Ok(answers) => return answer(answers),
                Err(error) => self.mend(number, error, &mut tries).await?,
            }
        }
    }

    /// Waits until another try is worth it, if it is. The client has looked for the servers anew by then.
    async fn mend(&self, number: u64, error: RedisError, tries: &mut Tries) -> Result<(), Error> {
        if error.is_timeout() {
            self.begin_again(number);
        }
        match tries.after(&error) {
            None => Err(read_error(error)),
            Some(pause) => {
                tokio::time::sleep(pause).await;
                Ok(())
            }
        }
    }

    /// A server that hangs keeps its connections, and so the client would not notice that another has taken its place: it looks for
    /// the servers anew when a connection breaks or a key has moved, not when an answer does not come. A new client does; the old
    /// one serves until that stands, for the other servers may well answer.
    fn begin_again(&self, number: u64) {
        let Some(client) = self.client.clone() else { return };
        if self.servers.present().number != number || self.renewal.swap(true, Ordering::AcqRel) {
            return;
        }
        let renewal = Renewal(Arc::clone(&self.renewal));
        let servers = self.servers.clone();
        tokio::spawn(async move {
            if let Ok(connection) = client.get_async_connection().await {
                servers.replace(number, || Some(connection));
            }
            drop(renewal);
        });
    }
}

/// That a connection is being made in the place of another. Where the runtime ends before, the next that needs it begins again.
struct Renewal(Arc<AtomicBool>);

impl Drop for Renewal {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// How often something has been sent, and where it is sent next.
#[derive(Debug)]
struct Tries {
    twice: Twice,
    made: u32,
    next: Next,
}

#[derive(Debug, PartialEq, Eq)]
enum Next {
    /// Where it belongs.
    Same,
    /// To the server that takes over its slot, and has its key already.
    Asking { host: String, port: u16 },
}

impl Tries {
    fn new(twice: Twice) -> Self {
        Self { twice, made: 0, next: Next::Same }
    }

    /// After which pause it is sent again, if at all.
    fn after(&mut self, error: &RedisError) -> Option<Duration> {
        self.made += 1;
        self.next = match error.kind() {
            _ if self.made == TRIES => return None,
            ErrorKind::Server(ServerErrorKind::Ask) => Self::redirected(error)?,
            // It was refused, or nobody was found to send it to.
            ErrorKind::Server(
                ServerErrorKind::Moved
                | ServerErrorKind::TryAgain
                | ServerErrorKind::ClusterDown
                | ServerErrorKind::MasterDown
                | ServerErrorKind::ReadOnly
                | ServerErrorKind::BusyLoading,
            )
            | ErrorKind::ClusterConnectionNotFound => Next::Same,
            // It may have been done.
            _ if error.is_connection_dropped() && self.twice == Twice::Harmless => Next::Same,
            _ => return None,
        };
        let pauses = if self.next == Next::Same { 2_u32.pow(self.made - 1) } else { 0 };
        Some(PAUSE * pauses)
    }

    fn redirected(error: &RedisError) -> Option<Next> {
        let (address, _) = error.redirect_node()?;
        let (host, port) = address.rsplit_once(':')?;
        Some(Next::Asking { host: host.to_owned(), port: port.parse().ok()? })
    }
}

/// Commands that are sent together.
fn pipeline(commands: Vec<Cmd>) -> Pipeline {
    let mut pipeline = Pipeline::with_capacity(commands.len());
    for command in commands {
        pipeline.add_command(command);
    }
    pipeline
}

/// Commands, each after a word that has the server answer for a slot that it is about to have.
fn asking(commands: &Pipeline) -> Pipeline {
    let mut asking = Pipeline::with_capacity(2 * commands.len());
    for command in commands.cmd_iter() {
        asking.cmd("ASKING").add_command(command.clone());
    }
    asking
}

fn read_error(error: RedisError) -> Error {
    match error.kind() {
        // After its tries a key is still somewhere else: its slot is on the move.
        ErrorKind::Server(ServerErrorKind::Moved | ServerErrorKind::Ask) => Error::Passing(error),
        _ => Error::from(error),
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

#[cfg(test)]
mod tests {
    use redis::parse_redis_value;

    use super::*;

    fn refusal(answer: &str) -> RedisError {
        parse_redis_value(format!("-{answer}\r\n").as_bytes())
            .and_then(Value::extract_error)
            .expect_err("a refusal")
    }

    fn broken() -> RedisError {
        std::io::Error::from(std::io::ErrorKind::BrokenPipe).into()
    }

    #[test]
    fn what_may_have_been_done_is_sent_again_where_that_does_no_harm() {
        for (twice, error, again) in [
            (Twice::Harmless, broken(), true),
            (Twice::Never, broken(), false),
            (Twice::Never, refusal("MOVED 3999 127.0.0.1:6381"), true),
            (Twice::Never, refusal("READONLY You can't write against a read only replica."), true),
            (Twice::Harmless, refusal("OOM command not allowed"), false),
        ] {
            let mut tries = Tries::new(twice);
            assert_eq!(tries.after(&error).is_some(), again, "{twice:?} {error}");
            assert_eq!(tries.next, Next::Same);
        }
    }

    #[test]
    fn it_is_not_tried_for_ever() {
        let mut tries = Tries::new(Twice::Harmless);
        let pauses: Vec<_> = std::iter::from_fn(|| tries.after(&broken())).collect();
        assert_eq!(pauses, [10, 20, 40, 80].map(Duration::from_millis));
    }

    #[test]
    fn a_key_that_has_moved_ahead_of_its_slot_is_asked_for_there() {
        let mut tries = Tries::new(Twice::Never);
        assert_eq!(tries.after(&refusal("ASK 3999 127.0.0.1:6381")), Some(Duration::ZERO));
        assert_eq!(tries.next, Next::Asking { host: "127.0.0.1".to_owned(), port: 6381 });

        let asked = asking(&pipeline(vec![redis::cmd("GET"), redis::cmd("WAIT")]));
        let words: Vec<_> = asked.cmd_iter().flat_map(Cmd::args_iter).collect();
        let plain = |word: &'static str| redis::Arg::Simple(word.as_bytes());
        assert_eq!(words, ["ASKING", "GET", "ASKING", "WAIT"].map(plain));
    }
}
