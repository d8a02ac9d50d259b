//! The programs, which other packages build.

use std::path::PathBuf;
use std::process::Command;

use example_testing::Server;
use serde_json::Value;

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

/// A Django that serves the playground's contract, with these settings: `engine` (`db`, `signed_cookies`), `secret_key`, `database` (a
/// file) and `options` (more Django settings). `None` where there is no Django, which
/// [`server`](session_core::testing::server)`("django")` decides.
pub fn django(settings: &Value) -> Option<Server> {
    let python = session_core::testing::server("django")?;
    let mut command = Command::new(python);
    command.args(["-c", include_str!("django.py"), &settings.to_string()]);
    Some(Server::run(command))
}
