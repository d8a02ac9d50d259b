//! The races between two processes, on each kind of server.

#![expect(clippy::unwrap_used, reason = "the program fails where what it is made of fails")]

mod common;

use std::env;

use common::{connect, new_prefix, servers, url};
use session_redis::RedisStore;

#[tokio::main]
async fn main() {
    // A worker is told which server, and the prefix; the judge draws one for each server.
    if let (Some(server), Some(prefix)) = (argument("--server"), argument("--prefix")) {
        return race(&server, &prefix).await;
    }
    for server in servers() {
        if url(server).is_some() {
            println!("two processes on {server}");
            race(server, new_prefix().as_str()).await;
        }
    }
}

async fn race(server: &str, prefix: &str) {
    let store = async || RedisStore::new(connect(server).await.unwrap()).with_prefix(prefix.parse().unwrap());
    session_core::testing::processes::run(store, &["--server", server, "--prefix", prefix]).await;
}

fn argument(name: &str) -> Option<String> {
    env::args().skip_while(|argument| argument != name).nth(1)
}
