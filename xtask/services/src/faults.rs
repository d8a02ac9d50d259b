//! A way to a server on which goes wrong what goes wrong on networks.

mod connection;

use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use fastrand::Rng;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::sync::watch;

use self::connection::Connection;
use crate::ports;

/// What goes wrong, from when it is injected until it is mended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Each answer comes later, by a random time up to this.
    Delay(Duration),
    /// Each connection ends at a random point of a question or an answer, as when its server is stopped.
    Cut,
    /// The same, but what is on its way is lost with it (RST), as when a machine has forgotten the connection.
    Reset,
    /// Everything is taken, and nothing comes back, on new connections too; whether the server hears what is said to it is chance.
    /// A connection that has fallen silent stays so when this is mended, as behind a firewall that has forgotten it.
    Blackhole,
    /// Nobody listens, and the connections that there are end as by [`Reset`](Self::Reset).
    Refuse,
}

/// A way to a server. Chance decides where its faults hit, and the same seed decides the same. It works on a thread of its own, and ends
/// with this value.
///
/// ```
/// # fn f(server: test_services::Redis) -> std::io::Result<()> {
/// use test_services::{Fault, FaultProxy};
///
/// let proxy = FaultProxy::start(&server.url(), 7)?;
/// println!("{} leads to {}", proxy.url(), server.url());
/// proxy.inject(Fault::Cut);
/// proxy.mend();
/// println!("{} faults", proxy.injected());
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct FaultProxy {
    url: String,
    fault: watch::Sender<Option<Fault>>,
    injected: Arc<AtomicU64>,
}

impl FaultProxy {
    /// Before the server of this URL, `SCHEME://[USER:PASSWORD@]HOST:PORT[/DATABASE]`.
    pub fn start(url: &str, seed: u64) -> io::Result<Self> {
        let (front, server, back) = split(url);
        let address = ports::free()?;
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (fault, faults) = watch::channel(None);
        let injected = Arc::new(AtomicU64::new(0));
        let random = Rng::with_seed(seed);
        let way = Way { address, server: server.into(), faults, injected: Arc::clone(&injected), random };
        let serve = move || runtime.block_on(async { way.serve(TcpListener::from_std(listener)?).await });
        thread::Builder::new().name("faults".to_owned()).spawn(serve)?;
        Ok(Self { url: format!("{front}{address}{back}"), fault, injected })
    }

    /// The server's URL, with the address of this way to it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// From now on this goes wrong, and nothing else.
    pub fn inject(&self, fault: Fault) {
        self.fault.send_replace(Some(fault));
    }

    /// From now on all is well.
    pub fn mend(&self) {
        self.fault.send_replace(None);
    }

    /// How many faults there were: answers that came late, connections that were ended or fell silent, and times when nobody listened.
    pub fn injected(&self) -> u64 {
        self.injected.load(Ordering::SeqCst)
    }
}

/// What is before the address in a URL, the address, and what is behind it.
fn split(url: &str) -> (&str, &str, &str) {
    let start = url.rfind('@').map_or_else(|| url.find("://").map_or(0, |at| at + 3), |at| at + 1);
    let (front, rest) = url.split_at(start);
    let (address, back) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    (front, address, back)
}

/// What the thread knows.
struct Way {
    address: SocketAddr,
    server: Arc<str>,
    faults: watch::Receiver<Option<Fault>>,
    injected: Arc<AtomicU64>,
    random: Rng,
}

impl Way {
    /// Until nobody can inject anything any more.
    async fn serve(mut self, listener: TcpListener) -> io::Result<()> {
        let mut listener = Some(listener);
        loop {
            let refuses = *self.faults.borrow_and_update() == Some(Fault::Refuse);
            if refuses && listener.take().is_some() {
                self.injected.fetch_add(1, Ordering::SeqCst);
            } else if !refuses && listener.is_none() {
                listener = Some(TcpListener::bind(self.address).await?);
            }
            tokio::select! {
                changed = self.faults.changed() => if changed.is_err() { return Ok(()) },
                client = accept(listener.as_ref()) => self.lead(client?),
            }
        }
    }

    fn lead(&mut self, client: TcpStream) {
        let (server, faults) = (Arc::clone(&self.server), self.faults.clone());
        let connection = Connection::new(faults, Arc::clone(&self.injected), self.random.fork());
        tokio::spawn(connection.run(client, server));
    }
}

async fn accept(listener: Option<&TcpListener>) -> io::Result<TcpStream> {
    match listener {
        Some(listener) => listener.accept().await.map(|(client, _)| client),
        None => pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn an_address_is_found_in_every_kind_of_url() {
        let of = |url| split(url).1;
        assert_eq!(of("postgres://test:t@st@127.0.0.1:5/postgres"), "127.0.0.1:5");
        assert_eq!(of("redis://127.0.0.1:5"), "127.0.0.1:5");
        assert_eq!(of("mysql://127.0.0.1:5?connections=2"), "127.0.0.1:5");
    }
}
