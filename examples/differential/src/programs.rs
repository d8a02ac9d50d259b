//! The programs, which other packages build.

use std::path::PathBuf;

/// The path of a playground's binary, `axum`, `actix` or `rocket`: beside this test, whose own package does not build it.
///
/// # Panics
///
/// Where it is not there.
pub fn playground(framework: &str) -> String {
    let own = std::env::current_exe().expect("this program has a path");
    // Tests are in the folder `deps`, programs in the one above.
    let folder = own.parent().and_then(|deps| deps.parent()).expect("a folder");
    let path: PathBuf = folder.join(format!("playground-{framework}{}", std::env::consts::EXE_SUFFIX));
    assert!(
        path.is_file(),
        "{} is not there: `cargo build -p example-axum -p example-actix -p example-rocket --bins` makes it",
        path.display()
    );
    path.display().to_string()
}
