//! Counts a visitor's visits, at <http://127.0.0.1:3000>.

use actix_web::{App, HttpServer, web};
use session_actix::{Session, SessionMiddleware, Settings};

async fn visits(session: Session) -> session_actix::Result<String> {
    let n = session.update("visits", |n: &mut u32| {
        *n += 1;
        *n
    })?;
    Ok(format!("visit {n}\n"))
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // For plain HTTP on this machine. With HTTPS leave the settings as they are.
    let settings = Settings::default().with_cookie_secure(false);
    let backend = session_actix::connect("sqlite:visits.db").await?;
    let sessions = SessionMiddleware::new(backend).with_settings(settings)?;
    let app = move || App::new().wrap(sessions.clone()).route("/", web::get().to(visits));
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:3000".into());
    Ok(HttpServer::new(app).bind(address)?.run().await?)
}
