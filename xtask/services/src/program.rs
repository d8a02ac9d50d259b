//! The programs of this machine.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Searched even where the path does not have them: servers are often on no ordinary user's path.
const SYSTEM: &[&str] = &["/usr/bin", "/usr/sbin", "/usr/local/sbin"];
/// Where Debian keeps the versions of PostgreSQL: a folder each, with a `bin`.
const POSTGRESQL: &str = "/usr/lib/postgresql";

/// The newest program of these names; the first name that is there at all decides.
pub(crate) fn newest(names: &[&str]) -> Option<PathBuf> {
    names.iter().find_map(|name| {
        let mut programs = all(name);
        if programs.len() > 1 {
            programs.sort_by_key(|program| Reverse(version(&says(program))));
        }
        programs.into_iter().next()
    })
}

/// What a program says about its version.
pub(crate) fn says(program: &Path) -> String {
    let output = Command::new(program).arg("--version").output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
}

/// Every program of this name, each once: several paths may lead to one file.
fn all(name: &str) -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let versions = std::fs::read_dir(POSTGRESQL).into_iter().flatten().flatten();
    let folders = std::env::split_paths(&path)
        .chain(versions.map(|version| version.path().join("bin")))
        .chain(SYSTEM.iter().map(PathBuf::from));
    let mut seen = BTreeSet::new();
    folders
        .map(|folder| folder.join(name))
        .filter(|program| program.is_file())
        .filter(|program| program.canonicalize().is_ok_and(|file| seen.insert(file)))
        .collect()
}

/// The first number with a dot that a program says, as its parts: 15.4 is older than 15.18.
fn version(says: &str) -> Vec<u32> {
    let words = says.split(|c: char| !c.is_ascii_digit() && c != '.');
    let number = words.map(|word| word.trim_matches('.')).find(|word| word.contains('.'));
    number.unwrap_or_default().split('.').filter_map(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn versions_are_compared_by_their_parts() {
        let postgres = version("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)");
        assert_eq!(postgres, [15, 18]);
        assert!(version("postgres (PostgreSQL) 15.4") < postgres);
        assert_eq!(version("/usr/sbin/mysqld  Ver 8.0.36 for Linux on x86_64"), [8, 0, 36]);
        assert_eq!(version("Redis server v=7.0.15 sha=00000000:0"), [7, 0, 15]);
        assert_eq!(version("no number"), [0; 0]);
    }
}
