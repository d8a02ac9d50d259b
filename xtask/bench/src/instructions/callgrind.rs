//! This program under callgrind.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::stack::{Case, Stack};

/// What requests of one kind have cost, all together.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cost {
    /// All instructions in user space.
    pub(crate) total: u64,
    /// Those that compress a block of SHA-256, and how many blocks there were.
    pub(crate) hashing: u64,
    pub(crate) blocks: u64,
}

/// Each case's requests to this stack.
pub(crate) fn count(stack: Stack, store: &str, requests: u32) -> Result<Vec<(Case, Cost)>, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let first = Case::ALL[0].name();
    let arguments = ["drive", &stack.name(), &first, &requests.to_string(), "--all", "--store", store];
    run("--dump-before=*bench_mark*", folder.path(), &arguments.map(str::to_owned))?;
    // Before each case's requests a part with what came before them, and then the part with them.
    let parts = Case::ALL.into_iter().zip((2..).step_by(2));
    parts.map(|(case, part)| Ok((case, read(&folder.path().join(format!("out.{part}")))?))).collect()
}

/// All instructions of this program within the functions of this name.
#[cfg(feature = "stores")]
pub(crate) fn inside(function: &str, arguments: &[String]) -> Result<u64, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    run(&format!("--toggle-collect={function}"), folder.path(), arguments)?;
    Ok(read(&folder.path().join("out"))?.total)
}

fn run(option: &str, folder: &Path, arguments: &[String]) -> Result<(), String> {
    let this = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--quiet", "--tool=callgrind", option]);
    valgrind.arg(format!("--callgrind-out-file={}", folder.join("out").display())).arg(this).args(arguments);
    let output = valgrind.stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("valgrind cannot be started: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr)))
}

fn read(part: &Path) -> Result<Cost, String> {
    let text = std::fs::read_to_string(part).map_err(|error| format!("{}: {error}", part.display()))?;
    let mut cost = Cost::default();
    // A function's name stands where it comes first; later there is its number only.
    let mut hashing = std::collections::BTreeSet::new();
    let (mut in_hash, mut of_hash) = (false, false);
    let mut is_hash = |function: &str| -> bool {
        let (id, name) = function.split_once(' ').unwrap_or((function, ""));
        if name.contains("sha256") && name.contains("compress") {
            hashing.insert(id.to_owned());
        }
        hashing.contains(id)
    };
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(total) = line.strip_prefix("summary: ").or_else(|| line.strip_prefix("totals: ")) {
            cost.total = total.trim().parse().map_err(|_| format!("no number: {line}"))?;
        } else if let Some(function) = line.strip_prefix("fn=") {
            in_hash = is_hash(function);
        } else if let Some(function) = line.strip_prefix("cfn=") {
            of_hash = is_hash(function);
        } else if let Some(rest) = line.strip_prefix("calls=") {
            let calls = rest.split(' ').next().and_then(|count| count.parse::<u64>().ok());
            // The line behind it has what these calls cost, with all that they called.
            let inclusive = lines.next().and_then(|line| line.rsplit(' ').next()?.parse::<u64>().ok());
            if of_hash && !in_hash {
                cost.hashing += inclusive.unwrap_or(0);
                cost.blocks += calls.unwrap_or(0);
            }
        }
    }
    Ok(cost)
}
