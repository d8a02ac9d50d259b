//! Registration in three steps: account, address, confirmation.

use serde::{Deserialize, Serialize};
use session_core::patterns::{Wizard, WizardError};
use session_core::{Error, Result, Session};

/// The steps, in order.
pub const STEPS: &[&str] = &["account", "address", "confirm"];

/// What the first step asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// How the visitor wants to be called.
    pub username: String,
    /// Where letters without paper go.
    pub email: String,
}

/// What the second step asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// Street and number.
    pub street: String,
    /// The postal code.
    pub postal_code: String,
    /// The town.
    pub city: String,
}

/// One step, filled in.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "there are three")]
pub enum Filled {
    /// The first.
    Account(Account),
    /// The second.
    Address(Address),
    /// The third: the visitor has looked at the others and said yes.
    Confirm,
}

/// One visitor's registration.
#[derive(Debug)]
pub struct Registration {
    wizard: Wizard,
}

impl Registration {
    /// The registration in this session.
    pub fn of(session: &Session) -> Self {
        Self { wizard: Wizard::new(session, "registration", STEPS) }
    }

    /// The step to show; `None` when it is completed.
    pub fn current(&self) -> Result<Option<&'static str>> {
        if self.is_completed()? { Ok(None) } else { self.wizard.current_step().map_err(session_error) }
    }

    /// Whether all steps are.
    pub fn is_completed(&self) -> Result<bool> {
        self.wizard.is_completed().map_err(session_error)
    }

    /// The completed steps.
    pub fn completed(&self) -> Result<Vec<&'static str>> {
        self.wizard.completed_steps().map_err(session_error)
    }

    /// What was filled in at the first step, or else empty fields.
    pub fn account(&self) -> Result<Account> {
        self.wizard.data("account").map(Option::unwrap_or_default).map_err(session_error)
    }

    /// What was filled in at the second step, or else empty fields.
    pub fn address(&self) -> Result<Address> {
        self.wizard.data("address").map(Option::unwrap_or_default).map_err(session_error)
    }

    /// Whether this step may be shown now. A visitor who goes back to one is brought there again later.
    pub fn visit(&self, step: &str) -> Result<bool> {
        if !STEPS.contains(&step) || !self.wizard.is_reached(step).map_err(session_error)? {
            return Ok(false);
        }
        if self.current()?.is_some_and(|current| current != step) {
            self.wizard.go_to(step).map_err(session_error)?;
        }
        Ok(true)
    }

    /// Keeps a step; whether it was its turn. A completed registration begins anew with the first.
    pub fn complete(&self, filled: &Filled) -> Result<bool> {
        if matches!(filled, Filled::Account(_)) && self.is_completed()? {
            self.wizard.clear();
        }
        let kept = match filled {
            Filled::Account(account) => self.wizard.complete("account", account),
            Filled::Address(address) => self.wizard.complete("address", address),
            Filled::Confirm => self.wizard.complete("confirm", true),
        };
        match kept {
            Ok(()) => Ok(true),
            Err(WizardError::NotReached { .. }) => Ok(false),
            Err(error) => Err(session_error(error)),
        }
    }
}

fn session_error(error: WizardError) -> Error {
    match error {
        WizardError::Session(error) => error,
        // The steps that are asked for here are declared, and asked whether they are reached.
        _ => Error::WrongType { key: "wizard.registration".to_owned(), expected: "registration" },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account() -> Filled {
        Filled::Account(Account { username: "ada".to_owned(), email: "ada@example.org".to_owned() })
    }

    #[test]
    fn it_goes_step_by_step() {
        let registration = Registration::of(&crate::shop::session());
        assert!(!registration.complete(&Filled::Confirm).unwrap());
        assert!(!registration.visit("address").unwrap());
        assert!(!registration.visit("payment").unwrap());
        assert!(registration.complete(&account()).unwrap());
        assert_eq!(registration.current().unwrap(), Some("address"));
        assert!(registration.complete(&Filled::Address(Address::default())).unwrap());
        assert!(registration.complete(&Filled::Confirm).unwrap());
        assert_eq!(registration.current().unwrap(), None);
    }

    #[test]
    fn who_went_back_is_brought_there_again() {
        let session = crate::shop::session();
        let registration = Registration::of(&session);
        registration.complete(&account()).unwrap();
        assert!(registration.visit("account").unwrap());
        assert_eq!(registration.current().unwrap(), Some("account"));
        assert_eq!(registration.account().unwrap().username, "ada");
    }

    #[test]
    fn a_completed_one_begins_anew_with_its_first_step() {
        let registration = Registration::of(&crate::shop::session());
        for filled in [account(), Filled::Address(Address::default()), Filled::Confirm, account()] {
            assert!(registration.complete(&filled).unwrap());
        }
        assert_eq!(registration.completed().unwrap(), ["account"]);
    }
}
