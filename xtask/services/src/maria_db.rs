//! MariaDB, or MySQL.

use std::ffi::OsString;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::error::StartError;
use crate::process::{End, Launch};
use crate::server::{Server, ask, set_up, twice};
use crate::{folder, ports, program};

const NAME: &str = "MariaDB";
/// Read at each start, before anybody is let in.
const FIRST_STATEMENTS: &str = "\
CREATE DATABASE IF NOT EXISTS test;
CREATE USER IF NOT EXISTS 'test'@'127.0.0.1' IDENTIFIED BY 'test';
GRANT ALL PRIVILEGES ON *.* TO 'test'@'127.0.0.1' WITH GRANT OPTION;
";

/// A MariaDB server, or a MySQL server where this machine has no other, with a user who may do everything and the database `test`.
///
/// Its time zone is 13 hours ahead of UTC, unless a client asks for another, as sqlx does (UTC). What it acknowledged outlives its
/// process, but not the machine. The general log, once it is on (`SET GLOBAL general_log = ON`), is the table
/// `mysql.general_log`.
#[derive(Debug)]
pub struct MariaDb {
    // Ends before its folder is removed.
    server: Server,
    _folder: TempDir,
}

impl MariaDb {
    /// Whether this machine has the programs.
    pub fn is_installed() -> bool {
        Programs::find().is_ok()
    }

    /// Makes a new database and starts the newest MariaDB of this machine on it.
    pub fn start() -> Result<Self, StartError> {
        let programs = Programs::find()?;
        twice(|| Self::start_these(&programs))
    }

    fn start_these(programs: &Programs) -> Result<Self, StartError> {
        let system = |what| StartError::system(NAME, what);
        let top = folder::new().map_err(system("no temporary folder"))?;
        let root = folder::is_roots(top.path()).map_err(system("no temporary folder"))?;
        let folder = top.path().join("mariadb");
        std::fs::create_dir(&folder).map_err(system("no temporary folder"))?;
        std::fs::write(folder.join("init.sql"), FIRST_STATEMENTS).map_err(system("cannot write"))?;
        let address = ports::free().map_err(system("no free port"))?;
        let mut arguments = common(&folder, root);
        programs.make_data(&arguments)?;
        arguments.extend(settings(address.port(), programs.setup.is_none()));
        let program = programs.server.clone();
        let launch = Launch { name: NAME, program, arguments, folder, user: None, end: End::Kill };
        Ok(Self { server: Server::start(launch, address, is_ready)?, _folder: top })
    }

    /// `mysql://USER:PASSWORD@127.0.0.1:PORT/DATABASE`
    pub fn url(&self) -> String {
        format!("mysql://test:test@{}/test", self.server.address())
    }

    /// The id of the server's process. Empty after [`MariaDb::kill`].
    pub fn processes(&self) -> Vec<u32> {
        self.server.id().into_iter().collect()
    }

    /// Kills it as `kill -9` does. Does nothing to one that is killed already.
    pub fn kill(&mut self) {
        self.server.kill();
    }

    /// Starts it again, at the same port and on the same data; kills it first where it runs.
    pub fn restart(&mut self) -> Result<(), StartError> {
        self.server.restart()
    }
}

struct Programs {
    server: PathBuf,
    /// MariaDB's program that makes the data; MySQL's server does that itself.
    setup: Option<PathBuf>,
}

impl Programs {
    fn find() -> Result<Self, StartError> {
        let missing = |program| StartError::Missing { program, package: "mariadb-server" };
        let server = program::newest(&["mariadbd", "mysqld"]).ok_or(missing("mariadbd"))?;
        // By what it says: its name is `mysqld` in many places.
        if !program::says(&server).contains("MariaDB") {
            return Ok(Self { server, setup: None });
        }
        let setup = program::newest(&["mariadb-install-db", "mysql_install_db"]);
        Ok(Self { server, setup: Some(setup.ok_or(missing("mariadb-install-db"))?) })
    }

    fn make_data(&self, common: &[OsString]) -> Result<(), StartError> {
        let (program, options): (_, &[&str]) = match &self.setup {
            // By force: it need not find this machine's name, which nobody will use.
            Some(setup) => {
                (setup, &["--auth-root-authentication-method=normal", "--skip-test-db", "--force"])
            }
            None => (&self.server, &["--initialize-insecure"]),
        };
        set_up(NAME, Command::new(program).args(common).args(options), None)
    }
}

/// What the program must be told whenever it opens this data, which begins with the one option that must be the first.
fn common(folder: &Path, root: bool) -> Vec<OsString> {
    let mut arguments = vec![OsString::from("--no-defaults")];
    let mut data = OsString::from("--datadir=");
    data.push(folder.join("data"));
    arguments.push(data);
    // It runs as root only where it is told to.
    arguments.extend(root.then(|| OsString::from("--user=root")));
    arguments.push("--innodb-buffer-pool-size=32M".into());
    arguments
}

fn settings(port: u16, is_mysql: bool) -> Vec<OsString> {
    let mut settings = vec![
        format!("--port={port}"),
        // Relative to its data's folder: a path below a long temporary folder could be too long for a socket.
        "--socket=socket".to_owned(),
        "--pid-file=pid".to_owned(),
        "--init-file=../init.sql".to_owned(),
        "--bind-address=127.0.0.1".to_owned(),
        "--skip-name-resolve".to_owned(),
        "--skip-log-bin".to_owned(),
        "--max-connections=200".to_owned(),
        "--character-set-server=utf8mb4".to_owned(),
        // The operating system has what was acknowledged, so a killed server does not lose it.
        "--innodb-flush-log-at-trx-commit=2".to_owned(),
        "--default-time-zone=+13:00".to_owned(),
        "--log-output=TABLE".to_owned(),
        "--performance-schema=ON".to_owned(),
    ];
    // MySQL's second protocol, at a port of its own that another may have.
    settings.extend(is_mysql.then(|| "--mysqlx=OFF".to_owned()));
    settings.into_iter().map(OsString::from).collect()
}

/// The greeting comes first: a length of four bytes, then the version of the protocol, or an error.
fn is_ready(address: SocketAddr) -> io::Result<()> {
    const PROTOCOL: u8 = 10;
    match ask::<5>(address, b"")? {
        [.., PROTOCOL] => Ok(()),
        _ => Err(io::Error::other("it lets nobody in yet")),
    }
}
