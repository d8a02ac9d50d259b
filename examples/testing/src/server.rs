//! A server's process.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

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
    pub fn run(mut command: Command) -> Self {
        let mut child =
            command.stdout(Stdio::piped()).spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let stdout = child.stdout.take().expect("a pipe");
        let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
        // Rocket says much before.
        let address = lines.find_map(|line| Some(line.strip_prefix("listening on http://")?.to_owned()));
        match address {
            Some(address) => {
                // And after: a pipe that nobody reads would stop it.
                std::thread::spawn(move || lines.for_each(drop));
                Self { child, address }
            }
            None => panic!("{command:?} does not listen: {:?}", child.wait()),
        }
    }

    /// Where it serves: `127.0.0.1:PORT`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The address of a page.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
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
