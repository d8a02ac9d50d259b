//! Questions to Redis in its own protocol (RESP 2), by hand.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use crate::server::connect;

/// An answer; an error is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    Nothing,
    Number(i64),
    Text(String),
    List(Vec<Answer>),
}

impl Answer {
    /// Its text; empty where it is none.
    pub(crate) fn text(&self) -> &str {
        if let Self::Text(text) = self { text } else { "" }
    }

    /// Its parts; none where it is no list.
    pub(crate) fn list(&self) -> &[Answer] {
        if let Self::List(list) = self { list } else { &[] }
    }

    /// What follows a name in a list of names and values, which is how sentinels answer.
    pub(crate) fn field(&self, name: &str) -> &str {
        let mut pairs = self.list().chunks_exact(2);
        pairs.find(|pair| pair[0].text() == name).map_or("", |pair| pair[1].text())
    }

    /// What follows `NAME:` in a text of such lines, which is how `INFO` answers.
    pub(crate) fn line(&self, name: &str) -> &str {
        let mut lines = self.text().lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).unwrap_or_default()
    }
}

/// Asks one question on a new connection.
pub(crate) fn ask(address: SocketAddr, words: &[&str]) -> io::Result<Answer> {
    let mut stream = connect(address)?;
    stream.write_all(&question(words))?;
    answer(&mut BufReader::new(stream))
}

/// Whether a server answers a PING; one that still loads its data answers an error.
pub(crate) fn is_ready(address: SocketAddr) -> io::Result<()> {
    ask(address, &["PING"]).map(|_| ())
}

fn question(words: &[&str]) -> Vec<u8> {
    let words = words.iter().map(|word| format!("${}\r\n{word}\r\n", word.len()));
    let words: Vec<_> = words.collect();
    format!("*{}\r\n{}", words.len(), words.concat()).into_bytes()
}

fn answer(from: &mut BufReader<TcpStream>) -> io::Result<Answer> {
    let mut line = String::new();
    from.read_line(&mut line)?;
    let line = line.trim_end();
    let unknown = || io::Error::other(format!("no answer of Redis: {line:?}"));
    let (kind, rest) = line.split_at_checked(1).ok_or_else(unknown)?;
    let number = || rest.parse::<i64>().map_err(|_| unknown());
    match kind {
        "+" => Ok(Answer::Text(rest.to_owned())),
        "-" => Err(io::Error::other(rest.to_owned())),
        ":" => number().map(Answer::Number),
        // A negative length is the absence of a text or a list.
        "$" => match usize::try_from(number()?) {
            Err(_) => Ok(Answer::Nothing),
            Ok(length) => {
                let mut text = vec![0; length + 2];
                from.read_exact(&mut text)?;
                text.truncate(length);
                Ok(Answer::Text(String::from_utf8_lossy(&text).into_owned()))
            }
        },
        "*" => match usize::try_from(number()?) {
            Err(_) => Ok(Answer::Nothing),
            Ok(length) => (0..length).map(|_| answer(from)).collect::<io::Result<_>>().map(Answer::List),
        },
        _ => Err(unknown()),
    }
}
