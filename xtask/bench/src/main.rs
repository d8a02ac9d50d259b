//! Measurements of the stores at scale: `cargo run --release -p session-bench -- --help`.

mod accounts;
mod purge;

use clap::{Parser, Subcommand};

/// Measures what a store does when there is a lot in it. Give it a store that nobody else uses.
#[derive(Debug, Parser)]
struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// All sessions of an account, listed and ended, among 1,000 sessions and among 100,000: ten per account
    Accounts {
        /// Where sessions live, as for `connect`
        #[arg(long, value_name = "URL")]
        store: String,
        /// How many sessions there are in the end
        #[arg(long, default_value_t = 100_000)]
        sessions: usize,
    },
    /// The removal of expired sessions among as many live ones, while requests go on
    Purge {
        /// `sqlite:PATH` or `postgres://…`; the table `sessions` is filled
        #[arg(long, value_name = "URL")]
        store: String,
        /// How many are expired, and how many are live
        #[arg(long, default_value_t = 1_000_000)]
        each: u32,
        /// How many go at once
        #[arg(long, default_value_t = std::num::NonZeroU32::new(1000).unwrap_or(std::num::NonZeroU32::MIN))]
        batch: std::num::NonZeroU32,
    },
}

type Outcome = Result<(), Box<dyn std::error::Error>>;

#[tokio::main]
async fn main() -> Outcome {
    match Args::parse().what {
        What::Accounts { store, sessions } => accounts::run(&store, sessions).await,
        What::Purge { store, each, batch } => purge::run(&store, each, batch).await,
    }
}
