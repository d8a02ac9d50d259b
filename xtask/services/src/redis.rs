//! Redis or Valkey: what its three forms share.

pub(crate) mod cluster;
pub(crate) mod nodes;
mod resp;
pub(crate) mod sentinel;
pub(crate) mod single;

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::error::StartError;
use crate::process::{End, Launch};
use crate::server::Server;
use crate::{ports, program};

const NAME: &str = "Redis";
const PROGRAMS: &[&str] = &["redis-server", "valkey-server"];

/// How long a node may be silent until the others say that it is dead, in milliseconds: a failover begins soon after a kill, but
/// not because a busy machine let a node wait.
const DEAD_AFTER: u32 = 3_000;

fn program() -> Result<PathBuf, StartError> {
    let missing = StartError::Missing { program: "redis-server", package: "redis-server" };
    program::newest(PROGRAMS).ok_or(missing)
}

/// What kind of server the program becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// It keeps data.
    Data,
    /// It watches those that do.
    Sentinel,
}

/// Starts one process at a free port, in a folder of its own in `top`, with these settings besides the usual ones.
fn start(kind: Kind, top: &Path, settings: &str) -> Result<Server, StartError> {
    let program = program()?;
    let address = ports::free().map_err(StartError::system(NAME, "no free port"))?;
    let folder = top.join(address.port().to_string());
    std::fs::create_dir(&folder).map_err(StartError::system(NAME, "no temporary folder"))?;
    configure(kind, &folder, address, settings)?;
    let mut arguments = vec!["redis.conf".into()];
    arguments.extend((kind == Kind::Sentinel).then(|| "--sentinel".into()));
    let launch = Launch { name: NAME, program, arguments, folder, user: None, end: End::Kill };
    Server::start(launch, address, resp::is_ready)
}

/// Writes the file of settings, which the process changes itself as its role changes.
fn configure(kind: Kind, folder: &Path, address: SocketAddr, settings: &str) -> Result<(), StartError> {
    let mut text = format!("bind {}\nport {}\n", address.ip(), address.port());
    if kind == Kind::Data {
        // A replica that has just connected need not wait for others to share a copy with; and a cluster names no replica before
        // its primary has sent something, which else happens every ten seconds.
        text.push_str("save \"\"\nappendonly no\nrepl-diskless-sync yes\nrepl-diskless-sync-delay 0\nrepl-ping-replica-period 1\n");
    }
    let _ = writeln!(text, "{settings}");
    std::fs::write(folder.join("redis.conf"), text)
        .map_err(StartError::system(NAME, "cannot write its settings"))
}
