//! Small shapes that most sites build on a session: preferences, wizards, flash messages.
//!
//! | | what it is | kept under | several requests at once |
//! | --- | --- | --- | --- |
//! | [`Preferences`] | settings of a visitor over an application's defaults; what differs is stored | `preferences` | two tabs that set different keys both count |
//! | [`Wizard`] | a form of several steps, in order, with the data of each | `wizard.NAME` | steps that are sent at once are all kept |
//! | [`Flash`] | messages for the next page, shown once | `flash` | a message that is pushed while others are taken is not lost |
//!
//! Each keeps a clone of the [`Session`](crate::Session), which is the same session, and each writes through
//! [`Session::update`](crate::Session::update): a save that meets another request's is made again on what that one has stored.
//! They are ordinary values under ordinary keys, so [`Session::clear`](crate::Session::clear) and a logout end them too.
//!
//! Feature `patterns`.

mod flash;
mod preferences;
mod wizard;

pub use flash::{Flash, Level, Message};
pub use preferences::{PreferenceError, Preferences};
pub use wizard::{Wizard, WizardError};
