//! `screenshot PROGRAM PATH THEME FILE` writes a picture of a demo's page: see `cargo xtask screenshots`.

use std::error::Error;
use std::fs;

use example_testing::{run, screenshot};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [program, path, theme, file] = &*arguments else {
        return Err("usage: screenshot PROGRAM PATH THEME FILE".into());
    };
    Ok(fs::write(file, run(screenshot::take(program, path, theme)))?)
}
