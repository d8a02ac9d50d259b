//! One server at one address: started, waited for, killed, started again.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::error::{StartError, end_of};
use crate::folder::User;
use crate::process::{Launch, Process};
use crate::wait::{LIMIT, until_or};

/// Asks the server in its own protocol whether it is ready; else why not.
pub(crate) type Probe = fn(SocketAddr) -> io::Result<()>;

/// A server with one address, which it keeps over restarts.
#[derive(Debug)]
pub(crate) struct Server {
    launch: Launch,
    address: SocketAddr,
    probe: Probe,
    process: Option<Process>,
}

impl Server {
    /// Starts it and waits until it answers.
    pub(crate) fn start(launch: Launch, address: SocketAddr, probe: Probe) -> Result<Self, StartError> {
        let mut server = Self { launch, address, probe, process: None };
        server.launch()?;
        Ok(server)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The id of its process; none after a kill.
    pub(crate) fn id(&self) -> Option<u32> {
        self.process.as_ref().map(Process::id)
    }

    pub(crate) fn is_running(&self) -> bool {
        self.process.is_some()
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.launch.folder
    }

    /// The end of its log.
    pub(crate) fn log(&self) -> String {
        end_of(&self.launch.log())
    }

    /// `kill -9`; nothing where it is dead already.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill();
        }
    }

    /// Starts it again, at the same address and on the same data; kills it first where it runs.
    pub(crate) fn restart(&mut self) -> Result<(), StartError> {
        // PostgreSQL ends at once while processes of a killed one are still on their way out.
        const PATIENCE: Duration = Duration::from_secs(10);
        self.kill();
        until_or(PATIENCE, |error| !matches!(error, StartError::Ended { .. }), || self.launch())
    }

    fn launch(&mut self) -> Result<(), StartError> {
        let server = self.launch.name;
        let what = format!("cannot start {}", self.launch.program.display());
        let mut process = Process::start(&self.launch).map_err(StartError::system(server, what))?;
        until_or(
            LIMIT,
            |error| matches!(error, StartError::Ended { .. }),
            || {
                let answer = (self.probe)(self.address);
                // Looked at after the answer: somebody else's server at this address would be no reason to go on.
                if let Some(status) = process.has_ended() {
                    return Err(StartError::Ended { server, status, log: self.log() });
                }
                answer.map_err(|error| {
                    let last = error.to_string();
                    StartError::NotReady { server, limit: LIMIT, last, log: self.log() }
                })
            },
        )?;
        self.process = Some(process);
        Ok(())
    }
}

/// Starts once more where a server ended by itself: somebody else may have taken its port in the moment before it did.
pub(crate) fn twice<T>(start: impl Fn() -> Result<T, StartError>) -> Result<T, StartError> {
    match start() {
        Err(StartError::Ended { .. }) => start(),
        outcome => outcome,
    }
}

/// A connection for a question and its answer, neither of which may take long.
pub(crate) fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    const PATIENCE: Duration = Duration::from_secs(2);
    let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Sends `question`, and reads as many bytes as `ANSWER` has.
pub(crate) fn ask<const ANSWER: usize>(address: SocketAddr, question: &[u8]) -> io::Result<[u8; ANSWER]> {
    let mut stream = connect(address)?;
    stream.write_all(question)?;
    let mut answer = [0; ANSWER];
    stream.read_exact(&mut answer)?;
    Ok(answer)
}

/// Runs a program that prepares a server's data, as the server's user, to its end.
pub(crate) fn set_up(
    server: &'static str,
    command: &mut Command,
    user: Option<User>,
) -> Result<(), StartError> {
    if let Some(user) = user {
        command.uid(user.uid).gid(user.gid);
    }
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(StartError::system(server, format!("cannot start {program}")))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    let status = output.status;
    Err(StartError::Setup { server, program, status, output: String::from_utf8_lossy(&said).into_owned() })
}
