//! What a request does to its session, as a list of changes that can be done again.
//!
//! The changes are applied to the session as it was loaded, so that the handler reads what it wrote. When another request has
//! saved meanwhile, they are applied again to the newer session: that is what a merge is.

use std::fmt;

use crate::clock::Time;
use crate::entries::{Entries, Name, RawJson};
use crate::error::{Error, Result};
use crate::expiry::Expiry;
use crate::meta::Meta;
use crate::record::Record;

/// The part of a session that requests change.
#[derive(Clone, Debug, Default)]
pub(crate) struct Content {
    pub(crate) entries: Entries,
    pub(crate) account: Option<String>,
    pub(crate) authenticated_at: Option<Time>,
    pub(crate) absolute_at: Option<Time>,
    pub(crate) expiry: Option<Expiry>,
    pub(crate) meta: Meta,
}

impl Content {
    pub(crate) fn of(record: &Record, entries: Entries) -> Self {
        Self {
            entries,
            account: record.account.clone(),
            authenticated_at: record.details.authenticated_at,
            absolute_at: record.details.absolute_at,
            expiry: record.details.expiry,
            meta: record.details.meta.clone(),
        }
    }

    /// Whether a record of it would say nothing. An expiry of its own is something: it was set for what is written later (D30).
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.account.is_none() && self.expiry.is_none()
    }
}

/// A function of the application's, from a value to the next one.
pub(crate) type Step = Box<dyn FnMut(Option<&RawJson>) -> Result<RawJson> + Send>;

/// As a [`Step`], over all values.
pub(crate) type Edit = Box<dyn FnMut(&Entries) -> Result<Entries> + Send>;

/// One change. Made once by the handler, applied as often as a save needs.
pub(crate) enum Change {
    Set {
        key: Name,
        value: RawJson,
    },
    SetDefault {
        key: Name,
        value: RawJson,
    },
    Update {
        key: Name,
        step: Step,
    },
    /// Of a session that is one struct.
    Edit {
        step: Edit,
    },
    Remove {
        key: Name,
    },
    /// Removes a value that must still be the one that was taken.
    Take {
        key: Name,
        value: RawJson,
    },
    Clear,
    Expiry(Option<Expiry>),
    Meta {
        name: String,
        value: Option<String>,
    },
    Login {
        account: String,
        at: Time,
        absolute_at: Option<Time>,
    },
}

impl Change {
    /// Applies it. The application's code runs here, so no lock may be held.
    pub(crate) fn apply(&mut self, to: &mut Content) -> Result<()> {
        match self {
            Change::Set { key, value } => to.entries.insert(key.clone(), value.clone()),
            Change::SetDefault { key, value } => {
                if to.entries.get(key).is_none() {
                    to.entries.insert(key.clone(), value.clone());
                }
            }
            Change::Update { key, step } => {
                let next = step(to.entries.get(key))?;
                to.entries.insert(key.clone(), next);
            }
            Change::Edit { step } => to.entries = step(&to.entries)?,
            Change::Remove { key } => {
                to.entries.remove(key);
            }
            Change::Take { key, value } => match to.entries.remove(key) {
                Some(there) if there == *value => {}
                _ => return Err(Error::Conflict),
            },
            Change::Clear => {
                to.entries = Entries::default();
                to.account = None;
                to.authenticated_at = None;
                to.expiry = None;
            }
            Change::Expiry(expiry) => to.expiry = *expiry,
            Change::Meta { name, value: Some(value) } => {
                to.meta.insert(name.clone(), value.clone());
            }
            Change::Meta { name, value: None } => {
                to.meta.remove(name);
            }
            Change::Login { account, at, absolute_at } => {
                to.account = Some(account.clone());
                to.authenticated_at = Some(*at);
                to.absolute_at = *absolute_at;
            }
        }
        Ok(())
    }
}

impl Change {
    /// Whether this value is looked at or replaced by it.
    fn is_about(&self, name: &Name) -> bool {
        match self {
            Change::Set { key, .. }
            | Change::SetDefault { key, .. }
            | Change::Update { key, .. }
            | Change::Remove { key }
            | Change::Take { key, .. } => key == name,
            Change::Edit { .. } | Change::Clear => true,
            Change::Expiry(_) | Change::Meta { .. } | Change::Login { .. } => false,
        }
    }
}

