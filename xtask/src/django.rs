//! A Python with Django, for the tests that share sessions with it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::command::{run, target};
use crate::packages::PYTHON;
use crate::services::Services;

/// What tests are told that there is none of, where there is none.
const NAME: &str = "django";

/// The variable that has the path of the Python.
const VARIABLE: &str = "TEST_DJANGO_URL";

/// Django, and its drivers for the databases that the tests have.
const PACKAGES: &[&str] = &["django==5.2.*", "psycopg[binary]", "pymysql"];

/// Tells tests where it is, or that there is none. Where the environment says it already, they know.
pub(crate) fn join(services: &mut Services) {
    if std::env::var_os(VARIABLE).is_none() {
        match provide() {
            Ok(python) => services.urls.push((VARIABLE.to_owned(), python.display().to_string())),
            Err(missing) => services.note(NAME, Err(missing)),
        }
    }
}

/// A virtual environment in the target folder, made where it is absent; else what is missing.
fn provide() -> Result<PathBuf, String> {
    PYTHON.provide()?;
    let folder = target().join("test-django");
    let python = folder.join("bin/python");
    if !works(&python) {
        let because = |error: String| {
            format!("sessions shared with Django: {PACKAGES:?} from the Python index ({error})")
        };
        eprintln!("\n==> installing {}", PACKAGES.join(" "));
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder)).map_err(because)?;
        run(Command::new(&python).args(["-m", "pip", "install", "--quiet"]).args(PACKAGES))
            .map_err(because)?;
    }
    Ok(python)
}

fn works(python: &Path) -> bool {
    let imports = "import django, psycopg, pymysql; assert django.VERSION[:2] == (5, 2)";
    let status = Command::new(python).args(["-c", imports]).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}
