//! Whether a test has traced or logged what opens a session: see `session_core::testing::LEAKS`.

use std::fs;
use std::path::PathBuf;

use crate::Outcome;
use crate::command::target;

/// As `session_core::testing::LEAKS`.
pub(crate) const VARIABLE: &str = "TEST_LEAKS";

/// An empty folder for what processes should not have said.
pub(crate) fn folder() -> Result<PathBuf, String> {
    let folder = target().join("leaks");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(folder)
}

/// An error where somebody has said something; or nobody was asked.
pub(crate) fn check(folder: &PathBuf) -> Outcome {
    let files = fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let files = files.map_err(|error| format!("{}: {error}", folder.display()))?;
    let said: Vec<_> =
        files.iter().filter_map(|file| fs::read(file.path()).ok().filter(|said| !said.is_empty())).collect();
    eprintln!("\n==> what {} processes traced and logged, searched for cookies and keys", files.len());
    if files.is_empty() {
        return Err("no test listened to what it traces".to_owned());
    }
    let Some(first) = said.first() else { return Ok(()) };
    let line = String::from_utf8_lossy(first).lines().next().unwrap_or_default().to_owned();
    Err(format!(
        "{} processes have logged what opens a session, as in {}: {line}",
        said.len(),
        folder.display()
    ))
}
