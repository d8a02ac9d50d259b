//! The demo's pages, as HTML that a server renders: no scripts, nothing from elsewhere.
//!
//! What answers a `GET` returns the page's text or, where it may lead elsewhere, an [`Answer`]. What answers a `POST` returns an
//! [`Answer`]: a redirect, or the page again with what was wrong. The [crate's documentation](crate) has the table of routes.
//!
//! Forms of another site cannot post here: the session's cookie is `SameSite=Lax`, so such a post comes without a session.

mod answer;
mod cart;
mod comment;
mod cookie_test;
mod devices;
mod error;
mod expiry;
mod field;
mod frame;
mod home;
mod preferences;
mod register;
mod sign_in;
#[cfg(test)]
mod tests;

pub use answer::Answer;
pub use cart::{QuantityForm, add_to_cart, cart, set_quantity};
pub use comment::{CommentForm, comment, leave_comment};
pub use cookie_test::{check_cookie_test, cookie_test};
pub use devices::{devices, revoke, revoke_others};
pub use error::{error, session_error};
pub use expiry::{ExpiryForm, choose_expiry, expiry};
pub use home::home;
pub use preferences::{PreferencesForm, preferences, reset_preferences, set_preferences};
pub use register::{RegisterForm, complete_step, register, register_step};
pub use sign_in::{SignInForm, sign_in, sign_in_page, sign_out};

/// The stylesheet of all pages, for `/style.css`, `text/css`.
pub const STYLE: &str = include_str!("../../templates/style.css");
