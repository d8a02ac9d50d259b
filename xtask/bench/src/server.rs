//! A server in a process of its own: started, and stopped as its value is dropped.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::stack::Stack;

#[derive(Debug)]
pub(crate) struct Server {
    process: Child,
    address: SocketAddr,
}

impl Server {
    /// Waits until it answers.
    pub(crate) fn start(stack: Stack, store: &str) -> Result<Self, Box<dyn std::error::Error>> {
        const LIMIT: Duration = Duration::from_secs(20);
        let address = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["serve", &stack.name(), "--store", store, "--port", &address.port().to_string()]);
        // It ends where this pipe does.
        let process = command.stdin(Stdio::piped()).spawn()?;
        let mut server = Self { process, address };
        let began = Instant::now();
        while TcpStream::connect(address).is_err() {
            if let Some(status) = server.process.try_wait()? {
                return Err(format!("{} {store} has ended: {status}", stack.name()).into());
            }
            if began.elapsed() > LIMIT {
                return Err(format!("{} {store} does not answer", stack.name()).into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(server)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The processor's time that it has used, in user space and in the kernel.
    pub(crate) fn cpu(&self) -> std::io::Result<Duration> {
        // Linux counts in hundredths of a second on every machine that this runs on.
        const TICK: Duration = Duration::from_millis(10);
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id()))?;
        // Behind the name, which may have spaces; the 14th and 15th of all columns.
        let columns = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        let ticks: u32 = columns.skip(11).take(2).filter_map(|ticks| ticks.parse::<u32>().ok()).sum();
        Ok(TICK * ticks)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
