//! The three playgrounds answer the same, on every kind of store.

use example_differential::{Audience, Contest, Difference, Exchange, Peer, Verdict, count, playground};
use example_testing::Server;
use session_core::testing::server;

#[test]
fn they_agree_on_memory() {
    agree("memory:", false);
}

#[test]
fn they_agree_on_postgres() {
    if let Some(url) = server("postgres") {
        agree(&url, false);
    }
}

#[test]
fn they_agree_on_redis() {
    if let Some(url) = server("redis") {
        agree(&url, false);
    }
}

#[test]
fn they_agree_in_signed_cookies() {
    agree("cookie:", true);
}

/// The test of the tests.
#[test]
#[should_panic(expected = "MaxAge")]
fn a_difference_is_found() {
    let program = playground("axum");
    let peers =
        ["1209600", "1209000"].map(|age| Peer::new("axum", Server::start(&program, &["--cookie-age", age])));
    let contest = Contest::new(Audience::Playgrounds, peers.into());
    example_testing::run(contest.run(20, &no_difference));
}

/// With the default settings, and with others: each store has 200 sequences in `cargo xtask test` and 5,000 in `cargo xtask soak`.
fn agree(store: &str, sealed: bool) {
    const OTHERS: &str = "--save-every-request true --expire-at-browser-close true --cookie-path /x --cookie-samesite strict \
        --cookie-httponly false --cookie-domain example.org --max-sessions 2 --idle-timeout 86400 --absolute-timeout 604800";
    for flags in ["", OTHERS] {
        let peers = ["axum", "actix", "rocket"].map(|framework| {
            let mut arguments = vec!["--store", store, "--workers", "2"];
            arguments.extend(flags.split_whitespace());
            Peer::new(framework, Server::start(&playground(framework), &arguments))
        });
        let contest = Contest::new(Audience::Playgrounds, peers.into());
        let contest = if sealed { contest.with_sealed_cookies() } else { contest };
        example_testing::run(contest.run(count(100, 2_500), &no_difference));
    }
}

/// Nothing is a reason for one.
fn no_difference(_: &Exchange<'_>, differences: &[Difference]) -> Verdict {
    if differences.is_empty() { Verdict::Agreed } else { Verdict::Fault }
}
