//! Every target, on its corpus, on what it says itself is hostile, and on changed copies of both: nothing panics, takes long or needs
//! much memory. The same inputs each time; more of them with `cargo xtask soak`.

mod mutate;

use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use session_core::testing::rounds;
use session_fuzz::{TARGETS, Target};

use mutate::Draw;

/// How many changed copies each target reads.
const CHANGED: u32 = 1_000;

/// What an input may cost a thread, which makes a dozen requests with it, in a build that is not optimised.
const LONGEST: Duration = Duration::from_secs(5);

/// What all of it may cost a target.
const ALL: Duration = Duration::from_secs(8);

/// What this process may have needed in the end, for all targets at once.
const MEMORY_IN_MB: u64 = 1_024;

/// How many faults are shown of a target.
const SHOWN: usize = 5;

/// Longer inputs are read, and not changed.
const CHANGEABLE: usize = 32 << 10;

#[test]
fn no_input_breaks_a_target() {
    std::thread::scope(|scope| {
        for target in TARGETS {
            // With its name, and the stack that a server's thread has.
            let thread = std::thread::Builder::new().name(target.name.to_owned());
            thread.stack_size(2 << 20).spawn_scoped(scope, move || smoke(target)).expect("a thread");
        }
    });
    if let Some(peak) = peak_in_mb() {
        assert!(peak < MEMORY_IN_MB, "{peak} MB");
    }
}

/// One that is forgotten in one place would be fuzzed by nobody.
#[test]
fn every_target_has_a_corpus_and_a_program() {
    let names = |folder: &str| {
        let entries = fs::read_dir(root().join(folder)).expect("a folder");
        let stem = |path: PathBuf| path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        let mut names: Vec<_> = entries.filter_map(|entry| stem(entry.ok()?.path())).collect();
        names.sort();
        names
    };
    let mut targets: Vec<_> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    targets.sort();
    assert_eq!(names("corpus"), targets);
    assert_eq!(names("libfuzzer/fuzz_targets"), targets);
    let manifest = fs::read_to_string(root().join("libfuzzer/Cargo.toml")).expect("a manifest");
    assert!(targets.iter().all(|target| manifest.contains(&format!("name = \"{target}\""))));
}

fn smoke(target: &Target) {
    let mut spent = Duration::ZERO;
    let mut faults = Vec::new();
    // Whether to go on.
    let mut read = |what: &str, input: &[u8]| {
        let before = cpu();
        let outcome = catch_unwind(|| (target.run)(input));
        let took = cpu().saturating_sub(before);
        spent += took;
        if outcome.is_err() || took > LONGEST {
            let why = if outcome.is_err() { "it panics".to_owned() } else { format!("it takes {took:?}") };
            let shown = input[..input.len().min(1_000)].escape_ascii();
            faults.push(format!("{what}, {} bytes: {why}: \"{shown}\"", input.len()));
        }
        spent < ALL && faults.len() < SHOWN
    };
    let mut seeds = Vec::new();
    for (path, input) in corpus(target.name) {
        read(&path.display().to_string(), &input);
        seeds.push(input);
    }
    for (number, input) in (target.hostile)().into_iter().enumerate() {
        read(&format!("hostile input {number}"), &input);
        seeds.push(input);
    }
    seeds.retain(|seed| seed.len() <= CHANGEABLE);
    let mut draw = Draw::from(1);
    for number in 0..rounds(CHANGED) {
        if !read(&format!("changed input {number}"), &mutate::changed(&seeds, &mut draw)) {
            break;
        }
    }
    assert!(faults.is_empty(), "{}:\n  {}", target.name, faults.join("\n  "));
}

fn corpus(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = fs::read_dir(root().join("corpus").join(target)).expect("a corpus");
    let mut paths: Vec<_> = folder.map(|entry| entry.expect("a file").path()).collect();
    // In no folder's own order.
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), fs::read(path).expect("a file"))).collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What this thread has worked, whatever else the machine does.
fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// On Linux.
fn peak_in_mb() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(peak.trim().trim_end_matches("kB").trim().parse::<u64>().ok()? / 1024)
}
