//! What a session is: all that a serial order is compared with.

use std::collections::BTreeMap;
use std::fmt;

use super::step::{Answer, Operation, Secret, Step};

/// A session between two steps.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Session {
    life: Life,
    /// The one that opens it; `None` where nobody was told.
    secret: Option<Secret>,
    account: Option<String>,
    values: BTreeMap<String, i64>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
enum Life {
    #[default]
    Unborn,
    Alive,
    Ended,
}

impl Session {
    /// What it may be after this step, were it done now with this answer; nothing where the answer would have been another.
    pub(super) fn after(&self, step: &Step, answer: &Answer) -> Vec<Self> {
        let begins = step.operations.contains(&Operation::Create);
        let is_alive = if begins { self.life == Life::Unborn } else { self.life == Life::Alive };
        let opens = is_alive && (begins || step.secret.is_none() || step.secret == self.secret);
        let Answer::There { read, secret } = answer else {
            return if opens { vec![] } else { vec![self.clone()] };
        };
        // What ends a session is not asked for the present secret.
        match step.operations.as_slice() {
            [Operation::Flush] if opens => return vec![Self::ended()],
            // Whether its request had loaded the session before the secret changed is not known here.
            [Operation::Flush] if is_alive => return vec![Self::ended(), self.clone()],
            [Operation::RevokeAccount(account)] if is_alive && self.account.as_ref() == Some(account) => {
                return vec![Self::ended()];
            }
            [Operation::Revoke | Operation::Expire] if is_alive => return vec![Self::ended()],
            [Operation::Flush | Operation::RevokeAccount(_) | Operation::Expire] => {
                return vec![self.clone()];
            }
            _ if !opens => return vec![],
            _ => {}
        }
        let mut next = self.clone();
        let mut read = read.iter();
        for operation in &step.operations {
            match operation {
                // What was read, nobody was told.
                Operation::Read(_) if step.is_unknown() => {}
                Operation::Read(key) if read.next() != Some(&next.values.get(key).copied()) => return vec![],
                operation => next.apply(operation, *secret),
            }
        }
        vec![next]
    }

    fn apply(&mut self, operation: &Operation, secret: Option<Secret>) {
        match operation {
            Operation::Create => (self.life, self.secret) = (Life::Alive, secret),
            Operation::Set(key, value) => {
                self.values.insert(key.clone(), *value);
            }
            Operation::Increment(key) => *self.values.entry(key.clone()).or_default() += 1,
            Operation::Remove(key) => {
                self.values.remove(key);
            }
            Operation::Rotate => self.secret = secret,
            Operation::Login(account) => (self.account, self.secret) = (Some(account.clone()), secret),
            Operation::Read(_) => {}
            Operation::Flush | Operation::Revoke | Operation::RevokeAccount(_) | Operation::Expire => {
                *self = Self::ended();
            }
        }
    }

    fn ended() -> Self {
        Self { life: Life::Ended, ..Self::default() }
    }
}

impl fmt::Display for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.life {
            Life::Unborn => return f.write_str("not begun"),
            Life::Ended => return f.write_str("ended"),
            Life::Alive => f.write_str("alive")?,
        }
        match self.secret {
            Some(secret) => write!(f, ", secret {secret}")?,
            None => f.write_str(", a secret that nobody was told")?,
        }
        if let Some(account) = &self.account {
            write!(f, ", of {account}")?;
        }
        self.values.iter().try_for_each(|(key, value)| write!(f, ", {key} = {value}"))
    }
}
