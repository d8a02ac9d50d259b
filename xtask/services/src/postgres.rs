//! PostgreSQL.

use std::ffi::OsString;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::error::StartError;
use crate::folder::{self, User};
use crate::process::{End, Launch};
use crate::server::{Server, ask, set_up, twice};
use crate::{ports, program};

const NAME: &str = "PostgreSQL";
const USER: &str = "test";
const PASSWORD: &str = "test";
const DATABASE: &str = "postgres";

/// A PostgreSQL server with one superuser, who has a password, and the database `postgres`.
///
/// Its time zone is 14 hours ahead of UTC, unless a client asks for another, as sqlx does (UTC). What it acknowledged outlives its
/// process, but not the machine (`fsync` is off). Where this machine has `pg_stat_statements`, the extension is there.
#[derive(Debug)]
pub struct Postgres {
    // Ends before its folder is removed.
    server: Server,
    _folder: TempDir,
}

impl Postgres {
    /// Whether this machine has the programs.
    pub fn is_installed() -> bool {
        Programs::find().is_ok()
    }

    /// Makes a new database and starts the newest PostgreSQL of this machine on it.
    pub fn start() -> Result<Self, StartError> {
        let programs = Programs::find()?;
        twice(|| Self::start_these(&programs))
    }

    fn start_these(programs: &Programs) -> Result<Self, StartError> {
        let system = |what| StartError::system(NAME, what);
        let top = folder::new().map_err(system("no temporary folder"))?;
        // It refuses to run as root.
        let user = if folder::is_roots(top.path()).map_err(system("no temporary folder"))? {
            folder::user(&["postgres", "nobody"])
        } else {
            None
        };
        let folder = top.path().join("postgres");
        std::fs::create_dir(&folder).map_err(system("no temporary folder"))?;
        for folder in [top.path(), &folder] {
            folder::give(folder, user).map_err(system("cannot give away its folder"))?;
        }
        let address = ports::free().map_err(system("no free port"))?;
        programs.make_data(&folder, user)?;
        let preload = programs.add_statistics(&folder, user);
        let arguments = arguments(address.port(), preload);
        let program = programs.postgres.clone();
        let launch = Launch { name: NAME, program, arguments, folder, user, end: End::Quit };
        Ok(Self { server: Server::start(launch, address, is_ready)?, _folder: top })
    }

    /// `postgres://USER:PASSWORD@127.0.0.1:PORT/DATABASE`
    pub fn url(&self) -> String {
        format!("postgres://{USER}:{PASSWORD}@{}/{DATABASE}", self.server.address())
    }

    /// The id of the server's main process, the parent of its others. Empty after [`Postgres::kill`].
    pub fn processes(&self) -> Vec<u32> {
        self.server.id().into_iter().collect()
    }

    /// Kills its main process as `kill -9` does; its others end as they notice. Does nothing to one that is killed already.
    pub fn kill(&mut self) {
        self.server.kill();
    }

    /// Starts it again, at the same port and on the same data; kills it first where it runs.
    pub fn restart(&mut self) -> Result<(), StartError> {
        self.server.restart()
    }
}

struct Programs {
    postgres: PathBuf,
    /// Of the same version.
    initdb: PathBuf,
}

impl Programs {
    fn find() -> Result<Self, StartError> {
        let missing = |program| StartError::Missing { program, package: "postgresql" };
        let postgres = program::newest(&["postgres"]).ok_or(missing("postgres"))?;
        let file = postgres.canonicalize().map_err(StartError::system(NAME, "cannot find initdb"))?;
        let initdb = file.with_file_name("initdb");
        if initdb.is_file() { Ok(Self { postgres, initdb }) } else { Err(missing("initdb")) }
    }

    fn make_data(&self, folder: &Path, user: Option<User>) -> Result<(), StartError> {
        let system = |what| StartError::system(NAME, what);
        let password = folder.join("password");
        std::fs::write(&password, PASSWORD).map_err(system("cannot write the password"))?;
        folder::give(&password, user).map_err(system("cannot give away the password"))?;
        let mut initdb = Command::new(&self.initdb);
        initdb.args(["--no-sync", "--encoding=UTF8", "--locale=C", "--auth=scram-sha-256"]);
        initdb.args([format!("--username={USER}"), format!("--pwfile={}", password.display())]);
        initdb.arg("--pgdata").arg(data(folder)).current_dir(folder);
        set_up(NAME, &mut initdb, user)
    }

    /// Adds the extension that counts statements, in single-user mode. The library to load for it; none where this machine has
    /// none.
    fn add_statistics(&self, folder: &Path, user: Option<User>) -> &'static str {
        const LIBRARY: &str = "pg_stat_statements";
        let statement = folder.join("statement");
        let input = std::fs::write(&statement, format!("CREATE EXTENSION {LIBRARY}\n"))
            .and_then(|()| std::fs::File::open(&statement));
        let mut single = Command::new(&self.postgres);
        single.args(["--single", "-F", "-c", &format!("shared_preload_libraries={LIBRARY}"), "-D"]);
        single.arg(data(folder)).arg(DATABASE).stdin(input.map_or_else(|_| Stdio::null(), Stdio::from));
        single.current_dir(folder);
        if set_up(NAME, &mut single, user).is_ok() { LIBRARY } else { "" }
    }
}

fn arguments(port: u16, preload: &str) -> Vec<OsString> {
    let settings = [
        format!("port={port}"),
        "listen_addresses=127.0.0.1".to_owned(),
        // In its data's folder: a path below a long temporary folder could be too long for a socket.
        "unix_socket_directories=.".to_owned(),
        "max_connections=200".to_owned(),
        "shared_buffers=32MB".to_owned(),
        "fsync=off".to_owned(),
        // The operating system has what was acknowledged, so a killed server does not lose it.
        "synchronous_commit=on".to_owned(),
        "jit=off".to_owned(),
        "timezone=Pacific/Kiritimati".to_owned(),
        format!("shared_preload_libraries={preload}"),
    ];
    let settings = settings.into_iter().flat_map(|setting| ["-c".to_owned(), setting]);
    ["-D", "data"].map(OsString::from).into_iter().chain(settings.map(OsString::from)).collect()
}

fn data(folder: &Path) -> PathBuf {
    folder.join("data")
}

/// A server that asks for the password would let us in; one that is not ready answers an error.
fn is_ready(address: SocketAddr) -> io::Result<()> {
    const PROTOCOL_3: u32 = 3 << 16;
    let parameters = format!("user\0{USER}\0database\0{DATABASE}\0\0");
    let length = u32::try_from(8 + parameters.len()).expect("a few bytes");
    let startup = [&length.to_be_bytes(), &PROTOCOL_3.to_be_bytes(), parameters.as_bytes()].concat();
    match ask::<1>(address, &startup)? {
        [b'R'] => Ok(()),
        _ => Err(io::Error::other("it lets nobody in yet")),
    }
}
