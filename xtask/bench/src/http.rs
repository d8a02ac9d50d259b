//! A visitor: one connection, and the cookies of one browser.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

#[derive(Debug)]
pub(crate) struct Visitor {
    connection: BufReader<TcpStream>,
    cookies: BTreeMap<String, String>,
}

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

impl Visitor {
    pub(crate) async fn new(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { connection: BufReader::new(stream), cookies: BTreeMap::new() })
    }

    /// Somebody who has no cookie yet.
    pub(crate) fn forget(&mut self) {
        self.cookies.clear();
    }

    /// As in a `Cookie` header.
    pub(crate) fn cookies(&self) -> String {
        let pairs: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("; ")
    }

    /// Asks, and takes the cookies of the answer; what it says, which is an error unless it is a success.
    pub(crate) async fn get(&mut self, path: &str) -> Result<String> {
        let cookie =
            if self.cookies.is_empty() { String::new() } else { format!("Cookie: {}\r\n", self.cookies()) };
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{cookie}\r\n");
        self.connection.write_all(request.as_bytes()).await?;
        let (mut status, mut length, mut line) = (String::new(), 0, String::new());
        loop {
            line.clear();
            if self.connection.read_line(&mut line).await? == 0 {
                return Err("the connection has ended".into());
            }
            let text = line.trim_end();
            if text.is_empty() {
                break;
            }
            let Some((name, value)) = text.split_once(": ") else {
                status = text.split(' ').nth(1).unwrap_or_default().to_owned();
                continue;
            };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.parse()?,
                "transfer-encoding" => return Err("only answers with a length are read".into()),
                "set-cookie" => self.take(value),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        self.connection.read_exact(&mut body).await?;
        let body = String::from_utf8(body)?;
        if status == "200" { Ok(body) } else { Err(format!("{path}: {status} {body}").into()) }
    }

    fn take(&mut self, set_cookie: &str) {
        let pair = set_cookie.split(';').next().unwrap_or_default();
        let Some((name, value)) = pair.split_once('=') else { return };
        if value.is_empty() || set_cookie.to_ascii_lowercase().contains("max-age=0") {
            self.cookies.remove(name);
        } else {
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
    }
}
