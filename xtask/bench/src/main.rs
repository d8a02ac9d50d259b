//! Measurements: `cargo xtask bench` runs them all, and `cargo run --release --manifest-path xtask/bench/Cargo.toml -- --help` lists
//! them for use one by one.

#[cfg(feature = "stores")]
mod accounts;
#[cfg(feature = "stores")]
mod alloc;
mod bounds;
#[cfg(feature = "stores")]
mod clear;
#[cfg(feature = "stores")]
mod group_commit;
#[cfg(feature = "stores")]
mod growth;
#[cfg(feature = "stores")]
mod hot;
#[cfg(feature = "stores")]
mod http;
mod instructions;
#[cfg(feature = "stores")]
mod load;
#[cfg(feature = "stores")]
mod memory;
#[cfg(feature = "stores")]
mod report;
#[cfg(feature = "stores")]
mod rows;
#[cfg(feature = "stores")]
mod server;
#[cfg(feature = "stores")]
mod steps;
#[cfg(feature = "stores")]
mod stores;
mod table;
#[cfg(feature = "stores")]
mod times;
#[cfg(feature = "stores")]
mod waits;

use clap::{Parser, Subcommand};
use session_bench::{Outcome, drive, serve, stack};

/// Measures what a session costs, and what a store does when there is a lot in it. Give it a store that nobody else uses.
#[derive(Debug, Parser)]
struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// All sessions of an account, listed and ended, among few sessions and among many
    #[cfg(feature = "stores")]
    Accounts(accounts::Args),
    /// `session clear` among a million sessions while requests go on, stopped and begun again
    #[cfg(feature = "stores")]
    Clear(clear::Args),
    /// Sends requests to a server in this process, for callgrind to count
    Drive(drive::Args),
    /// A request's read and write among 1,000 sessions and among millions, and with sessions of 100 characters and of a million
    #[cfg(feature = "stores")]
    Growth(growth::Args),
    /// One session that 64 requests write at once
    #[cfg(feature = "stores")]
    Hot(hot::Args),
    #[cfg(feature = "stores")]
    #[command(hide = true)]
    HotWriters(hot::WritersArgs),
    /// Instructions per request, over the bare framework's, by callgrind
    Instructions(instructions::Args),
    /// Throughput, latency and the processor's time per request, by wrk
    #[cfg(feature = "stores")]
    Load(load::Args),
    /// The memory store: bytes per session, look-ups among few and among many, and how long a lock is held
    #[cfg(feature = "stores")]
    Memory(memory::Args),
    /// Puts what was measured into `benchmarks.md`, and draws it
    #[cfg(feature = "stores")]
    Report(report::Args),
    /// One of the compared servers, until its standard input ends
    Serve(serve::Args),
    /// The steps of a request in core, one by one: time, instructions, allocations
    #[cfg(feature = "stores")]
    Steps(steps::Args),
    /// How often a request waits for its store
    #[cfg(feature = "stores")]
    Waits(waits::Args),
    /// 32 who write to SQLite at once, beside a plain pool of sqlx; fails where they are not so many times as many
    #[cfg(feature = "stores")]
    Writers(group_commit::Args),
}

fn main() -> Outcome {
    match Args::parse().what {
        #[cfg(feature = "stores")]
        What::Accounts(args) => wait_for(accounts::run(&args)),
        #[cfg(feature = "stores")]
        What::Clear(args) => wait_for(clear::run(&args)),
        What::Drive(args) => drive::run(&args),
        #[cfg(feature = "stores")]
        What::Growth(args) => wait_for(growth::run(&args)),
        #[cfg(feature = "stores")]
        What::Hot(args) => wait_for(hot::run(&args)),
        #[cfg(feature = "stores")]
        What::HotWriters(args) => wait_for(hot::run_writers(&args)),
        What::Instructions(args) => instructions::run(&args),
        #[cfg(feature = "stores")]
        What::Load(args) => wait_for(load::run(&args)),
        #[cfg(feature = "stores")]
        What::Memory(args) => wait_for(memory::run(&args)),
        #[cfg(feature = "stores")]
        What::Report(args) => report::run(&args),
        What::Serve(args) => serve::run(&args),
        #[cfg(feature = "stores")]
        What::Steps(args) => steps::run(&args),
        #[cfg(feature = "stores")]
        What::Waits(args) => wait_for(waits::run(&args)),
        #[cfg(feature = "stores")]
        What::Writers(args) => wait_for(group_commit::run(&args)),
    }
}

#[cfg(feature = "stores")]
fn wait_for(measurement: impl Future<Output = Outcome>) -> Outcome {
    tokio::runtime::Runtime::new()?.block_on(measurement)
}
