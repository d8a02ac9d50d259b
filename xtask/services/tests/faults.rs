//! Each fault is what its name says, and ends.

#![expect(clippy::unwrap_used, reason = "a test fails where what it is made of fails")]

use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use test_services::{Fault, FaultProxy};

/// A server that says what it hears, and a way to it.
fn echo() -> FaultProxy {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("echo://somebody:secret@{}/path", listener.local_addr().unwrap());
    thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = client.unwrap();
            thread::spawn(move || io::copy(&mut client.try_clone().unwrap(), &mut client));
        }
    });
    FaultProxy::start(&url, 1).unwrap()
}

fn connect(proxy: &FaultProxy) -> io::Result<TcpStream> {
    let address = proxy.url().strip_prefix("echo://somebody:secret@").unwrap().strip_suffix("/path").unwrap();
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_millis(300)))?;
    Ok(stream)
}

/// Says something, and hears it.
fn talk(stream: &mut TcpStream) -> io::Result<()> {
    let mut heard = [0; 8];
    stream.write_all(b"question")?;
    stream.read_exact(&mut heard)?;
    assert_eq!(&heard, b"question");
    Ok(())
}

/// Talks until a fault ends it.
fn talk_to_the_end(stream: &mut TcpStream) -> io::Error {
    (0..10_000).find_map(|_| talk(stream).err()).expect("the fault ends it")
}

/// Waits until the thread of the proxy has noticed what it was told.
fn until(mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(10), "it does not come to be so");
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn without_a_fault_all_passes() {
    let proxy = echo();
    talk(&mut connect(&proxy).unwrap()).unwrap();
    assert_eq!(proxy.injected(), 0);
    let address = connect(&proxy).unwrap().peer_addr().unwrap();
    drop(proxy);
    until(|| TcpStream::connect(address).is_err());
}

#[test]
fn a_delay_is_some_time() {
    let proxy = echo();
    let mut stream = connect(&proxy).unwrap();
    talk(&mut stream).unwrap();
    proxy.inject(Fault::Delay(Duration::from_millis(20)));
    until(|| talk(&mut stream).is_ok() && proxy.injected() > 0);
    let start = Instant::now();
    (0..10).for_each(|_| talk(&mut stream).unwrap());
    assert!(start.elapsed() > Duration::from_millis(20), "{:?}", start.elapsed());
    proxy.mend();
    talk(&mut stream).unwrap();
}

#[test]
fn a_cut_is_an_end_and_a_reset_is_an_error() {
    use io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
    for (fault, kinds) in
        [(Fault::Cut, [UnexpectedEof, BrokenPipe]), (Fault::Reset, [ConnectionReset, BrokenPipe])]
    {
        let proxy = echo();
        proxy.inject(fault);
        let ends: Vec<_> = (0..10).map(|_| talk_to_the_end(&mut connect(&proxy).unwrap()).kind()).collect();
        assert!(ends.iter().all(|kind| kinds.contains(kind)), "{fault:?}: {ends:?}");
        assert!(ends.contains(&kinds[0]), "{fault:?}: {ends:?}");
        assert_eq!(proxy.injected(), 10);
        proxy.mend();
        talk(&mut connect(&proxy).unwrap()).unwrap();
    }
}

#[test]
fn what_fell_silent_stays_so() {
    let proxy = echo();
    let mut old = connect(&proxy).unwrap();
    talk(&mut old).unwrap();
    proxy.inject(Fault::Blackhole);
    until(|| proxy.injected() == 1);
    let mut new = connect(&proxy).unwrap();
    let is_silent = |stream: &mut TcpStream| {
        let kind = talk(stream).unwrap_err().kind();
        matches!(kind, io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
    };
    assert!(is_silent(&mut old) && is_silent(&mut new));
    proxy.mend();
    assert!(is_silent(&mut old) && is_silent(&mut new));
    talk(&mut connect(&proxy).unwrap()).unwrap();
    assert_eq!(proxy.injected(), 2);
}

#[test]
fn nobody_listens_until_it_is_mended() {
    let proxy = echo();
    let mut stream = connect(&proxy).unwrap();
    talk(&mut stream).unwrap();
    proxy.inject(Fault::Refuse);
    until(|| connect(&proxy).is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused));
    talk_to_the_end(&mut stream);
    proxy.mend();
    until(|| connect(&proxy).is_ok());
    talk(&mut connect(&proxy).unwrap()).unwrap();
}
