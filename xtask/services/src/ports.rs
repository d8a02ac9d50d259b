//! Ports that nobody uses.

use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU16, Ordering};

/// Below the ports that the system gives to outgoing connections (from 32768 on Linux). One of those could be taken by any client
/// while its server is down between a kill and a restart; a client that tries to reach it could even be connected with itself.
const FIRST: u16 = 11_000;
const COUNT: u16 = 11_000;

/// A cluster's node has a second port, for the other nodes, which is this much higher.
const BUS: u16 = 10_000;

/// No port is given twice by one process; several processes begin in different places.
static NEXT: LazyLock<AtomicU16> = LazyLock::new(|| {
    let random = RandomState::new().hash_one(std::process::id());
    AtomicU16::new(u16::try_from(random % u64::from(COUNT)).unwrap_or_default())
});

/// An address that nobody listens at, nor at the port of the cluster's bus that belongs to it.
pub(crate) fn free() -> io::Result<SocketAddr> {
    let listen = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    let mut last = None;
    for _ in 0..COUNT {
        let port = FIRST + NEXT.fetch_add(1, Ordering::Relaxed) % COUNT;
        match listen(port).and_then(|_| listen(port + BUS)) {
            Ok(_) => return Ok((Ipv4Addr::LOCALHOST, port).into()),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| io::ErrorKind::AddrInUse.into()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::atomic::Ordering;

    use super::{COUNT, FIRST, NEXT, free};

    #[test]
    fn no_port_is_given_twice_or_while_it_is_used() {
        let next = FIRST + NEXT.load(Ordering::Relaxed) % COUNT;
        // Where this fails somebody else uses it, which is as good.
        let _held = std::net::TcpListener::bind(("127.0.0.1", next));
        let ports: BTreeSet<_> = (0..100).map(|_| free().unwrap().port()).collect();
        assert_eq!(ports.len(), 100);
        assert!(!ports.contains(&next));
    }
}
