//! `cargo xtask release --dry-run`: what must hold before the crates are published. It publishes nothing.

mod archives;
mod interface;
mod manifests;
mod oldest;
mod policy;
mod published;
mod toolchain;

use published::Package;

use crate::Outcome;

/// What could not be looked at on this machine, or is somebody's to say: sentences. Nothing of it is passed over in silence.
type Open = Vec<String>;

/// What it looks at, and how.
type Step = (&'static str, fn(&[Package], &mut Open) -> Outcome);

const STEPS: &[Step] = &[
    ("what the registry shows of each crate", manifests::check),
    ("licences, sources and advisories of the dependencies", policy::check),
    ("packages, each built from its own files alone", archives::check),
    ("the least versions that Cargo.toml allows", oldest::check),
    ("the oldest Rust that Cargo.toml allows", toolchain::check),
    ("changes since the last release that SemVer does not allow", interface::check),
];

pub(crate) fn run() -> Outcome {
    let packages = published::in_order()?;
    if !std::env::args().any(|argument| argument == "--dry-run") {
        return Err(how_to_publish(&packages));
    }
    let (mut open, mut faults) = (Open::new(), Vec::new());
    for (what, step) in STEPS {
        eprintln!("\n==> {what}");
        faults.extend(step(&packages, &mut open).err());
    }
    if !open.is_empty() {
        eprintln!("\nopen, before it is published:");
        open.iter().for_each(|what| eprintln!("  - {what}"));
    }
    if !faults.is_empty() {
        return Err(format!("not ready:\n  {}", faults.join("\n  ")));
    }
    if !open.is_empty() && std::env::var_os("CI").is_some() {
        return Err("with CI set nothing may be open".to_owned());
    }
    eprintln!("\nall else is ready; {}", how_to_publish(&packages));
    Ok(())
}

/// A published version can never be taken back, so a person does it, and in one command: cargo waits for each crate before the next.
fn how_to_publish(packages: &[Package]) -> String {
    let version = packages.first().map_or("", Package::version);
    format!(
        "nothing is published from here. After `cargo xtask release --dry-run`, who may publish runs:\n\n  \
         git tag v{version}\n  cargo publish {}\n  git push origin v{version}",
        published::arguments(packages).join(" ")
    )
}
