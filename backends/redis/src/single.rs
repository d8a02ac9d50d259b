//! One server.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::io::tcp::TcpSettings;
use redis::{Client, Cmd, ErrorKind, Pipeline, RedisError, RedisResult, Value};

use crate::batch::Queue;
use crate::connection::Timeouts;
use crate::error::Error;

/// A second try finds a server that was just restarting; with more, a request would wait for an outage to end.
const TRIES: usize = 1;
const PAUSE: Duration = Duration::from_millis(50);

/// A connection to it.
#[derive(Clone)]
pub(crate) struct Server {
    present: Arc<Mutex<Present>>,
    queue: Queue,
    /// How it was made, if it was made here.
    origin: Option<(Client, Timeouts)>,
}

#[derive(Clone)]
struct Present {
    manager: ConnectionManager,
    /// Counts the managers, so that who has an old one does not give up a new one.
    number: u64,
}

impl Server {
    pub(crate) async fn connect(client: Client, timeouts: Timeouts) -> Result<Self, Error> {
        let manager = client.get_connection_manager_with_config(config(timeouts)).await?;
        Ok(Self::new(manager, Some((client, timeouts))))
    }

    fn new(manager: ConnectionManager, origin: Option<(Client, Timeouts)>) -> Self {
        Self {
            present: Arc::new(Mutex::new(Present { manager, number: 0 })),
            queue: Queue::default(),
            origin,
        }
    }

    /// One more connection to the same server, made when it is first used. The same one where it is the application's.
    pub(crate) fn another(&self) -> Self {
        let manager = self.connect_later().unwrap_or_else(|| self.present().manager.clone());
        Self::new(manager, self.origin.clone())
    }

    /// Sends commands, and sends them again where the connection was found broken: after a restart of the server the first request
    /// would fail otherwise. Every write may be done twice: a compare-and-set knows its own version, and an index entry or a
    /// deadline is set to what it is. A removal of which the answer was lost counts as none the second time.
    pub(crate) async fn send(&self, commands: Vec<Cmd>) -> Result<Vec<Value>, Error> {
        let carrier = self.clone();
        Ok(self.queue.send(commands, async move |sent| carrier.carry(&sent).await).await?)
    }

    async fn carry(&self, sent: &Pipeline) -> RedisResult<Vec<Value>> {
        match self.carry_once(sent).await {
            Err(error) if error.is_connection_dropped() || is_half_an_answer(&error) => {
                self.carry_once(sent).await
            }
            answers => answers,
        }
    }

    async fn carry_once(&self, sent: &Pipeline) -> RedisResult<Vec<Value>> {
        let Present { mut manager, number } = self.present().clone();
        let answers = manager.send_packed_commands(sent, 0, sent.len()).await;
        // The manager connects again where a connection has ended, and keeps an error of another kind for ever.
        if answers.as_ref().is_err_and(|error| error.is_timeout() || is_half_an_answer(error)) {
            self.give_up(number);
        }
        answers
    }

    /// Takes another connection in the place of one on which no answer came: it may be one that a firewall has forgotten, and the
    /// manager notices only the end of one.
    fn give_up(&self, number: u64) {
        let mut present = self.present();
        if present.number == number
            && let Some(manager) = self.connect_later()
        {
            *present = Present { manager, number: number + 1 };
        }
    }

    /// A connection that is made when it is first used.
    fn connect_later(&self) -> Option<ConnectionManager> {
        let (client, timeouts) = self.origin.as_ref()?;
        client.get_connection_manager_lazy(config(*timeouts)).ok()
    }

    fn present(&self) -> MutexGuard<'_, Present> {
        // Nothing that can panic runs under the lock, so a poisoned one holds whole data.
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
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
