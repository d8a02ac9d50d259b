//! The primary that the sentinels name.
//!
//! A connection of the redis crate's own client for sentinels stays with the server that was the primary when it was made. Here
//! the sentinels are asked again whenever that server behaves like one that is no longer: the connection breaks, it does not
//! answer in time, it refuses to write, or its replicas do not follow.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redis::aio::MultiplexedConnection;
use redis::sentinel::{SentinelClient, SentinelNodeConnectionInfo, SentinelServerType};
use redis::{
    AsyncConnectionConfig, Cmd, ConnectionAddr, Pipeline, RedisError, RedisResult, ServerError, TlsMode,
    Value,
};

use crate::address::Sentinels;
use crate::batch::{Carrier, Queue};
use crate::connection::Timeouts;
use crate::error::Error;
use crate::request::Twice;
use crate::single::tcp_settings;

/// A connection to the primary, whichever that is. Clones are the same.
#[derive(Clone)]
pub(crate) struct Primary {
    /// One asks at a time; the others wait for its answer.
    sentinels: Arc<tokio::sync::Mutex<SentinelClient>>,
    known: Arc<Mutex<Known>>,
    queue: Queue,
    timeouts: Timeouts,
}

#[derive(Default)]
struct Known {
    /// Counts how often the sentinels were asked, so that who waited for an answer does not ask again at once, and who has an old
    /// connection does not give up a new one.
    asked: u64,
    connection: Option<MultiplexedConnection>,
    /// Why the last question led to no connection.
    failed: Option<RedisError>,
}

impl Primary {
    pub(crate) async fn connect(sentinels: Sentinels, timeouts: Timeouts) -> Result<Self, Error> {
        let primary = Self::later(sentinels, timeouts)?;
        primary.connection().await?;
        Ok(primary)
    }

    /// A connection that is made when it is first used.
    pub(crate) fn later(sentinels: Sentinels, timeouts: Timeouts) -> Result<Self, Error> {
        let mut node = SentinelNodeConnectionInfo::default()
            .set_redis_connection_info(sentinels.primary.redis_settings().clone())
            .set_tcp_settings(tcp_settings());
        if let ConnectionAddr::TcpTls { insecure, .. } = sentinels.primary.addr() {
            node = node.set_tls_mode(if *insecure { TlsMode::Insecure } else { TlsMode::Secure });
        }
        let client =
            SentinelClient::build(sentinels.nodes, sentinels.name, Some(node), SentinelServerType::Master)?;
        let sentinels = Arc::new(tokio::sync::Mutex::new(client));
        Ok(Self { sentinels, known: Arc::default(), queue: Queue::new(), timeouts })
    }

    /// One more connection to the primary, made when it is first used; for commands that wait.
    pub(crate) fn another(&self) -> Self {
        Self { known: Arc::default(), queue: Queue::each_alone(), ..self.clone() }
    }

    /// Sends commands. Those that may be done twice are sent again where the connection broke, and all where the server was no
    /// primary, to the one that is.
    pub(crate) async fn send(&self, commands: Vec<Cmd>, twice: Twice) -> Result<Vec<Value>, Error> {
        Ok(self.queue.send(self, commands, twice).await?)
    }

    /// Asks the sentinels before the next command.
    pub(crate) fn doubt(&self) {
        self.known().connection = None;
    }

    /// The connection, and the question to which it was the answer.
    async fn connection(&self) -> RedisResult<(u64, MultiplexedConnection)> {
        let before = {
            let known = self.known();
            if let Some(connection) = &known.connection {
                return Ok((known.asked, connection.clone()));
            }
            known.asked
        };
        let mut sentinels = self.sentinels.lock().await;
        {
            let known = self.known();
            if let Some(connection) = &known.connection {
                return Ok((known.asked, connection.clone()));
            }
            // Somebody asked while this one waited, in vain: their answer is as good as another would be.
            if known.asked != before
                && let Some(error) = &known.failed
            {
                return Err(error.clone());
            }
        }
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.timeouts.connect()))
            .set_response_timeout(Some(self.timeouts.response()));
        let patience = self.timeouts.connect() + self.timeouts.response();
        // Rarely needed and large: it would be a part of every verb's future.
        let answer = Box::pin(sentinels.get_async_connection_with_config(&config));
        let answer = tokio::time::timeout(patience, answer).await.unwrap_or_else(|_| {
            Err(std::io::Error::new(std::io::ErrorKind::TimedOut, "no sentinel answered in time").into())
        });
        let mut known = self.known();
        known.asked += 1;
        known.failed = answer.as_ref().err().cloned();
        known.connection = answer.as_ref().ok().cloned();
        answer.map(|connection| (known.asked, connection))
    }

    /// Gives up the connection that this question led to, if it is still the present one.
    fn give_up(&self, asked: u64) {
        let mut known = self.known();
        if known.asked == asked {
            known.connection = None;
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Nothing that can panic runs under the lock, so a poisoned one holds whole data.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Carrier for Primary {
    async fn carry(&self, sent: &Pipeline) -> RedisResult<Vec<Value>> {
        let (asked, mut connection) = self.connection().await?;
        let answers = connection.send_packed_commands(sent, 0, sent.len()).await;
        if answers.as_ref().map_or(true, |answers| answers.iter().any(Self::is_refused)) {
            self.give_up(asked);
        }
        answers
    }

    fn is_broken(error: &RedisError) -> bool {
        error.is_connection_dropped()
    }

    fn is_refused(answer: &Value) -> bool {
        matches!(answer, Value::ServerError(error) if is_no_primary(error))
    }
}

/// What a server says that was the primary, or is to become one. Redis 6 has what a script was told in the middle of its text.
fn is_no_primary(error: &ServerError) -> bool {
    matches!(error.code(), "READONLY" | "LOADING" | "MASTERDOWN" | "UNBLOCKED")
        || error.details().is_some_and(|details| details.contains("-READONLY "))
}
