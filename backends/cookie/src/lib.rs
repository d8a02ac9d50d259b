//! Sessions that live in their cookie: there is no store, and nothing to run or to clean up.
//!
//! | | the visitor can read it | the visitor can change it |
//! | --- | --- | --- |
//! | [`SignedCookie`] | yes | no |
//! | [`EncryptedCookie`] | no | no |
//!
//! ```
//! use session_cookie::EncryptedCookie;
//! use session_core::{Sessions, Settings};
//!
//! // 32 random bytes or more, kept out of the source, the same on every server.
//! let secret = "uBuFqZpX0xO0rTfE1Yz3hJ6kW9sD2vNc4mLgAaQiRjM=";
//! let settings = Settings::default();
//! let sessions = Sessions::new(EncryptedCookie::new("sessionid", [secret])?, settings)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What it cannot do
//!
//! A sealed session is a statement that was true when it was made. Nobody keeps a list of them, so nobody can take one back.
//!
//! | | a store | a sealed cookie |
//! | --- | --- | --- |
//! | end a session before its deadline | at once, everywhere | the browser forgets it; a copy that was taken before opens it until its deadline |
//! | list an account's sessions, revoke one, limit their number | yes | no: [`Unsupported`](session_core::Error::Unsupported) |
//! | merge what two requests changed at once | yes | no: the answer that arrives last wins |
//! | one-time values (`take_once`), counters that count | yes | within one request; an older cookie that is sent again has the older value |
//! | rotate the secret at login | the old one opens nothing | a new cookie is written; the old one is valid until its deadline |
//! | save after the response has left | yes | no: [`Detached`](session_core::Error::Detached) |
//! | size | megabytes | 4,096 bytes with the cookie's name: [`TooLarge`](session_core::Error::TooLarge) when it is written |
//! | a session key | yes | none |
//!
//! So it suits preferences, carts and flash messages. For logins that must end when somebody says so, use a store; a short
//! absolute timeout bounds the harm (OWASP session management; fastify secure-session CVE-2024-31999).
//!
//! # Keys
//!
//! Any number of secrets, the newest first. The first one seals; all open, so that a secret is changed by putting the new one
//! before the old one, and taking the old one away once its sessions have ended. A session that was opened with an older
//! secret is sealed with the newest as soon as it is saved again. With a secret everybody's sessions can be forged: a secret that
//! was seen is taken away at once.
//!
//! Each secret becomes a key by HKDF-SHA256, for one kind of sealing and one cookie name. So one secret may serve several
//! cookies, and none of them is ever accepted in another's place, nor a signed one where an encrypted one is asked for. HKDF
//! does not make a password safe: draw the secret at random.
//!
//! # The format
//!
//! The cookie's value is the base64url text, without padding, of:
//!
//! | kind | bytes |
//! | --- | --- |
//! | signed | `0x11`, the payload, its HMAC-SHA256 (32 bytes) |
//! | encrypted | `0x21`, a random nonce (24 bytes), the payload in XChaCha20-Poly1305 with its tag (16 bytes) |
//!
//! What is authenticated besides is the *context*: the words `session-cookie`, `signed` or `encrypted`, the cookie's name, and
//! the version of this format (1), each behind its length; then the first byte. The same context is the `info` of HKDF.
//!
//! The payload is a byte, which says whether the rest is as it is (0) or in raw deflate (1), and the rest: issue time, deadline,
//! beginning and last activity, version, account, secret hash (always none), core's details and the application's data, in
//! [postcard](https://postcard.jamesmunro.com/wire-format.html). It is compressed where that is smaller, and inflates to at most
//! 64 KiB. Nothing of it is looked at before its tag is verified.
//!
//! A cookie is refused from its deadline on; and so is one that was issued more than 5 minutes from now, by a server whose clock
//! is wrong: its deadline would be as wrong.

// Which feature an item needs, shown beside it.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod encrypted;
mod keys;
mod payload;
mod signed;
mod text;

pub use encrypted::EncryptedCookie;
pub use keys::{KeyError, MIN_SECRET_LENGTH};
pub use payload::Compression;
pub use signed::SignedCookie;

/// The README, whose programs compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
