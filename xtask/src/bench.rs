//! `cargo xtask bench`: what a session costs, measured by `xtask/bench`, beside other libraries; and `cargo xtask instructions`, the
//! part of it that repeats on any machine.

use std::path::PathBuf;
use std::process::Command;

use test_services::{MariaDb, Postgres, Redis, StartError};

use crate::Outcome;
use crate::command::{cargo, root, run as run_command, target};
use crate::packages::{MYSQL, POSTGRES, REDIS, VALGRIND, WRK};

/// One of the subcommands of `xtask/bench`.
struct Measurement {
    name: &'static str,
    /// What it is told of.
    needs: &'static [Need],
    /// What makes it shorter.
    quick: &'static [&'static str],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    /// Where the servers of stores are.
    Stores,
    /// Where the program `session` is.
    Cli,
}

/// In the order in which they are run.
const MEASUREMENTS: &[Measurement] = &[
    Measurement { name: "instructions", needs: &[], quick: &["--requests", "50"] },
    Measurement { name: "steps", needs: &[], quick: &["--times", "1000"] },
    Measurement { name: "waits", needs: &[Need::Stores], quick: &["--times", "3"] },
    Measurement { name: "hot", needs: &[Need::Stores], quick: &["--rounds", "1"] },
    Measurement { name: "load", needs: &[Need::Stores], quick: &["--rounds", "1", "--seconds", "1"] },
    Measurement { name: "memory", needs: &[], quick: &["--up-to", "1000000"] },
    Measurement { name: "writers", needs: &[Need::Stores], quick: &["--rounds", "1"] },
    Measurement { name: "accounts", needs: &[Need::Stores], quick: &["--sessions", "5000"] },
    Measurement { name: "clear", needs: &[Need::Stores, Need::Cli], quick: &["--sessions", "300000"] },
    Measurement { name: "growth", needs: &[Need::Stores], quick: &["--up-to", "10000"] },
];

/// Runs all of it, or what `--only NAME` names, and rewrites the tables in `docs/benchmarks.md`; with `--quick` it takes minutes, and
/// changes no file.
pub(crate) fn run() -> Outcome {
    let (only, quick) = arguments()?;
    let wanted: Vec<_> =
        MEASUREMENTS.iter().filter(|m| only.is_empty() || only.iter().any(|name| name == m.name)).collect();
    for need in [&VALGRIND, &WRK, &POSTGRES, &MYSQL, &REDIS] {
        need.provide()?;
    }
    let program = build(&[])?;
    let needs = |need| wanted.iter().any(|m| m.needs.contains(&need));
    let cli = needs(Need::Cli).then(build_cli).transpose()?;
    let servers = needs(Need::Stores).then(Servers::start).transpose().map_err(|e| e.to_string())?;
    let out = target().join("bench");
    let mut failed = Vec::new();
    for measurement in wanted {
        eprintln!("\n==> session-bench {}", measurement.name);
        let mut command = Command::new(&program);
        command.arg(measurement.name).arg("--out").arg(&out).current_dir(root());
        if quick {
            command.args(measurement.quick);
        }
        if let Some(cli) = cli.as_ref().filter(|_| measurement.needs.contains(&Need::Cli)) {
            command.arg("--cli").arg(cli);
        }
        if let Some(servers) = servers.as_ref().filter(|_| measurement.needs.contains(&Need::Stores)) {
            command.args(["--redis", &servers.redis.url(), "--postgres", &servers.postgres.url()]);
            command.args(["--mysql", &servers.mysql.url(), "--folder"]).arg(out.join("files"));
        }
        // The others are measured all the same: what is over its bound is in the tables.
        if let Err(error) = run_command(&mut command) {
            failed.push(format!("{}: {error}", measurement.name));
        }
    }
    if !quick {
        let mut report = Command::new(&program);
        run_command(report.arg("report").arg("--out").arg(&out).arg("--docs").arg(root().join("docs")))?;
    }
    if failed.is_empty() { Ok(()) } else { Err(failed.join("\n  ")) }
}

/// Counts what the adapters add to each framework, and fails where it is over its bound: a smoke of `cargo xtask bench`. Builds no peer and no store but memory.
pub(crate) fn instructions() -> Outcome {
    VALGRIND.provide()?;
    let program = build(&["--no-default-features"])?;
    eprintln!("\n==> session-bench instructions");
    run_command(Command::new(program).args(["instructions", "--bounds-only", "--requests", "50"]))
}

/// The program that measures.
fn build(features: &[&str]) -> Result<PathBuf, String> {
    let target = target();
    let folder = target.display().to_string();
    let arguments = [
        "build",
        "--release",
        "--locked",
        "--manifest-path",
        "xtask/bench/Cargo.toml",
        "--target-dir",
        &folder,
    ];
    cargo(&[&arguments, features].concat(), &[])?;
    Ok(target.join("release/session-bench"))
}

/// The command line, as it is published.
fn build_cli() -> Result<PathBuf, String> {
    cargo(&["build", "--release", "--locked", "--package", "session-cli"], &[])?;
    Ok(target().join("release/session"))
}

/// What `--only` names, and whether it says `--quick`.
fn arguments() -> Result<(Vec<String>, bool), String> {
    let (mut only, mut quick) = (Vec::new(), false);
    let mut arguments = std::env::args().skip(2);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--quick" => quick = true,
            "--only" => {
                let names: Vec<_> = MEASUREMENTS.iter().map(|m| m.name).collect();
                let name = arguments.next().filter(|name| names.contains(&name.as_str()));
                only.push(name.ok_or_else(|| format!("--only with one of {}", names.join(", ")))?);
            }
            other => return Err(format!("{other}: only --only NAME and --quick are known")),
        }
    }
    Ok((only, quick))
}

/// The servers of stores, which end with this value.
struct Servers {
    postgres: Postgres,
    mysql: MariaDb,
    redis: Redis,
}

impl Servers {
    fn start() -> Result<Self, StartError> {
        eprintln!("\n==> starting postgres, mysql, redis");
        Ok(Self { postgres: Postgres::start()?, mysql: MariaDb::start()?, redis: Redis::start()? })
    }
}
