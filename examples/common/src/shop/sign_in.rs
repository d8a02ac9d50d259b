//! Signing in and out, and the list of devices that comes of it.

use session_core::{RecordKey, Result, Session, SessionInfo};

/// A user of the demo. Real passwords are kept as hashes of a slow function, and compared in constant time.
#[derive(Debug)]
pub struct User {
    /// The name, which is the account's too.
    pub name: &'static str,
    /// The password, which the sign-in page tells everybody.
    pub password: &'static str,
}

/// Who can sign in.
pub const USERS: [User; 2] =
    [User { name: "ada", password: "analytical" }, User { name: "grace", password: "compiler" }];

/// The name under which a session notes its browser.
const USER_AGENT: &str = "user_agent";

/// Long enough to tell browsers apart; a browser may send any text.
const USER_AGENT_LENGTH: usize = 200;

/// Signs in where name and password are right, and notes the browser for the list of devices; whether they were.
pub async fn sign_in(
    session: &Session,
    name: &str,
    password: &str,
    user_agent: Option<&str>,
) -> Result<bool> {
    let Some(user) = USERS.iter().find(|user| user.name == name && user.password == password) else {
        return Ok(false);
    };
    session.login(user.name).await?;
    session.set_meta(USER_AGENT, user_agent.map(|text| text.chars().take(USER_AGENT_LENGTH).collect()))?;
    Ok(true)
}

/// Signs out. A binary whose framework gives it a session that is not loaded yet flushes that, which costs no load.
pub async fn sign_out(session: &Session) -> Result<()> {
    session.logout().await
}

/// Where this account is signed in, the latest used first.
pub async fn devices(session: &Session) -> Result<Vec<SessionInfo>> {
    session.sessions().await
}

/// The browser of a device, as it called itself.
pub fn browser(device: &SessionInfo) -> &str {
    device.meta.get(USER_AGENT).map_or("Unknown browser", String::as_str)
}

/// Ends another session of the account, by its handle; whether it was there. Any text may come for a handle.
pub async fn revoke(session: &Session, handle: &str) -> Result<bool> {
    match handle.parse::<RecordKey>() {
        Ok(handle) => session.revoke(&handle).await,
        Err(_) => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_signs_in() {
        let session = crate::shop::session();
        for (name, password) in
            [("ada", "compiler"), ("ada", ""), ("", ""), ("eve", "analytical"), ("ADA", "analytical")]
        {
            assert!(!sign_in(&session, name, password, None).await.unwrap());
        }
        assert_eq!(session.account(), None);
        assert!(sign_in(&session, "ada", "analytical", None).await.unwrap());
        assert_eq!(session.account().as_deref(), Some("ada"));
        sign_out(&session).await.unwrap();
        assert_eq!(session.account(), None);
    }

    #[tokio::test]
    async fn a_device_is_noted_with_a_bounded_name() {
        let session = crate::shop::session();
        sign_in(&session, "grace", "compiler", Some(&"é".repeat(1_000))).await.unwrap();
        session.save().await.unwrap();
        let devices = devices(&session).await.unwrap();
        assert_eq!(browser(&devices[0]).chars().count(), USER_AGENT_LENGTH);
        assert!(devices[0].current);
    }

    #[tokio::test]
    async fn a_text_that_is_no_handle_ends_nothing() {
        let session = crate::shop::session();
        for handle in ["", "..", "kqpt0w3ws4gc1dtw8cm7h8wnx"] {
            assert!(!revoke(&session, handle).await.unwrap());
        }
    }
}
