//! The program `session`: the sessions of a site from the command line, in any store that `session-axum`, `session-actix` or
//! `session-rocket` uses.
//!
//! ```text
//! session clear                      remove what has expired, as Django's clearsessions does
//! session list --account ada         who is signed in where
//! session show HANDLE                what is in a session, without its secrets
//! session revoke --account ada       sign somebody out everywhere
//! session stats                      how many there are, how large, how old
//! session migrate FROM TO            move to another store, with nobody signed out
//! session init                       create the table, or print its SQL
//! session check                      is the store well, is anything weak
//! session completions SHELL          for bash, zsh, fish, elvish, powershell
//! ```
//!
//! The store is a URL in the variable `SESSION_STORE` or after `--store`. Every command takes `--json`; the shapes are in the README,
//! and change with a major version only.
//!
//! # What it shows
//!
//! Handles, accounts, dates, and with `show` an application's values. Never a token, a hash or a key: a session of Django's, whose
//! key opens it, is shown by the key's [successor](session_core::RecordKey::successor), and the commands take that too. A password in
//! a URL is in no output, and what a session holds cannot write on the terminal but as text.
//!
//! # What it ends with
//!
//! | code | means |
//! | --- | --- |
//! | 0 | done |
//! | 1 | failed; standard error says why, and what to do |
//! | 2 | the command line is wrong |
//! | 3 | the store cannot be reached: later it may work |
//! | 4 | there is no such session |
//! | 5 | `check` has found something weak |
//! | 130 | stopped by Ctrl-C, between two batches; run again, it goes on |

mod args;
mod check;
mod clear;
mod error;
mod filter;
mod human;
mod init;
mod list;
mod migrate;
mod output;
mod progress;
mod revoke;
mod secrecy;
mod show;
mod stats;
mod stop;
mod store;
mod walk;

use std::env;
use std::io;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

use crate::args::{Args, Command};
use crate::error::{Done, Failure};
use crate::output::Output;

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return explain_usage(error),
    };
    let output = Output::new(args.json);
    // What waits here waits for the store.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let ended = runtime.map_err(Failure::from).and_then(|runtime| runtime.block_on(run(&args, &output)));
    match ended {
        Ok(done) => done.into(),
        Err(failure) => {
            output.failure(&failure, Some(&args));
            failure.exit_code().into()
        }
    }
}

async fn run(args: &Args, output: &Output) -> Result<Done, Failure> {
    let store = &args.store;
    match &args.command {
        Command::Clear(args) => clear::run(args, store, output).await,
        Command::List(args) => list::run(args, store, output).await,
        Command::Show(args) => show::run(args, store, output).await,
        Command::Revoke(args) => revoke::run(args, store, output).await,
        Command::Stats(args) => stats::run(args, store, output).await,
        Command::Migrate(args) => migrate::run(args, store, output).await,
        Command::Init(args) => init::run(args, store, output).await,
        Command::Check => check::run(store, output).await,
        Command::Completions { shell } => {
            clap_complete::generate(*shell, &mut Args::command(), "session", &mut io::stdout());
            Ok(Done::All)
        }
    }
}

/// Prints what clap says, which repeats what was typed, and that may be a URL with a password.
fn explain_usage(error: clap::Error) -> ExitCode {
    if !error.use_stderr() {
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    let failure = Failure::Typed(error);
    // What cannot be read as a whole can still ask for this.
    Output::new(env::args_os().any(|argument| argument == "--json")).failure(&failure, None);
    failure.exit_code().into()
}
