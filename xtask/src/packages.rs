//! What the tests need besides Rust and a C compiler: installed where it is missing and may be installed.

use std::process::{Command, Stdio};

use crate::command::{has, run};

/// A program that tests need.
#[derive(Debug)]
pub(crate) struct Need {
    /// The programs, as they are on the path.
    pub(crate) programs: &'static [&'static str],
    /// Debian's packages that have them.
    pub(crate) packages: &'static [&'static str],
    /// What cannot be tested without.
    pub(crate) what: &'static str,
}

/// A browser and its driver.
pub(crate) const BROWSER: Need = Need {
    programs: &["chromium", "chromedriver"],
    packages: &["chromium", "chromium-driver"],
    what: "the demo in a real browser",
};

impl Need {
    /// Whether it is there, installed now if need be; else what is missing and what to do.
    pub(crate) fn provide(&self) -> Result<(), String> {
        if self.is_there() {
            return Ok(());
        }
        let advice = format!("{}: install {}", self.what, self.packages.join(" and "));
        let Some(mut install) = installer() else { return Err(advice) };
        eprintln!("\n==> installing {}", self.packages.join(" "));
        let quiet = |command: &mut Command| {
            run(command.env("DEBIAN_FRONTEND", "noninteractive").stdout(Stdio::null()))
        };
        let mut update = installer().ok_or_else(|| advice.clone())?;
        quiet(update.args(["-qq", "update"])).map_err(|error| format!("{advice} ({error})"))?;
        quiet(install.args(["-qq", "-y", "--no-install-recommends", "install"]).args(self.packages))
            .map_err(|error| format!("{advice} ({error})"))?;
        if self.is_there() { Ok(()) } else { Err(advice) }
    }

    fn is_there(&self) -> bool {
        self.programs.iter().all(|program| has(program))
    }
}

/// `apt-get`, as root or by a sudo that asks for no password.
fn installer() -> Option<Command> {
    if !has("apt-get") {
        return None;
    }
    let is = |program: &str, arguments: &[&str], answer: &str| {
        let output = Command::new(program).args(arguments).stderr(Stdio::null()).output();
        output.is_ok_and(|output| output.status.success() && output.stdout.starts_with(answer.as_bytes()))
    };
    if is("id", &["-u"], "0") {
        return Some(Command::new("apt-get"));
    }
    is("sudo", &["-n", "true"], "").then(|| {
        let mut sudo = Command::new("sudo");
        sudo.args(["-n", "apt-get"]);
        sudo
    })
}