/// How many changes are looked through for one that has been overwritten.
const LOOKS_BACK: usize = 32;

/// Puts a value in the place of one that was set before and that nobody has looked at since, so that what sets the same keys again
/// and again, and is not saved, does not grow. Any other change is given back.
pub(crate) fn overwrite(changes: &mut [Change], change: Change) -> Option<Change> {
    let Change::Set { key, value } = change else { return Some(change) };
    let mut latest = changes.iter_mut().rev().take(LOOKS_BACK);
    match latest.find(|earlier| earlier.is_about(&key)) {
        Some(Change::Set { value: there, .. }) => {
            *there = value;
            None
        }
        _ => Some(Change::Set { key, value }),
    }
}

impl fmt::Debug for Change {
    /// What kind of change to which key; never a value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Change::Set { key, .. } => write!(f, "Set({key:?})"),
            Change::SetDefault { key, .. } => write!(f, "SetDefault({key:?})"),
            Change::Update { key, .. } => write!(f, "Update({key:?})"),
            Change::Edit { .. } => f.write_str("Edit"),
            Change::Remove { key } => write!(f, "Remove({key:?})"),
            Change::Take { key, .. } => write!(f, "Take({key:?})"),
            Change::Clear => f.write_str("Clear"),
            Change::Expiry(expiry) => write!(f, "Expiry({expiry:?})"),
            Change::Meta { name, .. } => write!(f, "Meta({name:?})"),
            Change::Login { .. } => f.write_str("Login"),
        }
    }
}

/// Applies changes in order.
pub(crate) fn replay(changes: &mut [Change], to: &mut Content) -> Result<()> {
    changes.iter_mut().try_for_each(|change| change.apply(to))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(key: &str, value: u32) -> Change {
        Change::Set { key: key.into(), value: RawJson::of(key, &value).expect("a number") }
    }

    fn record(changes: impl IntoIterator<Item = Change>) -> Vec<Change> {
        changes.into_iter().fold(Vec::new(), |mut journal, change| {
            let change = overwrite(&mut journal, change);
            journal.extend(change);
            journal
        })
    }

    #[test]
    fn what_is_set_again_and_again_does_not_grow() {
        let mut journal = record((0..1000).map(|n| set(["a", "b", "c"][n as usize % 3], n)));
        assert_eq!(journal.len(), 3);
        let mut content = Content::default();
        replay(&mut journal, &mut content).expect("nothing that could fail");
        let values =
            ["a", "b", "c"].map(|key| content.entries.get(key).map(|value| value.as_str().to_owned()));
        assert_eq!(values, ["999", "997", "998"].map(|value| Some(value.to_owned())));
    }

    #[test]
    fn the_debug_of_a_change_shows_no_value() {
        let shown = |change: &Change| format!("{change:?}");
        assert_eq!(shown(&set("cart", 4711)), r#"Set("cart")"#);
        let value = RawJson::of("code", &4711).expect("a number");
        assert_eq!(shown(&Change::Take { key: "code".into(), value }), r#"Take("code")"#);
    }

    /// Somebody else has put another one there, which nobody has taken yet.
    #[test]
    fn only_the_value_that_was_seen_is_taken() {
        let taken = |there: u32| {
            let value = RawJson::of("a", &1_u32).expect("a number");
            let mut content = Content::default();
            set("a", there).apply(&mut content).expect("a set cannot fail");
            Change::Take { key: "a".into(), value }.apply(&mut content)
        };
        assert!(taken(1).is_ok());
        assert!(matches!(taken(2), Err(Error::Conflict)));
    }

    #[test]
    fn what_was_looked_at_stays() {
        let step: Step = Box::new(|value| Ok(value.cloned().expect("it was set")));
        for between in [
            Change::Update { key: "a".into(), step },
            Change::Remove { key: "a".into() },
            Change::Edit { step: Box::new(|entries| Ok(entries.clone())) },
            Change::Clear,
        ] {
            let journal = record([set("a", 1), between, set("a", 2), set("a", 3)]);
            assert_eq!(journal.len(), 3, "{journal:?}");
        }
        assert_eq!(record([set("a", 1), Change::Remove { key: "b".into() }, set("a", 2)]).len(), 2);
    }
}
