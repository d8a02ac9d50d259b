//! `session migrate`: from one store to another, with nobody signed out.

use std::time::{Duration, Instant};

use serde_json::json;
use session_backends::Connect;
use session_core::{Migrated, Migration, Settings};

use crate::args::{Format, StoreArgs};
use crate::error::{Done, Failure};
use crate::human;
use crate::output::Output;
use crate::progress::Progress;
use crate::stop::Stop;
use crate::store::{Absent, Store, named, resolved};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The store to leave, with --format, --table and --key-prefix; env:NAME is the URL in that variable
    #[arg(value_name = "FROM")]
    from: String,
    /// The store to go to, which is created where it is absent
    #[arg(value_name = "TO")]
    to: String,
    /// The new table's name
    #[arg(long, value_name = "NAME")]
    to_table: Option<String>,
    /// What Redis keys begin with in the new store
    #[arg(long, value_name = "PREFIX")]
    to_key_prefix: Option<String>,
}

pub(crate) async fn run(args: &Args, store: &StoreArgs, output: &Output) -> Result<Done, Failure> {
    let settings = store.settings()?;
    let old = store.connect(&resolved(&args.from)?, Absent::Fails)?.open().await?;
    let new = args.new_store()?.open().await?;
    // Django's own format is never encrypted: a key is for the new store.
    let of_old = if store.format == Format::Django { Settings::default() } else { settings.clone() };
    let (old, new) = (Store::new(old, of_old)?, Store::new(new, settings.clone())?);
    let (progress, stop, began) = (Progress::begin("moving sessions"), Stop::on_signal()?, Instant::now());
    let shown = progress.clone();
    let migration = Migration::new(old.any, new.any, settings)?.with_progress(move |so_far| {
        shown.says(|| format!("{} moved", human::count(so_far.moved)));
        if let Some(key) = so_far.reached {
            shown.has_reached(&key);
        }
    });
    let migrated = migration.run_until(stop.asked()).await;
    progress.end();
    let (migrated, took) = (migrated?, began.elapsed());
    let value = json!({
        "moved": migrated.moved,
        "before": migrated.before,
        "ended": migrated.ended,
        "left": migrated.left,
        "differing": migrated.differing,
        "stopped": migrated.stopped,
        "seconds": took.as_secs_f64(),
    });
    output.say(&value, || args.sentences(&migrated, took))?;
    Ok(match migrated {
        Migrated { stopped: true, .. } => Done::Stopped,
        Migrated { left: 0, differing: 0, .. } => Done::All,
        _ => Done::Partly,
    })
}

impl Args {
    fn new_store(&self) -> Result<Connect, Failure> {
        let mut connect = Connect::new(resolved(&self.to)?);
        if let Some(table) = &self.to_table {
            connect = connect.with_table(table);
        }
        if let Some(prefix) = &self.to_key_prefix {
            connect = connect.with_key_prefix(prefix);
        }
        Ok(connect)
    }

    fn sentences(&self, migrated: &Migrated, took: Duration) -> String {
        let (from, to) = (named(&self.from), named(&self.to));
        let mut lines = vec![format!(
            "{} moved from {from} to {to} in {}, and read back",
            human::sessions(migrated.moved),
            human::took(took)
        )];
        let mut also = |count: u64, says: &str| {
            if count > 0 {
                lines.push(format!("{} {says}", human::sessions(count)));
            }
        };
        also(migrated.before, "had moved before");
        also(migrated.ended, "ended meanwhile");
        also(
            migrated.left,
            "left behind: unreadable, or of an account whose name the new store does not take",
        );
        also(
            migrated.differing,
            "read back otherwise than written: do not use the new store, and report this",
        );
        if migrated.stopped {
            lines.push("stopped before the end: run it again to go on".to_owned());
        }
        lines.join("\n")
    }
}
