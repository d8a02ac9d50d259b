//! What is typed.

#![expect(clippy::doc_markdown, reason = "clap prints these comments as they stand")]

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::{clear, init, list, migrate, revoke, show, stats};

const AFTER: &str = "\
Exit codes: 0 done, 1 failed, 2 usage, 3 the store cannot be reached, 4 no such session, 5 something is weak (check), \
130 stopped by Ctrl-C.

A URL: sqlite:shop.db, postgres://…, mysql://…, redis://…, redis+cluster://…, redis+sentinel://…, file:/var/lib/shop/sessions, or \
env:NAME, which is in the variable NAME. Other programs see a command line: a URL with a password belongs in SESSION_STORE.";

/// The sessions of a site, from the command line.
#[derive(Debug, Parser)]
#[command(name = "session", version, after_help = AFTER, max_term_width = 110)]
pub(crate) struct Args {
    /// Print JSON, for programs
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Remove what has expired; with conditions, end live sessions too
    ///
    /// Without a condition only what has expired is removed, which opens nothing any more. With conditions live sessions that
    /// fulfil all of them are ended as well: try --dry-run first. Ctrl-C stops it between two batches.
    Clear(clear::Args),
    /// List live sessions
    ///
    /// In the store's own order; those of one account the latest used first.
    List(list::Args),
    /// Show one session, without its secrets
    ///
    /// Values whose names say that they are secret (token, password, hash, key …) are hidden.
    Show(show::Args),
    /// End a session, or all of an account's
    Revoke(revoke::Args),
    /// Count sessions, their sizes and ages
    ///
    /// Every session is read once.
    Stats(stats::Args),
    /// Move all sessions to another store, with nobody signed out
    ///
    /// Every live session moves as it is: its secret, its deadlines, its version. While this runs the application uses both stores
    /// as one (MigratingStore), or it does not run. Stopped or broken off and run again, it goes on with what is left.
    ///
    /// With --format django FROM is a Django project's; the application goes on with MigratingStore::from_django, which gives each
    /// visitor another cookie when they come.
    Migrate(migrate::Args),
    /// Create what the store needs, or print its SQL
    ///
    /// What is there already stays as it is.
    Init(init::Args),
    /// Look whether the store is well, and for what is weak in production
    Check,
    /// Print a shell's completions
    Completions {
        /// For which shell
        shell: Shell,
    },
}

impl Command {
    /// Whether it may have changed something before it failed.
    pub(crate) fn writes(&self) -> bool {
        matches!(self, Self::Clear(_) | Self::Revoke(_) | Self::Migrate(_) | Self::Init(_))
    }

    /// Whether it is clear which store it speaks of.
    pub(crate) fn has_one_store(&self) -> bool {
        !matches!(self, Self::Migrate(_))
    }
}

/// Where the sessions are.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Where the sessions are")]
pub(crate) struct StoreArgs {
    /// The store
    #[arg(long, global = true, value_name = "URL", env = "SESSION_STORE", hide_env_values = true)]
    pub(crate) store: Option<String>,
    /// How sessions are written there
    #[arg(long, global = true, value_enum, default_value_t = Format::Native, env = "SESSION_FORMAT")]
    pub(crate) format: Format,
    /// A table's name, if it is not the format's own
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) table: Option<String>,
    /// What Redis keys begin with, if not with `session:`
    #[arg(long, global = true, value_name = "PREFIX")]
    pub(crate) key_prefix: Option<String>,
    /// The Redis cache before the store, so that it learns what ends
    #[cfg(feature = "cached")]
    #[arg(long, global = true, value_name = "URL", env = "SESSION_CACHE", hide_env_values = true)]
    pub(crate) cache: Option<String>,
    /// A Django project's SECRET_KEY. Better: SESSION_SECRET_KEY, DJANGO_SECRET_KEY or SECRET_KEY, which come first, and
    /// SESSION_SECRET_KEY_FALLBACKS, with commas between
    #[arg(long, global = true, value_name = "KEY")]
    pub(crate) secret_key: Vec<String>,
    /// The key that sessions are encrypted with. Better: SESSION_ENCRYPTION_KEY, which comes first, and
    /// SESSION_ENCRYPTION_KEY_FALLBACKS
    #[arg(long, global = true, value_name = "KEY")]
    pub(crate) encryption_key: Vec<String>,
    /// The application's settings, as JSON: what its `Settings` are read from
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) settings: Option<PathBuf>,
}

/// How sessions are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// This project's own
    Native,
    /// That of django.contrib.sessions
    Django,
}
