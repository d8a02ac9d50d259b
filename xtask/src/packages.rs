//! What the tests need besides Rust and a C compiler: installed where it is missing and may be installed.

use std::process::{Command, Stdio};
use std::sync::OnceLock;

use test_services::{MariaDb, Postgres, Redis};

use crate::Outcome;
use crate::command::{has, run};

/// Programs that tests need.
#[derive(Debug)]
pub(crate) struct Need {
    /// What tests are told that there is none of; see [`test_services::WITHOUT`].
    pub(crate) name: &'static str,
    /// Whether it is on this machine.
    is_there: fn() -> bool,
    /// Debian's packages that have it.
    packages: &'static [&'static str],
    /// What cannot be tested without.
    what: &'static str,
}

/// A browser and its driver.
pub(crate) const BROWSER: Need = Need {
    name: "browser",
    is_there: || has("chromium") && has("chromedriver"),
    packages: &["chromium", "chromium-driver"],
    what: "the demo in a real browser",
};

pub(crate) const POSTGRES: Need = Need {
    name: "postgres-program",
    is_there: Postgres::is_installed,
    packages: &["postgresql"],
    what: "what starts PostgreSQL",
};

pub(crate) const MYSQL: Need = Need {
    name: "mysql-program",
    is_there: MariaDb::is_installed,
    packages: &["mariadb-server"],
    what: "what starts MariaDB",
};

/// Also for Redis Cluster and Sentinel, which are the same program.
pub(crate) const REDIS: Need = Need {
    name: "redis-program",
    is_there: Redis::is_installed,
    packages: &["redis-server"],
    what: "what starts Redis, alone, as a cluster or with sentinels",
};

/// With what makes a virtual environment.
pub(crate) const PYTHON: Need = Need {
    name: "python",
    is_there: || {
        let modules =
            Command::new("python3").args(["-c", "import venv, ensurepip"]).stderr(Stdio::null()).status();
        modules.is_ok_and(|status| status.success())
    },
    packages: &["python3", "python3-venv"],
    what: "sessions shared with Django",
};

/// Counts instructions.
pub(crate) const VALGRIND: Need = Need {
    name: "valgrind",
    is_there: || has("valgrind"),
    packages: &["valgrind"],
    what: "what a request costs in instructions",
};

/// Makes load.
pub(crate) const WRK: Need =
    Need { name: "wrk", is_there: || has("wrk"), packages: &["wrk"], what: "what servers do under load" };

impl Need {
    /// Whether it is there, installed now if need be; else what is missing and what to do.
    pub(crate) fn provide(&self) -> Outcome {
        if (self.is_there)() {
            return Ok(());
        }
        let advice = self.advice();
        let Some(mut install) = apt_get() else { return Err(advice) };
        let because = |error: &str| format!("{advice} ({error})");
        update().map_err(|error| because(&error))?;
        eprintln!("\n==> installing {}", self.packages.join(" "));
        run(install.args(["-y", "--no-install-recommends", "install"]).args(self.packages))
            .map_err(|error| because(&error))?;
        if (self.is_there)() { Ok(()) } else { Err(advice) }
    }

    fn advice(&self) -> String {
        format!("{}: install {}", self.what, self.packages.join(" and "))
    }
}

/// Fetches the lists of packages, once.
fn update() -> Outcome {
    static DONE: OnceLock<Outcome> = OnceLock::new();
    let update = || {
        eprintln!("\n==> updating the lists of packages");
        run(apt_get().ok_or("there is no apt-get")?.arg("update"))
    };
    DONE.get_or_init(update).clone()
}

/// `apt-get`, as root or by a sudo that asks for no password.
fn apt_get() -> Option<Command> {
    // No questions. And as on a machine for one user, where packages start no services, unless systemd does so anyway; such a
    // service is in nobody's way: tests have their own servers, at other ports and in other folders.
    const APT_GET: &[&str] = &["env", "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1", "apt-get", "-qq"];
    if !has("apt-get") {
        return None;
    }
    let is = |program: &str, arguments: &[&str], answer: &str| {
        let output = Command::new(program).args(arguments).stderr(Stdio::null()).output();
        output.is_ok_and(|output| output.status.success() && output.stdout.starts_with(answer.as_bytes()))
    };
    let words = if is("id", &["-u"], "0") {
        APT_GET.to_vec()
    } else if is("sudo", &["-n", "true"], "") {
        // It drops the environment, so the variables are words of the command.
        [&["sudo", "-n"], APT_GET].concat()
    } else {
        return None;
    };
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).stdout(Stdio::null());
    Some(command)
}
