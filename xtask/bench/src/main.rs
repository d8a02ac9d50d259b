//! Measurements of the stores at scale: `cargo run --release --manifest-path xtask/bench/Cargo.toml -- --help`.

mod accounts;
mod drive;
mod group_commit;
mod growth;
mod memory;
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
    /// Sends requests to a server in this process, for callgrind to count
    Drive {
        /// The framework, and what answers sessions on it
        stack: drive::Stack,
        /// What each request does
        case: drive::Case,
        /// How many
        requests: u32,
    },
    /// A request's read and write among 1,000 sessions and among millions, and with sessions of 100 characters and of a million
    Growth {
        /// Where sessions live, as for `connect`; it is filled
        #[arg(long, value_name = "URL")]
        store: String,
        /// How many sessions there are in the end
        #[arg(long, default_value_t = 5_000_000)]
        up_to: usize,
    },
    /// The memory store: bytes per session, look-ups among few and among many, and how long a lock is held
    Memory {
        /// Among how many sessions it looks up in the end
        #[arg(long, default_value_t = 5_000_000)]
        up_to: usize,
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
    /// 32 who write at once, beside a plain pool of sqlx; fails where they are not so many times as many
    Writers {
        /// `sqlite:PATH`, a file that is not there yet
        #[arg(long, value_name = "URL")]
        store: String,
    },
}

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn main() -> Outcome {
    let what = Args::parse().what;
    if let What::Drive { stack, case, requests } = what {
        return drive::run(stack, case, requests);
    }
    tokio::runtime::Runtime::new()?.block_on(measure(what))
}

async fn measure(what: What) -> Outcome {
    match what {
        What::Drive { .. } => Ok(()),
        What::Accounts { store, sessions } => accounts::run(&store, sessions).await,
        What::Growth { store, up_to } => growth::run(&store, up_to).await,
        What::Memory { up_to } => memory::run(up_to).await,
        What::Purge { store, each, batch } => purge::run(&store, each, batch).await,
        What::Writers { store } => group_commit::run(&store).await,
    }
}
