//! `django.contrib.auth`: who is signed in, in a session that Django shares.

use hmac::Mac;
use std::fmt::Write as _;

use crate::error::Result;
use crate::keys::SecretKeys;
use crate::session::Session;

use super::dict::{USER_BACKEND, USER_HASH};
use super::signing::salted_hmac;

const SALT: &str = "django.contrib.auth.models.AbstractBaseUser.get_session_auth_hash";

/// Signs users of a Django project in, and checks those whom Django has signed in, so that a login on either side, and a change of
/// password, holds on the other (D98, D99).
///
/// ```
/// # async fn f(session: session_core::Session, user: (i64, String)) -> session_core::Result<()> {
/// use session_core::SecretKeys;
/// use session_core::django::{Auth, Standing};
///
/// let auth = Auth::new(SecretKeys::new("the project's SECRET_KEY"));
/// // `user.1` is the column `password` of `auth_user`, as it stands there.
/// auth.login(&session, user.0.to_string(), &user.1).await?;
/// assert_eq!(auth.check(&session, &user.1).await?, Standing::SignedIn);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Auth {
    keys: SecretKeys,
    backend: String,
}

/// What a check of a session has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "somebody may not be signed in"]
#[expect(clippy::exhaustive_enums, reason = "a user is signed in or not")]
pub enum Standing {
    /// The user is signed in.
    SignedIn,
    /// Nobody is; a session whose password has changed since has been flushed.
    Anonymous,
}

impl Auth {
    /// With the project's `SECRET_KEY` and its fallbacks, for `django.contrib.auth.backends.ModelBackend`.
    pub fn new(keys: SecretKeys) -> Self {
        Self { keys, backend: "django.contrib.auth.backends.ModelBackend".to_owned() }
    }

    /// For another of the project's `AUTHENTICATION_BACKENDS`: Django takes nobody for signed in whose backend is not among them.
    #[must_use = "this returns the changed value"]
    pub fn with_backend(self, path: impl Into<String>) -> Self {
        Self { backend: path.into(), ..self }
    }

    /// Signs the user in whose primary key and `password` column these are. In a session of another user, or of this one under
    /// another password, everything is flushed first.
    pub async fn login(&self, session: &Session, user_id: impl Into<String>, password: &str) -> Result<()> {
        let user_id = user_id.into();
        let same_user = session.account().as_ref() == Some(&user_id);
        if same_user && !hash_fits(session, password, self.keys.iter())? {
            session.flush().await?;
        }
        session.login(user_id).await?;
        session.insert_own(USER_BACKEND, &self.backend)?;
        self.renew_hash(session, password)
    }

    /// Whether the session's user is signed in still: its hash is that of the `password` column. A hash under an old
    /// `SECRET_KEY` is renewed, with a new session key; one that fits no key flushes the session: the password has changed.
    pub async fn check(&self, session: &Session, password: &str) -> Result<Standing> {
        if session.account().is_none() {
            return Ok(Standing::Anonymous);
        }
        if hash_fits(session, password, std::iter::once(self.keys.newest()))? {
            return Ok(Standing::SignedIn);
        }
        if hash_fits(session, password, self.keys.iter().skip(1))? {
            session.rotate()?;
            self.renew_hash(session, password)?;
            return Ok(Standing::SignedIn);
        }
        session.flush().await?;
        Ok(Standing::Anonymous)
    }

    fn renew_hash(&self, session: &Session, password: &str) -> Result<()> {
        let hash = salted_hmac(SALT, self.keys.newest(), password.as_bytes()).finalize().into_bytes();
        let text = hash.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        });
        session.insert_own(USER_HASH, &text)
    }
}

/// Whether the hash in the session is that of the password, under one of the keys. Compared in constant time.
fn hash_fits<'a>(
    session: &Session,
    password: &str,
    mut keys: impl Iterator<Item = &'a [u8]>,
) -> Result<bool> {
    let Some(hash) = session.get::<String>(USER_HASH)?.and_then(|text| from_hex(&text)) else {
        return Ok(false);
    };
    Ok(keys.any(|key| salted_hmac(SALT, key, password.as_bytes()).verify_slice(&hash).is_ok()))
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    digits.len().is_multiple_of(2).then(|| digits.chunks(2).map(pair).collect()).flatten()
}
