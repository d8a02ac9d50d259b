//! Between sealed bytes and the text of a cookie.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// No browser sends a longer cookie of ours (RFC 6265, section 6.1), so nothing is spent on one.
const MAX_TEXT: usize = 4096;

pub(crate) fn write(sealed: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(sealed)
}

/// `None` for anything that [`write`] does not write: of two texts for the same bytes one is refused.
pub(crate) fn read(text: &[u8]) -> Option<Vec<u8>> {
    if text.len() > MAX_TEXT { None } else { URL_SAFE_NO_PAD.decode(text).ok() }
}
