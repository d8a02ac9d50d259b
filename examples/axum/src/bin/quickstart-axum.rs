//! Counts a visitor's visits, at <http://127.0.0.1:3000>.

use axum::{Router, routing::get};
use session_axum::{Session, SessionLayer, Settings};

async fn visits(session: Session) -> session_axum::Result<String> {
    let n = session.update("visits", |n: &mut u32| {
        *n += 1;
        *n
    })?;
    Ok(format!("visit {n}\n"))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // For plain HTTP on this machine. With HTTPS leave the settings as they are.
    let settings = Settings::default().with_cookie_secure(false);
    let sessions = SessionLayer::connect("sqlite:visits.db").await?.with_settings(settings)?;
    let app = Router::new().route("/", get(visits)).layer(sessions);
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:3000".into());
    let listener = tokio::net::TcpListener::bind(address).await?;
    Ok(axum::serve(listener, app).await?)
}
