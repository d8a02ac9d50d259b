//! Our sessions, by the URL of their store.

use session_backends::Connect;
use session_core::{SecretKeys, Sessions, Settings};

use super::{Error, KEY};

pub(super) async fn sessions(store: &str) -> Result<Sessions, Error> {
    let settings = Settings::default().with_cookie_secure(false);
    let connect = Connect::new(store).with_secret_keys(SecretKeys::new(KEY)).with_settings(&settings);
    Ok(Sessions::new(connect.open().await?, settings)?)
}
