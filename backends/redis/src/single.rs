//! One server.

use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::io::tcp::TcpSettings;
use redis::{Client, Cmd, ErrorKind, Pipeline, RedisError, RedisResult, Value};

use crate::batch::{Carrier, Queue};
use crate::connection::Timeouts;
use crate::error::Error;
use crate::replaceable::{Present, Replaceable};
use crate::request::Twice;

/// A second try finds a server that was just restarting; with more, a request would wait for an outage to end.
const TRIES: usize = 1;
const PAUSE: Duration = Duration::from_millis(50);

/// A connection to it.
#[derive(Clone)]
pub(crate) struct Server {
    present: Replaceable<ConnectionManager>,
    queue: Queue,
    /// How it was made, if it was made here.
    origin: Option<(Client, Timeouts)>,
}

impl Server {
    pub(crate) async fn connect(client: Client, timeouts: Timeouts) -> Result<Self, Error> {
        let manager = client.get_connection_manager_with_config(config(timeouts)).await?;
        Ok(Self::new(manager, Some((client, timeouts))))
    }

    /// A connection that is made when it is first used, and tried again each time until it stands.
    pub(crate) fn later(client: Client, timeouts: Timeouts) -> Result<Self, Error> {
        let manager = client.get_connection_manager_lazy(config(timeouts))?;
        Ok(Self::new(manager, Some((client, timeouts))))
    }

    fn new(manager: ConnectionManager, origin: Option<(Client, Timeouts)>) -> Self {
        Self { present: Replaceable::new(manager), queue: Queue::new(), origin }
    }

    /// One more connection to the same server, made when it is first used; for commands that wait. The same one where it is the
    /// application's.
    pub(crate) fn another(&self) -> Self {
        let manager = self.connect_later().unwrap_or_else(|| self.present.present().connection);
        Self { queue: Queue::each_alone(), ..Self::new(manager, self.origin.clone()) }
    }

    /// Sends commands. Those that may be done twice are sent again where the connection was found broken: after a restart of the
    /// server the first request would fail otherwise.
    pub(crate) async fn send(&self, commands: Vec<Cmd>, twice: Twice) -> Result<Vec<Value>, Error> {
        Ok(self.queue.send(self, commands, twice).await?)
    }

    /// A connection that is made when it is first used.
    fn connect_later(&self) -> Option<ConnectionManager> {
        let (client, timeouts) = self.origin.as_ref()?;
        client.get_connection_manager_lazy(config(*timeouts)).ok()
    }
}

impl Carrier for Server {
    async fn carry(&self, sent: &Pipeline) -> RedisResult<Vec<Value>> {
        let Present { mut connection, number } = self.present.present();
        let answers = connection.send_packed_commands(sent, 0, sent.len()).await;
        // The manager notices only the end of a connection. On one that a firewall has forgotten no answer comes, and an error of
        // another kind it keeps for ever.
        if answers.as_ref().is_err_and(|error| error.is_timeout() || is_half_an_answer(error)) {
            self.present.replace(number, || self.connect_later());
        }
        answers
    }

    fn is_broken(error: &RedisError) -> bool {
        error.is_connection_dropped() || is_half_an_answer(error)
    }

    /// There is no other server.
    fn is_refused(_: &Value) -> bool {
        false
    }
}

/// Whether a connection has ended within an answer, as that to its first question.
fn is_half_an_answer(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Parse
}

impl From<ConnectionManager> for Server {
    fn from(manager: ConnectionManager) -> Self {
        Self::new(manager, None)
    }
}

fn config(timeouts: Timeouts) -> ConnectionManagerConfig {
    ConnectionManagerConfig::new()
        .set_connection_timeout(Some(timeouts.connect()))
        .set_response_timeout(Some(timeouts.response()))
        .set_number_of_retries(TRIES)
        .set_min_delay(PAUSE)
        .set_max_delay(PAUSE)
}

/// What is worth setting of TCP, where the address does not say.
pub(crate) fn tcp_settings() -> TcpSettings {
    // Commands are small, and each is waited for: none is held back to be sent with the next.
    let settings = TcpSettings::default().set_nodelay(true);
    // A server whose machine died says nothing more. After this long without an acknowledgement the connection is given up;
    // the system's own patience is a quarter of an hour.
    #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
    let settings = settings.set_user_timeout(Duration::from_secs(5));
    settings
}
