//! A server's process.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// A program that serves on a free port of this machine. Ends with this value.
#[derive(Debug)]
pub struct Server {
    child: Child,
    address: String,
}

impl Server {
    /// Starts the program on a free port and waits for its line `listening on http://ADDRESS`.
    pub fn start(program: &str, arguments: &[&str]) -> Self {
        Self::start_at(program, "127.0.0.1:0", arguments)
    }

    /// Starts the program at this address.
    pub fn start_at(program: &str, address: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new(program);
        command.args(["--listen", address]).args(arguments);
        Self::run(command)
    }

    /// Runs this command and waits for its line `listening on http://ADDRESS`.
    pub fn run(command: Command) -> Self {
        Self::run_until(command, "listening on ")
    }

    /// Runs this command and waits for a line with these words before `http://ADDRESS`.
    pub fn run_until(mut command: Command, words: &str) -> Self {
        let mut child =
            command.stdout(Stdio::piped()).spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let stdout = child.stdout.take().expect("a pipe");
        let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
        // Rocket says much before.
        let address = lines.find_map(|line| {
            let (_, address) = line.split_once(words)?.1.split_once("http://")?;
            Some(address.trim_end_matches('/').to_owned())
        });
        match address {
            Some(address) => {
                // And after: a pipe that nobody reads would stop it.
                std::thread::spawn(move || lines.for_each(drop));
                Self { child, address }
            }
            None => panic!("{command:?} does not listen: {:?}", child.wait()),
        }
    }

    /// Runs this command, which serves at this address and does not say so, and waits until it does.
    pub async fn run_at(mut command: Command, address: &str) -> Self {
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let server = Self { child, address: address.to_owned() };
        for _ in 0..200 {
            if tokio::net::TcpStream::connect(address).await.is_ok() {
                return server;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{command:?} does not serve at {address}");
    }

    /// Where it serves: `127.0.0.1:PORT`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The address of a page.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Asks it to end, as supervisors do (SIGTERM), and waits until it has.
    pub fn terminate(mut self) -> ExitStatus {
        let id = Pid::from_child(&self.child);
        kill_process(id, Signal::TERM).expect("it is running");
        self.child.wait().expect("it ends")
    }

    /// Kills it as `kill -9` does: it has no time to save anything.
    pub fn kill(mut self) {
        self.child.kill().expect("it is running");
        self.child.wait().expect("it ends");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself, which some test has seen then.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that is free now; nobody else on this machine asks for it in the moment until a program does that is told so.
pub(crate) fn free_port() -> u16 {
    let address = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    address.expect("a free port").port()
}
