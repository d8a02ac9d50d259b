//! One Redis server.

use tempfile::TempDir;

use super::{Kind, NAME, PROGRAMS, start};
use crate::error::StartError;
use crate::server::{Server, twice};
use crate::{folder, program};

/// One Redis or Valkey server. It keeps nothing on disk, unless it was started [durable](Redis::start_durable): after a restart it is
/// empty.
#[derive(Debug)]
pub struct Redis {
    // Ends before its folder is removed.
    server: Server,
    _folder: TempDir,
}

impl Redis {
    /// Whether this machine has the program, which is also that of [`RedisCluster`](crate::RedisCluster) and of
    /// [`RedisSentinel`](crate::RedisSentinel).
    pub fn is_installed() -> bool {
        program::newest(PROGRAMS).is_some()
    }

    /// Starts the newest Redis of this machine.
    pub fn start() -> Result<Self, StartError> {
        Self::start_with("")
    }

    /// Starts it so that each write is on the disk before it is acknowledged (`appendfsync always`): after a restart all is there.
    pub fn start_durable() -> Result<Self, StartError> {
        Self::start_with("appendonly yes\nappendfsync always")
    }

    fn start_with(settings: &str) -> Result<Self, StartError> {
        twice(|| {
            let folder = folder::new().map_err(StartError::system(NAME, "no temporary folder"))?;
            Ok(Self { server: start(Kind::Data, folder.path(), settings)?, _folder: folder })
        })
    }

    /// `redis://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("redis://{}", self.server.address())
    }

    /// The id of the server's process. Empty after [`Redis::kill`].
    pub fn processes(&self) -> Vec<u32> {
        self.server.id().into_iter().collect()
    }

    /// Kills it as `kill -9` does. Does nothing to one that is killed already.
    pub fn kill(&mut self) {
        self.server.kill();
    }

    /// Starts it again, at the same port, with what it has on disk; kills it first where it runs.
    pub fn restart(&mut self) -> Result<(), StartError> {
        self.server.restart()
    }
}
