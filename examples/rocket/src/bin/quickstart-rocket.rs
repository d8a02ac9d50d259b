//! Counts a visitor's visits, at <http://127.0.0.1:8000>.

#![expect(clippy::needless_pass_by_value, reason = "a guard is an argument by value")]

use rocket::{get, launch, routes};
use session_rocket::{Session, SessionFairing};

#[get("/")]
fn visits(session: Session) -> session_rocket::Result<String> {
    let n = session.update("visits", |n: &mut u32| {
        *n += 1;
        *n
    })?;
    Ok(format!("visit {n}\n"))
}

#[launch]
fn rocket() -> _ {
    // For plain HTTP on this machine. With HTTPS leave the settings as they are.
    let sessions = SessionFairing::connect("sqlite:visits.db")
        .change_settings(|settings| settings.with_cookie_secure(false));
    rocket::build().attach(sessions).mount("/", routes![visits])
}
