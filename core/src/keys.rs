//! Secrets that sign or encrypt, the newest first.

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

/// Secrets that sign or encrypt. The newest is used for what is written; all of them for what is read, so that a secret can be
/// replaced without anybody being signed out: put the new one in front, and drop the old one when what it wrote has expired.
///
/// ```
/// use session_core::SecretKeys;
///
/// let keys = SecretKeys::new("the new secret, of 32 bytes or more").with_fallback("the old secret, of 32 bytes or more");
/// assert_eq!(format!("{keys:?}"), "SecretKeys(2, redacted)");
/// ```
#[derive(Clone)]
pub struct SecretKeys(Arc<[Zeroizing<Vec<u8>>]>);

impl SecretKeys {
    /// With one secret: any bytes that nobody can guess. 32 random bytes are enough for ever.
    pub fn new(secret: impl AsRef<[u8]>) -> Self {
        #[cfg(feature = "testing")]
        crate::testing::leaks::issued(secret.as_ref());
        Self([Zeroizing::new(secret.as_ref().to_vec())].into())
    }

    /// With an older secret behind those that are there.
    #[must_use = "this returns the longer list"]
    pub fn with_fallback(&self, secret: impl AsRef<[u8]>) -> Self {
        Self(self.0.iter().cloned().chain([Zeroizing::new(secret.as_ref().to_vec())]).collect())
    }

    /// The secrets, the newest first; there is one at least.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(|secret| &secret[..])
    }

    /// The secret for what is written.
    pub fn newest(&self) -> &[u8] {
        self.0.first().map(|secret| &secret[..]).unwrap_or_default()
    }
}

impl fmt::Debug for SecretKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKeys({}, redacted)", self.0.len())
    }
}
