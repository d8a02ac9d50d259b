//! A quickstart, as its page in `docs` tells to try it.

use std::process::Command;

use reqwest::Client;

use crate::server::{Server, free_port};

/// It counts the visits of a visitor, who has a cookie, and goes on counting after a restart.
pub async fn counts_visits(program: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let port = free_port();
    let address = format!("127.0.0.1:{port}");
    let command = || {
        let mut command = Command::new(program);
        // An argument; and for Rocket, which reads its settings from the environment, a variable.
        command.arg(&address).env("ROCKET_PORT", port.to_string()).current_dir(folder.path());
        command
    };
    let server = Server::run_at(command(), &address).await;
    // No connection is kept: the server that it led to is killed.
    let client = || Client::builder().cookie_store(true).pool_max_idle_per_host(0).build().expect("a client");
    let (visitor, other) = (client(), client());
    let visit = async |client: &Client, server: &Server| {
        let response = client.get(server.url("/")).send().await.expect("a response");
        response.text().await.expect("a page")
    };
    assert_eq!(visit(&visitor, &server).await, "visit 1\n");
    assert_eq!(visit(&visitor, &server).await, "visit 2\n");
    assert_eq!(visit(&other, &server).await, "visit 1\n");
    server.kill();
    let server = Server::run_at(command(), &address).await;
    assert_eq!(visit(&visitor, &server).await, "visit 3\n");
}
