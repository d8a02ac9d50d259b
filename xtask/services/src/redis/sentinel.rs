//! A primary, its replica, and their sentinels.

use std::net::SocketAddr;

use tempfile::TempDir;

use super::nodes::{Node, Nodes};
use super::resp::{Answer, ask};
use super::{DEAD_AFTER, Kind, NAME, configure, start};
use crate::error::StartError;
use crate::folder;
use crate::server::{Server, twice};

/// What the sentinels call their primary.
const PRIMARY: &str = "primary";
const SENTINELS: usize = 3;
const QUORUM: usize = 2;

/// One Redis primary, one replica, and three sentinels, two of whom must agree. It keeps no data on disk.
///
/// One replica, so that what it has acknowledged (`WAIT 1`) is there after a failover: of two, sentinels could choose the other.
#[derive(Debug)]
pub struct RedisSentinel {
    // End before their folder is removed.
    sentinels: Nodes,
    data: Nodes,
    _folder: TempDir,
}

impl RedisSentinel {
    /// Starts five processes; returns once every sentinel knows the replica and the other sentinels.
    pub fn start() -> Result<Self, StartError> {
        twice(|| {
            let folder = folder::new().map_err(StartError::system(NAME, "no temporary folder"))?;
            let primary = start(Kind::Data, folder.path(), "")?;
            let settings = replica_of(primary.address());
            let data = Nodes(vec![primary, start(Kind::Data, folder.path(), &settings)?]);
            // Sentinels look for replicas as they start, and then only every ten seconds.
            data.until(|data| data.living().try_for_each(is_linked))?;
            let settings = watch(data.0[0].address());
            let sentinels = (0..SENTINELS).map(|_| start(Kind::Sentinel, folder.path(), &settings));
            let sentinels = Nodes(sentinels.collect::<Result<_, _>>()?);
            sentinels.until(is_whole)?;
            Ok(Self { sentinels, data, _folder: folder })
        })
    }

    /// `redis+sentinel://HOST:PORT,HOST:PORT,…/PRIMARY`, with all sentinels.
    pub fn url(&self) -> String {
        format!("redis+sentinel://{}/{PRIMARY}", self.sentinels.addresses())
    }

    /// The ids of its processes that were not killed.
    pub fn processes(&self) -> Vec<u32> {
        [self.data.processes(), self.sentinels.processes()].concat()
    }

    /// Its nodes, killed ones and sentinels included.
    pub fn nodes(&self) -> Vec<Node> {
        [self.data.list(), self.sentinels.list()].concat()
    }

    /// The primary, as the first sentinel says that answers. In the seconds after a kill that is still the dead one.
    pub fn primary(&self) -> Option<SocketAddr> {
        self.sentinels.living().find_map(|sentinel| {
            let answer = ask(sentinel, &["SENTINEL", "GET-MASTER-ADDR-BY-NAME", PRIMARY]).ok()?;
            let [ip, port] = answer.list() else { return None };
            format!("{}:{}", ip.text(), port.text()).parse().ok()
        })
    }

    /// Kills [`RedisSentinel::primary`], and says which node that was.
    pub fn kill_primary(&mut self) -> Option<SocketAddr> {
        self.primary().filter(|address| self.data.kill(*address))
    }

    /// Kills the node at this address, which may be a sentinel, as `kill -9` does; whether there is one that was not dead already.
    pub fn kill(&mut self, address: SocketAddr) -> bool {
        self.data.kill(address) || self.sentinels.kill(address)
    }

    /// Starts every node again that was killed, at its port, and waits until every sentinel knows all others. They come back
    /// empty, as a replica where another has become the primary.
    pub fn restart(&mut self) -> Result<(), StartError> {
        self.sentinels.dead().try_for_each(Server::restart)?;
        let primary = self.primary();
        self.data.dead().try_for_each(|server| {
            // By itself it would be an empty primary until a sentinel has noticed.
            let another = primary.filter(|primary| *primary != server.address());
            let settings = another.map(replica_of).unwrap_or_default();
            configure(Kind::Data, server.folder(), server.address(), &settings)?;
            server.restart()
        })?;
        self.sentinels.until(is_whole)
    }
}

fn replica_of(primary: SocketAddr) -> String {
    format!("replicaof {} {}\n", primary.ip(), primary.port())
}

fn watch(primary: SocketAddr) -> String {
    let (ip, port) = (primary.ip(), primary.port());
    format!(
        "sentinel monitor {PRIMARY} {ip} {port} {QUORUM}\n\
         sentinel down-after-milliseconds {PRIMARY} {DEAD_AFTER}\n\
         sentinel failover-timeout {PRIMARY} {}\n",
        2 * DEAD_AFTER
    )
}

/// A replica has its primary's data, a primary has a replica.
fn is_linked(node: SocketAddr) -> Result<(), String> {
    let info = ask(node, &["INFO", "replication"]).map_err(|error| format!("{node}: {error}"))?;
    let linked = match info.line("role") {
        "slave" => info.line("master_link_status") == "up",
        _ => info.line("connected_slaves") == "1",
    };
    linked.then_some(()).ok_or_else(|| format!("{node} says: {}", info.text()))
}

/// Every sentinel knows two others and a replica that is well.
fn is_whole(sentinels: &Nodes) -> Result<(), String> {
    sentinels.living().try_for_each(|sentinel| {
        let tell = |what| {
            let answer = ask(sentinel, &["SENTINEL", what, PRIMARY]);
            answer.map_err(|error| format!("{sentinel}: {error}"))
        };
        let is_well = |node: &Answer, flags| node.field("flags") == flags;
        let (primary, replicas, others) = (tell("MASTER")?, tell("SLAVES")?, tell("SENTINELS")?);
        let well = is_well(&primary, "master")
            && replicas.list().len() == 1
            && replicas
                .list()
                .iter()
                .all(|replica| is_well(replica, "slave") && replica.field("master-link-status") == "ok")
            && others.list().len() == SENTINELS - 1
            && others.list().iter().all(|other| is_well(other, "sentinel"));
        well.then_some(()).ok_or_else(|| {
            format!("{sentinel} does not know all others: {primary:?} {replicas:?} {others:?}")
        })
    })
}
