//! A Redis Cluster.

use std::io;
use std::net::SocketAddr;

use tempfile::TempDir;

use super::nodes::{Node, Nodes};
use super::resp::{Answer, ask};
use super::{DEAD_AFTER, Kind, NAME, start};
use crate::error::StartError;
use crate::folder;
use crate::server::twice;

const PRIMARIES: usize = 3;
const NODES: usize = 2 * PRIMARIES;
const SLOTS: usize = 16_384;

/// A Redis Cluster of three primaries, each with one replica. It keeps no data on disk.
///
/// A primary that was killed is replaced by its replica after some seconds.
#[derive(Debug)]
pub struct RedisCluster {
    // End before their folder is removed.
    nodes: Nodes,
    _folder: TempDir,
}

impl RedisCluster {
    /// Starts six processes and joins them; returns once every one of them knows the whole cluster and every replica follows its
    /// primary.
    pub fn start() -> Result<Self, StartError> {
        twice(|| {
            let folder = folder::new().map_err(StartError::system(NAME, "no temporary folder"))?;
            let settings = format!(
                "cluster-enabled yes\ncluster-config-file nodes.conf\ncluster-node-timeout {DEAD_AFTER}\n"
            );
            let servers = (0..NODES).map(|_| start(Kind::Data, folder.path(), &settings));
            let nodes = Nodes(servers.collect::<Result<_, _>>()?);
            join(&nodes)?;
            Ok(Self { nodes, _folder: folder })
        })
    }

    /// `redis+cluster://HOST:PORT,HOST:PORT,…`, with all nodes.
    pub fn url(&self) -> String {
        format!("redis+cluster://{}", self.nodes.addresses())
    }

    /// The ids of its processes that were not killed.
    pub fn processes(&self) -> Vec<u32> {
        self.nodes.processes()
    }

    /// Its nodes, killed ones included.
    pub fn nodes(&self) -> Vec<Node> {
        self.nodes.list()
    }

    /// The primary that has this key's slot, as the first node says that knows one. In the seconds after a kill that is still the
    /// dead one.
    pub fn primary_of(&self, key: &str) -> Option<SocketAddr> {
        self.nodes.living().find_map(|node| {
            let Answer::Number(slot) = ask(node, &["CLUSTER", "KEYSLOT", key]).ok()? else { return None };
            owner(&ask(node, &["CLUSTER", "SLOTS"]).ok()?, slot)
        })
    }

    /// Kills [`RedisCluster::primary_of`] the key, and says which node that was.
    pub fn kill_primary_of(&mut self, key: &str) -> Option<SocketAddr> {
        self.primary_of(key).filter(|address| self.nodes.kill(*address))
    }

    /// Kills the node at this address as `kill -9` does; whether there is one that was not dead already.
    pub fn kill(&mut self, address: SocketAddr) -> bool {
        self.nodes.kill(address)
    }

    /// Starts every node again that was killed, at its port, and waits until the cluster is whole. They come back empty, as
    /// replicas where another has taken their place.
    pub fn restart(&mut self) -> Result<(), StartError> {
        self.nodes.dead().try_for_each(crate::server::Server::restart)?;
        self.nodes.until(is_whole)
    }
}

/// Gives each primary its third of the slots and each replica its primary.
fn join(nodes: &Nodes) -> Result<(), StartError> {
    let addresses: Vec<_> = nodes.living().collect();
    let tell = |node, words: &[&str]| {
        ask(node, words).map_err(StartError::system(NAME, format!("{} {} refused", words[0], words[1])))
    };
    let (primaries, replicas) = addresses.split_at(PRIMARIES);
    for (index, primary) in primaries.iter().enumerate() {
        let slots = index * SLOTS / PRIMARIES..(index + 1) * SLOTS / PRIMARIES;
        let slots: Vec<_> = slots.map(|slot| slot.to_string()).collect();
        let words = ["CLUSTER", "ADDSLOTS"].into_iter().chain(slots.iter().map(String::as_str));
        tell(*primary, &words.collect::<Vec<_>>())?;
        // Different ones from the beginning: none has to be found by a quarrel.
        tell(*primary, &["CLUSTER", "SET-CONFIG-EPOCH", &(index + 1).to_string()])?;
    }
    for (index, node) in addresses.iter().enumerate() {
        for other in &addresses[index + 1..] {
            let (ip, port) = (other.ip().to_string(), other.port().to_string());
            tell(*node, &["CLUSTER", "MEET", &ip, &port])?;
        }
    }
    nodes.until(|nodes| {
        each(nodes, &["CLUSTER", "INFO"], |info| info.line("cluster_known_nodes") == NODES.to_string())?;
        each(nodes, &["CLUSTER", "NODES"], |list| !list.text().contains("handshake"))
    })?;
    for (primary, replica) in primaries.iter().zip(replicas) {
        let id = tell(*primary, &["CLUSTER", "MYID"])?;
        tell(*replica, &["CLUSTER", "REPLICATE", id.text()])?;
    }
    nodes.until(is_whole)
}

/// Every node says that the cluster is well, knows a replica of every primary, and, if it is one, has its primary's data.
fn is_whole(nodes: &Nodes) -> Result<(), String> {
    each(nodes, &["CLUSTER", "INFO"], |info| info.line("cluster_state") == "ok")?;
    each(nodes, &["CLUSTER", "SLOTS"], |slots| {
        // The first slot, the last slot, the primary, and its replicas.
        !slots.list().is_empty() && slots.list().iter().all(|range| range.list().len() > 3)
    })?;
    each(nodes, &["CLUSTER", "NODES"], |list| {
        let well = |line: &str| !line.contains("fail") && line.contains(" connected");
        list.text().lines().count() == NODES && list.text().lines().all(well)
    })?;
    each(nodes, &["INFO", "replication"], |info| match info.line("role") {
        "slave" => info.line("master_link_status") == "up",
        _ => info.line("connected_slaves") != "0",
    })
}

/// Whether every node answers this well; else who does not, and what it says.
fn each(nodes: &Nodes, words: &[&str], is_well: impl Fn(&Answer) -> bool) -> Result<(), String> {
    nodes.living().try_for_each(|node| {
        let unwell = |answer: io::Result<Answer>| format!("{node} says to {}: {answer:?}", words.join(" "));
        match ask(node, words) {
            Ok(answer) if is_well(&answer) => Ok(()),
            answer => Err(unwell(answer)),
        }
    })
}

/// Who has the slot, by the answer to `CLUSTER SLOTS`.
fn owner(slots: &Answer, slot: i64) -> Option<SocketAddr> {
    slots.list().iter().find_map(|range| {
        let [Answer::Number(first), Answer::Number(last), primary, ..] = range.list() else { return None };
        let [ip, Answer::Number(port), ..] = primary.list() else { return None };
        let address = format!("{}:{port}", ip.text()).parse().ok()?;
        (*first..=*last).contains(&slot).then_some(address)
    })
}
