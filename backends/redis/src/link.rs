//! To what kind of server a connection is.

use redis::{Cmd, Value};

#[cfg(feature = "cluster")]
use crate::cluster::Cluster;
use crate::error::Error;
use crate::request::{Twice, answer};
#[cfg(feature = "sentinel")]
use crate::sentinel::Primary;
use crate::single::Server;

#[derive(Clone)]
pub(crate) enum Link {
    Single(Server),
    #[cfg(feature = "cluster")]
    Cluster(Cluster),
    #[cfg(feature = "sentinel")]
    Sentinel(Primary),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Single,
    #[cfg_attr(not(feature = "cluster"), expect(dead_code, reason = "there is no such connection"))]
    Cluster,
    #[cfg_attr(not(feature = "sentinel"), expect(dead_code, reason = "there is no such connection"))]
    Sentinel,
}

/// A server that holds keys: the only one, or one of a cluster's primaries.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Node {
    Only,
    #[cfg(feature = "cluster")]
    Of {
        host: String,
        port: u16,
    },
}

impl Link {
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Single(_) => Kind::Single,
            #[cfg(feature = "cluster")]
            Self::Cluster(_) => Kind::Cluster,
            #[cfg(feature = "sentinel")]
            Self::Sentinel(_) => Kind::Sentinel,
        }
    }

    pub(crate) fn another(&self) -> Self {
        match self {
            Self::Single(server) => Self::Single(server.another()),
            #[cfg(feature = "cluster")]
            Self::Cluster(cluster) => Self::Cluster(cluster.another()),
            #[cfg(feature = "sentinel")]
            Self::Sentinel(primary) => Self::Sentinel(primary.another()),
        }
    }

    pub(crate) async fn ping(&self) -> Result<(), Error> {
        #[cfg(feature = "cluster")]
        if let Self::Cluster(cluster) = self {
            return cluster.ping().await;
        }
        let ping = vec![redis::cmd("PING")];
        answer(self.send(None, ping, Twice::Harmless).await?.pop().unwrap_or(Value::Nil)).map(drop)
    }

    #[cfg_attr(
        not(feature = "cluster"),
        expect(clippy::unused_async, reason = "only a cluster must be asked")
    )]
    pub(crate) async fn nodes(&self) -> Result<Vec<Node>, Error> {
        #[cfg(feature = "cluster")]
        if let Self::Cluster(cluster) = self {
            return cluster.nodes().await;
        }
        Ok(vec![Node::Only])
    }

    /// Sends commands to the server that has this key.
    #[cfg_attr(not(feature = "cluster"), expect(unused_variables, reason = "every server has every key"))]
    pub(crate) async fn send(
        &self,
        key: Option<&[u8]>,
        commands: Vec<Cmd>,
        twice: Twice,
    ) -> Result<Vec<Value>, Error> {
        match self {
            Self::Single(server) => server.send(commands, twice).await,
            #[cfg(feature = "cluster")]
            Self::Cluster(cluster) => cluster.send(key.unwrap_or_default(), commands, twice).await,
            #[cfg(feature = "sentinel")]
            Self::Sentinel(primary) => primary.send(commands, twice).await,
        }
    }

    /// Sends commands to this server, which may be done twice.
    pub(crate) async fn send_to(&self, node: &Node, commands: Vec<Cmd>) -> Result<Vec<Value>, Error> {
        match (self, node) {
            #[cfg(feature = "cluster")]
            (Self::Cluster(cluster), Node::Of { host, port }) => cluster.send_to(host, *port, commands).await,
            (_, _) => self.send(None, commands, Twice::Harmless).await,
        }
    }

    /// Heeds that a primary's replicas do not follow: it may be one that has been replaced and does not know it.
    #[cfg_attr(not(feature = "sentinel"), expect(clippy::unused_self, reason = "nobody else could be asked"))]
    pub(crate) fn doubt(&self) {
        #[cfg(feature = "sentinel")]
        if let Self::Sentinel(primary) = self {
            primary.doubt();
        }
    }
}
