//! Several Redis processes that belong together.

use std::net::SocketAddr;

use super::{NAME, resp};
use crate::error::StartError;
use crate::server::Server;
use crate::wait::{LIMIT, until};

/// One process of a cluster, or of a primary with its replica and its sentinels.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Node {
    /// Where it listens.
    pub address: SocketAddr,
    /// The id of its process; none where it was killed.
    pub process: Option<u32>,
    /// What it says itself that it is; none where it does not answer.
    pub role: Option<Role>,
}

/// What a node does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Role {
    /// It takes writes.
    Primary,
    /// It follows a primary.
    Replica,
    /// It watches the others, and says who is the primary.
    Sentinel,
}

impl Role {
    fn of(address: SocketAddr) -> Option<Self> {
        match resp::ask(address, &["ROLE"]).ok()?.list().first()?.text() {
            "master" => Some(Self::Primary),
            "slave" => Some(Self::Replica),
            "sentinel" => Some(Self::Sentinel),
            _ => None,
        }
    }
}

/// The processes, dead ones included.
#[derive(Debug)]
pub(crate) struct Nodes(pub(crate) Vec<Server>);

impl Nodes {
    pub(crate) fn list(&self) -> Vec<Node> {
        let node = |server: &Server| Node {
            address: server.address(),
            process: server.id(),
            role: server.is_running().then(|| Role::of(server.address())).flatten(),
        };
        self.0.iter().map(node).collect()
    }

    pub(crate) fn processes(&self) -> Vec<u32> {
        self.0.iter().filter_map(Server::id).collect()
    }

    pub(crate) fn living(&self) -> impl Iterator<Item = SocketAddr> {
        self.0.iter().filter(|server| server.is_running()).map(Server::address)
    }

    pub(crate) fn dead(&mut self) -> impl Iterator<Item = &mut Server> {
        self.0.iter_mut().filter(|server| !server.is_running())
    }

    /// Kills the node at this address; whether there is one, and it was not dead already.
    pub(crate) fn kill(&mut self, address: SocketAddr) -> bool {
        let mut living = self.0.iter_mut().filter(|server| server.is_running());
        living.find(|server| server.address() == address).map(Server::kill).is_some()
    }

    /// `HOST:PORT,HOST:PORT,…`
    pub(crate) fn addresses(&self) -> String {
        let addresses: Vec<_> = self.0.iter().map(|server| server.address().to_string()).collect();
        addresses.join(",")
    }

    /// Waits until `ready` says so; else the error has every node's log.
    pub(crate) fn until(&self, ready: impl Fn(&Self) -> Result<(), String>) -> Result<(), StartError> {
        until(LIMIT, || ready(self)).map_err(|last| {
            let logs = self.0.iter().map(|server| format!("{}:\n{}\n", server.address(), server.log()));
            StartError::NotReady { server: NAME, limit: LIMIT, last, log: logs.collect() }
        })
    }
}
